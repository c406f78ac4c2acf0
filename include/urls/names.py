"""How entries of a list name URLs and paths: without scheme, fragment and last slash."""

from include.urls.parse import ParsedUrl


def url_value(url: ParsedUrl) -> str:
    """Return how a URL is compared with entries of one URL: without scheme and fragment."""
    port = f":{url.port}" if url.port else ""
    return f"{url.host}{port}{url.tail.partition('#')[0]}"


def path_value(url: ParsedUrl) -> str:
    """Return how a URL is compared with entries of a path: host and path, no last slash."""
    path = url.tail.partition("#")[0].partition("?")[0]
    return f"{url.host}{path}".rstrip("/")
