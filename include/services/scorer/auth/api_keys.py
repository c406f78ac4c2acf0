"""Who may ask: keys whose digests stand in a file, which may change while the service runs."""

import hashlib
import hmac
import re
import threading
from pathlib import Path

from include.errors import SettingMissingError

_LINE = re.compile(r"(?P<name>[\w.-]{1,64})\s+(?P<digest>[0-9a-f]{64})")


class ApiKeys:
    """The keys of a file: ``<name> <sha256 of the key, hexadecimal>`` by line, ``#`` for comments.

    Several keys may be valid at once, so that each can be replaced without a gap.

    Parameters
    ----------
    path : Path
        Read again when it has changed; while it cannot be read, the keys last read stay valid.

    Raises
    ------
    SettingMissingError
        If it is absent, malformed or empty at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._changed = self._stamp()
        self._digests = _read(path)

    def owner_of(self, key: str) -> str | None:
        """Return the name of a key, or None; takes as long for a wrong key as for a right one."""
        self._refresh()
        given = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        owner = None
        for name, digest in self._digests.items():
            if hmac.compare_digest(given, digest):
                owner = name
        return owner

    def _refresh(self) -> None:
        changed = self._stamp()
        if changed == self._changed:
            return
        with self._lock:
            self._changed = changed
            try:
                self._digests = _read(self._path)
            except SettingMissingError:
                return  # half written, or away for a moment

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeError) as err:
        raise SettingMissingError(f"{path}: the API keys cannot be read: {err}") from err
    digests = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None or found["name"] in digests:
            raise SettingMissingError(f"{path}: line {number} is not a new name and a digest")
        digests[found["name"]] = found["digest"]
    if not digests:
        raise SettingMissingError(f"{path} lists no API key")
    return digests
