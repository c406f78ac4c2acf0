"""Validate records with Great Expectations, measure drift, and build Data Docs.

This package reads suites by name, `gx/expectations/<pipeline>.json`, and imports no pipeline.
It imports Great Expectations inside functions (it takes seconds) and always by its full name,
because `gx` is the project's own folder.
"""
