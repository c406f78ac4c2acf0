"""The commands of `./nightcatch`, and what each of them calls."""
