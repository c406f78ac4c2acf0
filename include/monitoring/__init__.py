"""Monitor a day of traffic: drift of inputs and scores, and quality of predictions by labels.

A day's findings depend on the bucket alone, not on the clock, so they are the same each time.
Callers decide on alerts and retraining.
"""
