"""Read a day's traffic and labels from the bucket, sampled to what fits into memory."""
