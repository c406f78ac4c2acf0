"""Lines of a list: one URL or host each, as block lists, hosts files and feeds write them."""

import re
from collections.abc import Callable

_COMMENT = re.compile(r"#|;|!|//(?![\w\[])")
_INLINE_COMMENT = re.compile(r"\s+(?:#|;|//)")
_BLOCKED_AT = re.compile(r"(?:0\.0\.0\.0|127(?:\.[0-9]+){3}|::1?|255\.255\.255\.255|fe80::\S*)\s+")
_OWN_NAMES = frozenset({"localhost", "localhost.localdomain", "local", "broadcasthost"})
# What follows a comma or a blank here is another cell or URL, and not the rest of this one.
_CELLS = re.compile(
    r"[,\s]\s{0,8}\"?(?:h..ps?://|[0-9]{4}[-/][0-9]{2}[-/][0-9]{2})"
    r"|[,\s]\s{0,8}\"?(?:phishing|legitimate|benign|malicious|good|bad|yes|no|online|offline)\"?\s*$"
    r"|\s-?[0-9]+\s*$",
    re.IGNORECASE,
)
_RANGE = re.compile(r"[0-9]+(?:\.[0-9]+){3}(?:/[0-9]{1,2}|\s*-\s*[0-9.]+)")

Reader = Callable[[str], str]


def is_comment(line: str) -> bool:
    """Return whether a line of a list is a comment: ``#``, ``;``, ``!`` or ``//`` begins it."""
    return _COMMENT.match(line.lstrip()) is not None


def entries(line: str, read: Reader | None) -> list[str]:
    """Return what a line of a list names, in most cases one URL or host; nothing of a comment.

    Parameters
    ----------
    line : str
    read : callable (str) -> str or None
        Of the layout; None accepts every text.

    Raises
    ------
    ValueError
        With the reason, if the line is not an entry of a list.
    """
    if not line.strip() or is_comment(line):
        return []
    # Behind the last comma stands an empty cell, or the next element of an array.
    text = _INLINE_COMMENT.split(line.strip(), maxsplit=1)[0].rstrip(", \t")
    if read is None:
        return [text]
    if found := _BLOCKED_AT.match(text):
        names = text[found.end() :].split()
        return [read(name) for name in names if not _is_own(name)]
    if _CELLS.search(text):
        raise ValueError(f"{text[:60]!a} is a line of a table, or several URLs, in a list")
    if _RANGE.fullmatch(text):
        raise ValueError(f"{text[:60]!a} is a range of addresses, not one host")
    return [read(text)]


def _is_own(name: str) -> bool:
    """Return whether a hosts file names the machine itself or its network here."""
    name = name.lower()
    own = name in _OWN_NAMES or name.startswith("ip6-")
    return own or _BLOCKED_AT.match(f"{name} ") is not None


def is_entry(line: str, read: Reader | None) -> bool:
    """Return whether a line names something, or nothing as a hosts file's own names."""
    try:
        entries(line, read)
    except ValueError:
        return False
    return True
