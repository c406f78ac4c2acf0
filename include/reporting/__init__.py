"""What a version says of itself: report, model card, bill of materials; knows documents only."""
