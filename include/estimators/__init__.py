"""Estimators that saved models name; moving or renaming one needs new training."""
