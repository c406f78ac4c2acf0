"""What runs, what was found and what waits for a person: the page Home, `./nightcatch status`.

Each part is read by itself: one that cannot be read says why, and the others are shown.
"""
