"""The command line behind ``./nightcatch``."""
