"""Classes a saved model names: append-only, never moved, never renamed."""
