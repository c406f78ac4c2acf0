"""Validate records with Great Expectations, measure drift, and build Data Docs.

This room knows suites by name and nothing of pipelines: `gx/expectations/<pipeline>.json` is all.
It imports Great Expectations inside functions (it takes seconds) and always by its full name,
because `gx` is the project's own folder.
"""
