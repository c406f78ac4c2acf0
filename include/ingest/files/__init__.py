"""Files of records: found or downloaded, read row by row; knows columns, not their meaning."""
