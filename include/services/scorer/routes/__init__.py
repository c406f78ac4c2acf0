"""Flask blueprints of the scorer, one module per subject."""
