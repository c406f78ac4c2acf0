"""The steps of a training run, each of which reads and writes documents under the run's key.

A step knows the run's context and earlier documents; it never imports Airflow.
"""
