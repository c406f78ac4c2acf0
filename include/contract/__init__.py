"""What the trainer writes and the scorer verifies: keys, schema, manifest, signature, approval.

This room decides and does no I/O; it knows neither S3 nor MongoDB nor scikit-learn.
"""
