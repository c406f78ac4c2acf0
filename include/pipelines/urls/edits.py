"""What an attacker changes of a phishing URL at no cost; each edit depends on the URL alone."""

import hashlib
from collections.abc import Callable, Mapping

from include.errors import UrlRefusedError
from include.urls.address import take_apart
from include.urls.parse import ParsedUrl
from include.urls.reading import read_url

Edit = Callable[[ParsedUrl], str | None]

_WORDS = (
    "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor", "iris", "juniper",
    "kestrel", "linen", "maple", "nectar", "orchard", "pebble", "quartz", "river", "summit",
    "thistle", "umber", "velvet", "willow", "yarrow",
)  # fmt: skip
_SUFFIXES = ("com", "net", "org", "info", "co")
_FREE_HOSTS = ("github.io", "pages.dev", "web.app", "weebly.com", "vercel.app", "netlify.app")
_BRANDS = ("www.paypal.com", "login.microsoftonline.com", "www.amazon.com", "accounts.google.com")
# Cyrillic letters that look like the Latin ones.
_HOMOGLYPHS = str.maketrans("aceopxy", "\u0430\u0441\u0435\u043e\u0440\u0445\u0443")
_N_PADDING = 1_200


def edited(name: str, text: str) -> str | None:
    """Return a URL after the edit of that name; None where it does not apply."""
    try:
        url = read_url(text).parsed
        changed = EDITS[name](url)
        return None if changed is None or changed == url.href else read_url(changed).url
    except UrlRefusedError:
        return None


def _host_swapped(url: ParsedUrl) -> str:
    """Move the page to a fresh domain of two words."""
    first, second = _pick(url.href, "1", _WORDS), _pick(url.href, "2", _WORDS)
    return f"{url.scheme}://{first}{second}.{_pick(url.href, '3', _SUFFIXES)}{url.tail}"


def _path_cleaned(url: ParsedUrl) -> str | None:
    """Serve the page as the home page of its host."""
    return f"{url.scheme}://{url.host}/" if url.tail != "/" else None


def _homoglyphs(url: ParsedUrl) -> str | None:
    """Write the registrable name with Cyrillic letters that look Latin."""
    address = take_apart(url.href)
    if address.is_ip or "xn--" in url.host or not address.suffix:
        return None
    label = address.label.translate(_HOMOGLYPHS)
    host = f"{address.subdomain}." if address.subdomain else ""
    return f"{url.scheme}://{host}{label}.{address.suffix}{url.tail}"


def _user_info(url: ParsedUrl) -> str:
    """Put the name of a brand's site where a browser reads a user's name."""
    brand = _pick(url.href, "brand", _BRANDS)
    return f"{url.scheme}://{brand}@{url.host}{url.tail}"


def _long_padding(url: ParsedUrl) -> str:
    """Append a long parameter that says nothing."""
    mark = "&" if "?" in url.tail else "?"
    digest = hashlib.sha256(url.href.encode()).hexdigest()
    return f"{url.scheme}://{url.host}{url.tail}{mark}ref={(digest * 20)[:_N_PADDING]}"


def _free_hosting(url: ParsedUrl) -> str:
    """Move the page to a name below a hosting platform, called as its domain was."""
    label = take_apart(url.href).label.encode("ascii", "ignore").decode().replace(".", "-")
    name = label.strip("-[]:")[:40] or "page"
    return f"https://{name}.{_pick(url.href, 'free', _FREE_HOSTS)}{url.tail}"


def _pick(text: str, salt: str, choices: tuple[str, ...]) -> str:
    digest = hashlib.blake2b(text.encode(), digest_size=4, salt=salt.encode()).digest()
    return choices[int.from_bytes(digest) % len(choices)]


EDITS: Mapping[str, Edit] = {
    "host swapped": _host_swapped,
    "path cleaned": _path_cleaned,
    "homoglyphs": _homoglyphs,
    "user-info": _user_info,
    "long padding": _long_padding,
    "free hosting": _free_hosting,
}
