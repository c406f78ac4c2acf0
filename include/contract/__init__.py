"""What the trainer writes and the scorer verifies: keys, schema, manifest, signature, approval.

No I/O; imports neither S3, MongoDB nor scikit-learn.
"""
