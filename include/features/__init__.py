"""What a model is shown of a text; the trainer and the scorer share it, and it knows neither."""
