"""What others see of a run: MLflow's pages and OpenLineage's data sets. Nothing here is read back.

A finished run is noted in the bucket first; MLflow is told afterwards, as often as it takes.
"""
