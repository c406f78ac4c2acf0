"""After a run: trace a version to its rows, train it again, verify its chain of documents."""
