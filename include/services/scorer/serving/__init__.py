"""Models in production: loading, catalogue, and the application server."""
