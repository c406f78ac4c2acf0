"""Settings of processes and policies of pipelines: pydantic models and how they are read.

Knows no store and opens nothing. Environment variables come as a mapping, since tests and the
embedded stack read others than the process's own; `pydantic_settings.BaseSettings` cannot.
"""
