"""Labelled records in MongoDB: loading twice, or again after a kill, is loading once."""
