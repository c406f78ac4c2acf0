"""Reference data as the bytes of one file: a header in JSON, then the table of ranks.

| bytes | content |
|---|---|
| 8 | ``NCREF`` and the format's version |
| 8 | length of the header in bytes, little-endian; a multiple of 8 |
| header | brands, names, platforms, shorteners, sources, domains; blanks at its end |
| rest | the table of `ranks` |
"""

import json
from typing import Any

from include.errors import ManifestError
from include.urls.reference.brands import Brand
from include.urls.reference.facts import Known, Reference
from include.urls.reference.ranks import Ranks

MAX_BYTES = 24 * 1024 * 1024
_MAGIC = b"NCREF\x00\x00\x01"
_WORD = 8


def to_bytes(header: dict[str, Any], table: bytes) -> bytes:
    """Return the file of a header and a table of ranks."""
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _WORD)
    return _MAGIC + len(text).to_bytes(_WORD, "little") + text + table


def from_bytes(body: bytes) -> Reference:
    """Return the reference data of a file whose bytes were verified.

    Raises
    ------
    ManifestError
        If it is none, or of another format.
    """
    if body[:_WORD] != _MAGIC:
        raise ManifestError("the reference data are of no format that this release reads")
    begin = 2 * _WORD
    end = begin + int.from_bytes(body[_WORD:begin], "little")
    if end > len(body) or (len(body) - end) % _WORD:
        raise ManifestError("the reference data are cut off")
    try:
        header = json.loads(body[begin:end])
        known = Known(
            ranks=Ranks(memoryview(body)[end:]),
            brands=tuple(
                Brand(str(key), tuple(names), tuple(words), tuple(domains))
                for key, names, words, domains in header["brands"]
            ),
            names=tuple(header["names"]),
            platforms=frozenset(header["platforms"]),
            shorteners=frozenset(header["shorteners"]),
            sources=tuple(header["sources"]),
            domains=tuple(header["domains"]),
        )
    except (KeyError, TypeError, ValueError, RecursionError) as err:
        raise ManifestError(f"the reference data are malformed: {err!r}") from err
    return Reference(known)
