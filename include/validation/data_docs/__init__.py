"""Data Docs: built for one run, made to work offline, published, and served from the bucket."""
