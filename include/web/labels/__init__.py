"""The Labels page: what waits for a person's decision, and the health of what brings labels."""
