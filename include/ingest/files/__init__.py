"""Find or download files of records, and read them row by row."""
