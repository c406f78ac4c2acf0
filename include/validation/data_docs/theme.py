"""How pages of Data Docs look: legible, and light or dark as Airflow is around them."""

from functools import cache
from pathlib import Path

_STATIC = Path(__file__).parent / "static"


@cache
def follow_theme() -> str:
    """Return the script, as HTML, by which a page is light or dark as the Airflow UI is.

    Airflow has a switch of its own; style sheets hear of the system's only.
    """
    return f"<script>\n{(_STATIC / 'docs.js').read_text()}</script>"


@cache
def legible() -> str:
    """Return what the head of a page that Bootstrap styles ends with."""
    return f"<style>\n{(_STATIC / 'docs.css').read_text()}</style>\n{follow_theme()}"
