"""What moved a score: Shapley values of inputs and of the parts of a URL, with their labels."""
