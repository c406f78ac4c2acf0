"""Watch a day of traffic: drift of inputs and scores, and quality of predictions by labels.

Knows no clock: a day's findings are made of what lies in the bucket, so a day that is looked at
again has the same ones. What is made of them, an alert or a retraining, is decided above.
"""
