"""Whether traffic is what it was: a test that is carried on from day to day."""
