"""What a release does on live traffic, beside the version before it; taking it back."""
