"""Where parts are kept: a folder or a prefix of the bucket; a file is there whole or not at all."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from include.batch.parts import totals_of
from include.contract import keys
from include.contract.run_documents import BatchTotals
from include.errors import BatchRefusedError, ObjectMissingError, PreconditionError
from include.stores.objects import ObjectStore

_MAX_PART_BYTES = 512 * 1024 * 1024
_UNFINISHED = ".unfinished"


class Destination(Protocol):
    """A place of one job's files."""

    def names(self) -> set[str]:
        """Return the names of the files that are there."""

    def read(self, name: str) -> bytes | None:
        """Return a document; None if it is not there."""

    def totals(self, name: str) -> BatchTotals:
        """Return the totals of a part that is there."""

    def put_new(self, name: str, body: bytes) -> None:
        """Leave a file under a name; one that is there already stays as it is."""


class Folder:
    """A folder on this machine.

    Parameters
    ----------
    path : Path
        Made if it is missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs out until the block ends; the system unlocks it if this one is killed.

        Raises
        ------
        BatchRefusedError
            If another run has it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                raise BatchRefusedError(f"{self.path}: another run writes there now") from err
            for left in self.path.glob(f"*{_UNFINISHED}"):
                left.unlink()
            yield

    def names(self) -> set[str]:
        """Return the names of the files that are there."""
        return {path.name for path in self.path.iterdir() if path.suffix != _UNFINISHED}

    def read(self, name: str) -> bytes | None:
        """Return a document; None if it is not there."""
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            return None

    def totals(self, name: str) -> BatchTotals:
        """Return the totals of a part that is there."""
        return totals_of(pq.read_metadata(self.path / name))

    def put_new(self, name: str, body: bytes) -> None:
        """Leave a file under a name; nobody else writes there while it is locked."""
        unfinished = self.path / f"{name}{_UNFINISHED}"
        with unfinished.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(self.path / name)


class BucketFolder:
    """The folder of a batch in the bucket; several runs may write it at once.

    Parameters
    ----------
    store : ObjectStore
    name : str
        Of the batch.
    """

    def __init__(self, store: ObjectStore, name: str) -> None:
        self._store, self._name = store, name
        self.prefix = keys.batch_prefix(name)

    def names(self) -> set[str]:
        """Return the names of the files that are there."""
        return {key.removeprefix(self.prefix) for key in self._store.keys_under(self.prefix)}

    def read(self, name: str) -> bytes | None:
        """Return a document; None if it is not there."""
        try:
            return self._store.get(keys.batch_file(self._name, name))
        except ObjectMissingError:
            return None

    def totals(self, name: str) -> BatchTotals:
        """Return the totals of a part that is there."""
        body = self._store.get(keys.batch_file(self._name, name), _MAX_PART_BYTES)
        return totals_of(pq.read_metadata(pa.BufferReader(body)))

    def put_new(self, name: str, body: bytes) -> None:
        """Leave a file under a name; the first one that is written stays."""
        try:
            self._store.put_if_absent(keys.batch_file(self._name, name), body)
        except PreconditionError:
            return
