"""Batches wait on disk here until S3 has them: those of all workers, and of earlier processes.

One file by batch, whose name says where it goes; files are renamed into place when they are
complete. A batch is deleted once S3 has it, so it may be sent twice, and is never lost in between.
"""

import fcntl
import gzip
import hashlib
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from include.contract import keys
from include.errors import PreconditionError, StoreRefusedError
from include.inference.prediction_ids import new_id
from include.stores.objects import ObjectStore

_NAME = re.compile(
    r"(?P<id>[0-9a-f]{32})\.(?P<kind>traffic|feedback)\.(?P<pipeline>[a-z][a-z0-9_]{0,62})"
    r"\.(?P<day>\d{4}-\d{2}-\d{2})\.(?P<rows>\d{1,9})\.jsonl\.gz"
)
_MAX_FILES = 20_000
_OBJECT_BYTES = 8 * 1024 * 1024
_OBJECT_BATCHES = 16  # so that what one object unpacks to is bounded too
_REFUSED = "refused"
_MAX_REFUSED_FILES = 100
_GZIP_LEVEL = 1
_DIGEST_CHARS = 16

Kind = Literal["traffic", "feedback"]


@dataclass(frozen=True)
class Batch:
    """A file that waits.

    Attributes
    ----------
    path : Path
    name : str
        Its id, which rises from batch to batch, whatever the clock does.
    kind, pipeline, day : str
        Where it goes.
    rows : int
    size_bytes : int
    """

    path: Path
    name: str
    kind: str
    pipeline: str
    day: str
    rows: int
    size_bytes: int

    @property
    def destination(self) -> tuple[str, str, str]:
        """What the batches of one object share."""
        return self.kind, self.pipeline, self.day

    def key(self, body: bytes) -> str:
        """Return the key of the object `body` that this batch begins: of no other content."""
        named = keys.traffic_file if self.kind == "traffic" else keys.feedback_file
        digest = hashlib.sha256(body).hexdigest()[:_DIGEST_CHARS]
        return named(self.pipeline, self.day, f"{self.name}-{digest}")


class Sent(NamedTuple):
    """What became of the batches that waited.

    Attributes
    ----------
    rows : int
        S3 has them now.
    refused_rows : int
        Of batches that S3 refused while it took others: they lie in the folder ``refused``.
    refusal : StoreRefusedError or None
        Of a batch that goes on waiting.
    """

    rows: int
    refused_rows: int = 0
    refusal: StoreRefusedError | None = None


class DeliveryQueue:
    """A folder of batches that wait for S3.

    Parameters
    ----------
    folder : Path
        Made on first use; shared by all workers of a machine.
    max_bytes : int
        Of the whole folder. The oldest traffic makes room for new; feedback is never dropped.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._suspects: frozenset[str] = frozenset()  # sent by themselves, after a refusal

    def add(self, kind: Kind, pipeline: str, day: str, lines: Sequence[str]) -> int:
        """Return how many rows of old traffic were dropped; `lines` are then safe on disk.

        Raises
        ------
        OSError
            If the disk does not take them, or nothing but feedback fills the folder.
        """
        body = gzip.compress(("\n".join(lines) + "\n").encode(), _GZIP_LEVEL)
        with self._locked("writer"):
            batches = self.waiting()
            oldest = self._to_drop(batches, len(body))
            unfinished = self._folder / "unfinished"
            with unfinished.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            name = _name_after(batches, pipeline)
            unfinished.rename(
                self._folder / f"{name}.{kind}.{pipeline}.{day}.{len(lines)}.jsonl.gz"
            )
            # Only now that the new batch is safe: one that finds no room costs no other.
            return sum(batch.rows for batch in oldest if _remove(batch))

    def waiting(self) -> list[Batch]:
        """Return the batches that wait, the oldest first."""
        found = []
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                named = _NAME.fullmatch(entry.name)
                if named is None:
                    continue
                with suppress(FileNotFoundError):  # another worker has just sent it
                    found.append(_batch(entry, named))
        return sorted(found, key=lambda batch: batch.name)

    def send(self, store: ObjectStore) -> Sent:
        """Return what became of all that waited; nothing while another worker sends.

        Batches of one destination become one object of several gzip members. A batch that S3
        refuses holds up no other: where others are taken it is set aside.

        Raises
        ------
        StoreUnavailableError
            If S3 is away; what it has is gone from the folder, the rest waits.
        OSError
            If the folder cannot be read.
        """
        rows = 0
        refusals: list[tuple[list[Batch], StoreRefusedError]] = []
        with self._locked("sender", fcntl.LOCK_NB) as is_alone:
            for group in _grouped(self.waiting() if is_alone else [], self._suspects):
                try:
                    _put(store, group)
                except StoreRefusedError as err:
                    refusals.append((group, err))
                    continue
                rows += sum(batch.rows for batch in group)
            guilty = [group[0] for group, _ in refusals if rows and len(group) == 1]
            for batch in guilty:
                self._set_aside(batch)
        self._suspects = frozenset(batch.name for group, _ in refusals for batch in group)
        refusal = refusals[0][1] if len(refusals) > len(guilty) else None
        return Sent(rows, sum(batch.rows for batch in guilty), refusal)

    def _set_aside(self, batch: Batch) -> None:
        folder = self._folder / _REFUSED
        folder.mkdir(exist_ok=True, mode=0o700)
        with suppress(FileNotFoundError):  # dropped meanwhile, to make room
            batch.path.rename(folder / batch.path.name)
        for path in sorted(folder.iterdir())[:-_MAX_REFUSED_FILES]:
            path.unlink(missing_ok=True)

    def _to_drop(self, batches: Sequence[Batch], wanted_bytes: int) -> list[Batch]:
        """Return the oldest traffic that must go for a batch of so many bytes.

        Raises
        ------
        OSError
            If there is not enough of it.
        """
        excess_bytes = sum(batch.size_bytes for batch in batches) + wanted_bytes - self._max_bytes
        excess_files = len(batches) + 1 - _MAX_FILES
        oldest: list[Batch] = []
        for batch in batches:
            if excess_bytes <= 0 and excess_files <= 0:
                break
            if batch.kind == "traffic":
                oldest.append(batch)
                excess_bytes -= batch.size_bytes
                excess_files -= 1
        if excess_bytes > 0 or excess_files > 0:
            raise OSError(f"{self._folder} is full: {self._max_bytes} bytes or {_MAX_FILES} files")
        return oldest

    @contextmanager
    def _locked(self, name: str, or_not: int = 0) -> Iterator[bool]:
        """Yield whether no other worker has the lock; the kernel frees that of one that dies."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / f"{name}-lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | or_not)
            except BlockingIOError:
                yield False
                return
            yield True


def _batch(entry: os.DirEntry[str], named: re.Match[str]) -> Batch:
    return Batch(
        path=Path(entry.path),
        name=named["id"],
        kind=named["kind"],
        pipeline=named["pipeline"],
        day=named["day"],
        rows=int(named["rows"]),
        size_bytes=entry.stat().st_size,
    )


def _name_after(batches: Sequence[Batch], pipeline: str) -> str:
    """Return a new id that sorts behind those of `batches`, even within their millisecond."""
    name = new_id(pipeline)
    if batches and name <= (newest := batches[-1].name):
        return f"{int(newest, 16) + 1:032x}"
    return name


def _remove(batch: Batch) -> bool:
    """Return whether the batch was still there; another worker may have just sent it."""
    try:
        batch.path.unlink()
    except FileNotFoundError:
        return False
    return True


def _read(batch: Batch) -> bytes:
    try:
        return batch.path.read_bytes()
    except FileNotFoundError:  # dropped meanwhile, to make room
        return b""


def _put(store: ObjectStore, group: Sequence[Batch]) -> None:
    body = b"".join(map(_read, group))
    if body:
        # What others wrote is never replaced, nor could it be where a policy asks for this.
        with suppress(PreconditionError):  # sent before, and the answer was lost
            store.put_if_absent(group[0].key(body), body, "application/gzip")
    for batch in group:
        batch.path.unlink(missing_ok=True)


def _grouped(batches: Sequence[Batch], suspects: Collection[str]) -> Iterator[list[Batch]]:
    """Yield batches of one destination that fit one object together, the oldest first."""
    groups: dict[tuple[str, str, str], list[Batch]] = {}
    sizes_bytes: Counter[tuple[str, str, str]] = Counter()
    for batch in batches:
        where = batch.destination
        if batch.name in suspects:
            yield [batch]
            continue
        is_full = sizes_bytes[where] + batch.size_bytes > _OBJECT_BYTES
        if where in groups and (is_full or len(groups[where]) == _OBJECT_BATCHES):
            yield groups.pop(where)
            sizes_bytes[where] = 0
        groups.setdefault(where, []).append(batch)
        sizes_bytes[where] += batch.size_bytes
    yield from groups.values()
