"""CSV uploads: read, scored and returned chunk by chunk in bounded memory."""
