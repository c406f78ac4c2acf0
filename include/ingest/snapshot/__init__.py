"""MongoDB collections as immutable, content-addressed Parquet snapshots in S3."""
