"""How good a model is, in figures a report can carry; knows arrays and probabilities only."""
