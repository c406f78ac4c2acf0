"""What people and other programs are told without asking: alerts by message, decisions as events.

Nothing here fails a run or keeps it waiting. A message is tried once, for seconds; what could not
be sent is noted in the bucket and sent by the DAG `watch_models`. Addresses and passwords of
receivers are secrets: no message, error or log line holds one.
"""
