"""Score files, prefixes and queries of any size into Parquet; memory stays flat.

A job is pinned in its destination (`job.json`: inputs and version) and written part by part, each
whole or not there, so that it goes on after any kill. It knows neither HTTP nor Airflow.
"""
