"""Model versions in S3: `publish` and `approve` write them, `follow` reads them."""
