"""Features of texts, shared by training and serving; it imports neither."""
