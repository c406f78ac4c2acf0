"""Reading a URL out of text, and taking it apart as browsers do.

The one reading of URLs: loading, features, splits, duplicates, scoring and explanations use it. It
imports none of them, and never opens a connection.
"""
