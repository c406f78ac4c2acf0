"""Scripts, styles and fonts that Data Docs load: files of this installation, the same for all runs.

They are never read from the bucket, so a page of the bucket can only load what is installed here.
"""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from include.errors import ObjectMissingError

VENDOR = "vendor"
STATIC = "nightcatch"
GREAT_EXPECTATIONS = "great_expectations"
HERE = Path(__file__).parent
# No other type of file is served, and none is guessed from its content or by the operating system.
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".otf": "font/otf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_FOREIGN_CSS = re.compile(r"""url\(\s*['"]?https?://[^)]*\)""")


def media_type(name: str) -> str:
    """Return the media type of a file of Data Docs by the suffix of its name.

    Raises
    ------
    ObjectMissingError
        If no file of that type belongs to Data Docs.
    """
    try:
        return MEDIA_TYPES[Path(name).suffix]
    except KeyError:
        raise ObjectMissingError(f"{name!r} is not a file of Data Docs") from None


def without_foreign_urls(css: str) -> str:
    """Return a style sheet that loads nothing from another host."""
    return _FOREIGN_CSS.sub("none", css)


def read_asset(path: str) -> bytes:
    """Return the content of a shared file.

    Parameters
    ----------
    path : str
        Below `VENDOR`, such as ``jquery-3.7.1/dist/jquery.min.js``.

    Raises
    ------
    ObjectMissingError
        If the file does not exist.
    """
    package, _, rest = path.partition("/")
    root = _roots().get(package, HERE / VENDOR / package)
    file = (root / rest).resolve()
    if not package or not file.is_relative_to(root.resolve()) or not file.is_file():
        raise ObjectMissingError(f"{path!r} is not a file of Data Docs")
    if file.suffix == ".css":
        return without_foreign_urls(file.read_text()).encode()
    return file.read_bytes()


@cache
def _roots() -> dict[str, Path]:
    spec = find_spec("great_expectations")  # found and not imported: that takes seconds
    (package,) = (spec and spec.submodule_search_locations) or [""]
    return {
        STATIC: HERE / "static",
        GREAT_EXPECTATIONS: Path(package, "render", "view"),
    }
