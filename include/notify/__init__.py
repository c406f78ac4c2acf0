"""Send alerts as messages and decisions as events.

Nothing here fails or delays a run: a message is tried once, with a short timeout; what could not be
sent is queued in the bucket and sent by the DAG `watch_models`. Addresses and passwords of
receivers are secrets: no message, error or log line contains one.
"""
