"""What pages of the Airflow UI have in common: templates, parts, and what a browser may load."""

from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Response
from jinja2 import Environment, PackageLoader, StrictUndefined

from include.errors import ObjectMissingError
from include.web.view import minute

COMMON_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
HEADERS = {
    **COMMON_HEADERS,
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    ),
}
_STATIC = Path(__file__).parent / "static"
_SCRIPT = "text/javascript; charset=utf-8"
_TYPES = {
    "page.css": "text/css; charset=utf-8",
    **dict.fromkeys(("page.js", "labels.js", "upload.js"), _SCRIPT),
}


def static_part(name: str) -> Response:
    """Return a style sheet or script of the pages.

    Raises
    ------
    ObjectMissingError
        If it is none of them.
    """
    if name not in _TYPES:
        raise ObjectMissingError(f"{name!r} is not part of a page")
    return Response((_STATIC / name).read_bytes(), media_type=_TYPES[name], headers=HEADERS)


def render(template: str, status: int = 200, **shown: Any) -> Response:
    """Return the page that a template makes of what it is shown; `root` is where it is mounted."""
    home = f"{shown.get('root', '').rpartition('/')[0]}/home/"
    html = _environment().get_template(template).render(minute=minute, home=home, **shown)
    return Response(html, status, headers=HEADERS, media_type="text/html; charset=utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("include.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
