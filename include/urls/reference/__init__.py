"""What is known of domains without a look-up: ranks, platforms, shorteners, brands.

Made by `build`, carried by the version that was trained with it. It knows how a URL is taken apart,
and nothing of features, models, or where reference data are kept.
"""

from pathlib import Path

SOURCES = Path(__file__).with_name("data") / "sources.toml"
"""Declares the popularity lists that may be downloaded."""
