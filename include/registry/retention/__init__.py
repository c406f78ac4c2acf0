"""What need not be kept any longer, and its deletion."""
