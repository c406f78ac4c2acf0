"""Real log-in pages of brands that phishing imitates most: a version must not call them phishing.

Written by hand from general knowledge and reviewed like code (`login_pages.csv`: brand, URL), among
them pages to sign in, to reset a password, to pay or to follow a parcel, in several countries. None
is taken from a data set, and none may be trained on: the list only evaluates. A page that moves
stays a legitimate URL. To extend it, add a line; the gate names the pages that a version flags.
"""

import csv
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_suffix(".csv")


@cache
def login_pages() -> tuple[str, ...]:
    """Return the URLs, in the order of the file."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple(row["url"] for row in csv.DictReader(file))
