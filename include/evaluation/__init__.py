"""Metrics, intervals and the gate; works on arrays and probabilities only."""
