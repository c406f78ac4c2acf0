"""Files of a fetch: the part received so far, and the feed unpacked within a limit."""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from include.errors import FeedUnavailableError

_CHUNK_BYTES = 256 * 1024
_GZIP = b"\x1f\x8b"
_MAX_LAYERS = 2  # an archive, sent compressed once more


class Part:
    """What was received of a feed; kept when a fetch is killed, with the version it is of.

    Parameters
    ----------
    path : Path
    max_bytes : int
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self._version = path.with_suffix(".version")
        self._max_bytes = max_bytes

    @property
    def size_bytes(self) -> int:
        """How much was received."""
        return self.path.stat().st_size

    def etag_of(self, url: str) -> str:
        """Return the strong ETag of the part of that address; empty if none can be completed."""
        try:
            known = json.loads(self._version.read_text())
        except (OSError, ValueError):
            return ""
        can_resume = (
            known.get("url_sha256") == _digest(url) and self.path.is_file() and self.size_bytes > 0
        )
        return str(known["etag"]) if can_resume else ""

    @contextmanager
    def opened(self, url: str, etag: str, *, resumes: bool) -> Iterator[Callable[[bytes], None]]:
        """Open it to be written, from its end if the response resumes it.

        Raises
        ------
        FeedUnavailableError
            While writing, if it grows beyond its limit.
        """
        if not resumes:
            self.discard()
            if etag.startswith('"'):
                self._version.write_text(json.dumps({"url_sha256": _digest(url), "etag": etag}))
        with self.path.open("ab") as file:
            size_bytes = file.tell()

            def write(chunk: bytes) -> None:
                nonlocal size_bytes
                size_bytes += len(chunk)
                if size_bytes > self._max_bytes:
                    self.discard()
                    raise FeedUnavailableError(f"more than {self._max_bytes:,} bytes")
                file.write(chunk)

            yield write

    def discard(self) -> None:
        """Remove it."""
        self._version.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()  # it may hold a password


def unpack(packed: Path, target: Path, max_bytes: int) -> Path:
    """Return the file `target`: the content of `packed`, out of gzip if it is in gzip.

    Raises
    ------
    FeedUnavailableError
        If it is damaged, cut off, or larger than `max_bytes`.
    """
    try:
        for layer in range(_MAX_LAYERS):
            with packed.open("rb") as file:
                if file.read(2) != _GZIP:
                    break
            unpacked = target.with_suffix(f".layer{layer}")
            _gunzip(packed, unpacked, max_bytes)
            unpacked.replace(packed)
        if packed.stat().st_size > max_bytes:
            raise FeedUnavailableError(f"more than {max_bytes:,} bytes")
        return packed.replace(target)
    except zlib.error as err:
        raise FeedUnavailableError(f"damaged gzip: {err}") from err


def _gunzip(packed: Path, target: Path, max_bytes: int) -> None:
    size_bytes = 0
    with packed.open("rb") as source, target.open("wb") as file:
        for content in _members(source):
            size_bytes += len(content)
            if size_bytes > max_bytes:
                target.unlink()
                raise FeedUnavailableError(f"unpacks to more than {max_bytes:,} bytes")
            file.write(content)


def _members(source: BinaryIO) -> Iterator[bytes]:
    """Yield what is in a gzip file, all its members; never hold more than a chunk of it."""
    member, packed = zlib.decompressobj(31), b""
    while True:
        packed = packed or source.read(_CHUNK_BYTES)
        content = member.decompress(packed, _CHUNK_BYTES)
        if not content and not packed:
            raise FeedUnavailableError("a gzip file that is cut off")
        yield content
        packed = member.unconsumed_tail
        if member.eof:
            packed = member.unused_data or source.read(_CHUNK_BYTES)
            if not packed.startswith(_GZIP):
                return  # the end, or padding
            member = zlib.decompressobj(31)
