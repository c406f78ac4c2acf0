"""Metrics, access log and the traffic log with its delivery to S3."""
