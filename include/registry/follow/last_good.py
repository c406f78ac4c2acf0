"""The last good version on disk: what a scorer starts from when S3 is down.

One folder per serial, renamed into place when it is complete; the highest is the last good one.
Worker processes share the folder under an advisory lock, which the kernel releases when one dies.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from include.contract import keys
from include.contract.pointer import MAX_POINTER_BYTES
from include.errors import VersionRefusedError
from include.registry.follow.verify import (
    MAX_MANIFEST_BYTES,
    MAX_REFERENCE_BYTES,
    MAX_SIGNATURE_BYTES,
    VersionBytes,
)

_SERIAL = re.compile(r"\d{8,}")
_UNFINISHED = "unfinished"
_POINTER = "approved.json"


class LastGood:
    """The version a pipeline was last seen serving.

    Parameters
    ----------
    folder : Path
        Of one pipeline; made on first use, shared by all workers of a machine.
    max_model_bytes : int
        A larger model is not read.
    """

    def __init__(self, folder: Path, max_model_bytes: int) -> None:
        self._folder = folder
        self._limits = {
            _POINTER: MAX_POINTER_BYTES,
            keys.MANIFEST: MAX_MANIFEST_BYTES,
            keys.SIGNATURE: MAX_SIGNATURE_BYTES,
            keys.MODEL_ONNX: max_model_bytes,
            keys.REFERENCE: MAX_REFERENCE_BYTES,
        }

    def read_pointer(self) -> bytes | None:
        """Return the pointer of the last good version, unverified; None if there is none."""
        with self._locked(fcntl.LOCK_SH):
            serials = self._serials()
            return self._read(serials[-1], _POINTER) if serials else None

    def read(self) -> VersionBytes:
        """Return the last good version, unverified.

        Raises
        ------
        OSError
            If there is none, or a file of it cannot be read.
        VersionRefusedError
            If a file of it is larger than is trusted.
        """
        with self._locked(fcntl.LOCK_SH):
            serials = self._serials()
            if not serials:
                raise FileNotFoundError(f"no version is kept in {self._folder}")
            return self._read_version(serials[-1])

    def keep(self, serial: int, content: VersionBytes) -> None:
        """Leave `content` on disk as the last good version, unless a later serial is there.

        Raises
        ------
        OSError
            If the disk does not take it; what was there is still there.
        """
        with self._locked(fcntl.LOCK_EX):
            serials = self._serials()
            if serials and (serials[-1] > serial or self._holds(serial, content)):
                return
            unfinished = self._write_unfinished(content)
            target = self._folder_of(serial)
            if target.exists():
                shutil.rmtree(target)
            unfinished.rename(target)
            _flush_folder(self._folder)
            for earlier in serials:
                if earlier != serial:
                    shutil.rmtree(self._folder_of(earlier))

    def _holds(self, serial: int, content: VersionBytes) -> bool:
        try:
            return self._read_version(serial) == content
        except (OSError, VersionRefusedError):
            return False

    def _write_unfinished(self, content: VersionBytes) -> Path:
        unfinished = self._folder / _UNFINISHED
        if unfinished.exists():
            shutil.rmtree(unfinished)
        unfinished.mkdir()
        _write(unfinished / _POINTER, content.pointer)
        _write(unfinished / keys.MANIFEST, content.manifest)
        _write(unfinished / keys.SIGNATURE, content.signature)
        _write(unfinished / keys.MODEL_ONNX, content.model)
        if content.reference:
            _write(unfinished / keys.REFERENCE, content.reference)
        _flush_folder(unfinished)
        return unfinished

    def _folder_of(self, serial: int) -> Path:
        return self._folder / f"{serial:08d}"

    def _serials(self) -> list[int]:
        names = (path.name for path in self._folder.iterdir())
        return sorted(int(name) for name in names if _SERIAL.fullmatch(name))

    def _read_version(self, serial: int) -> VersionBytes:
        has_reference = (self._folder_of(serial) / keys.REFERENCE).exists()
        return VersionBytes(
            pointer=self._read(serial, _POINTER),
            manifest=self._read(serial, keys.MANIFEST),
            signature=self._read(serial, keys.SIGNATURE),
            model=self._read(serial, keys.MODEL_ONNX),
            reference=self._read(serial, keys.REFERENCE) if has_reference else b"",
        )

    def _read(self, serial: int, name: str) -> bytes:
        with (self._folder_of(serial) / name).open("rb") as file:
            body = file.read(self._limits[name] + 1)
        if len(body) > self._limits[name]:
            raise VersionRefusedError(f"{name} on disk is larger than {self._limits[name]} bytes")
        return body

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / "lock").open("ab") as lock:
            fcntl.flock(lock, how)
            yield


def _write(path: Path, body: bytes) -> None:
    with path.open("xb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
