"""The only code that talks to MongoDB and S3; opened clients are passed in."""
