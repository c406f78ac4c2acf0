"""API keys: their digests are lines of a file, which may change while the service runs."""

import hashlib
import hmac
import logging
import re
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from include.errors import SettingMissingError

_log = logging.getLogger(__name__)
_LINE = re.compile(r"(?P<name>[\w.-]{1,64})\s+(?P<digest>[0-9a-f]{64})")
_MAX_FAULTS_LOGGED = 5


@dataclass(frozen=True)
class _KeyFile:
    digests: dict[str, str]
    faults: tuple[str, ...]


class ApiKeys:
    """The keys of a file: ``<name> <sha256 of the key, hexadecimal>`` by line, ``#`` for comments.

    Several keys may be valid at once, so that each can be replaced without a gap. A key is valid
    only while the file has a good line for it: a broken line revokes its own key, a name that is
    given twice revokes both keys, and no key is valid while the file is absent or unreadable. Each
    such change is logged once.

    Parameters
    ----------
    path : Path
        Read again when it has changed.

    Raises
    ------
    SettingMissingError
        If it has no valid key at the start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._changed = self._stamp()
        self._file = _read(path)
        if not self._file.digests:
            raise SettingMissingError(f"{path}: no valid API key: {'; '.join(self._file.faults)}")
        self._log_faults()

    @property
    def faults(self) -> int:
        """How many lines of the file are broken; 1 if it is absent, unreadable or empty."""
        self._refresh()
        return len(self._file.faults)

    def owner_of(self, key: str) -> str | None:
        """Return the name of a key, or None; takes as long for a wrong key as for a right one."""
        self._refresh()
        given = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        owner = None
        for name, digest in self._file.digests.items():
            if hmac.compare_digest(given, digest):
                owner = name
        return owner

    def _refresh(self) -> None:
        if self._stamp() == self._changed:
            return
        with self._lock:
            changed = self._stamp()
            if changed == self._changed:
                return  # another thread has read it
            self._file = _read(self._path)
            self._changed = changed
            self._log_faults()

    def _log_faults(self) -> None:
        faults = self._file.faults
        if faults:
            _log.error(
                "%s: %d keys are valid; %s",
                self._path,
                len(self._file.digests),
                "; ".join(faults[:_MAX_FAULTS_LOGGED]),
            )

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> _KeyFile:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as err:
        return _KeyFile({}, (f"the file cannot be read: {err.strerror}",))
    digests, faults = {}, []
    names: Counter[str] = Counter()
    for number, line in enumerate(lines, 1):
        text = line.decode("utf-8", "replace").strip()
        if not text or text.startswith("#"):
            continue
        found = _LINE.fullmatch(text)
        if found is None:
            faults.append(f"line {number} is not a name and a SHA-256, its key is revoked")
            continue
        name = found["name"]
        names[name] += 1
        if names[name] == 1:
            digests[name] = found["digest"]
        else:
            digests.pop(name, None)
            faults.append(f"line {number} gives {name} again, both keys are revoked")
    if not digests and not faults:
        faults.append("the file has no key")
    return _KeyFile(digests, tuple(faults))
