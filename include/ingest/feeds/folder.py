"""Watched folders and prefixes: each new file is a pull, the oldest first."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

from include.errors import (
    FeedUnavailableError,
    ObjectMissingError,
    SettingMissingError,
    StoreUnavailableError,
    VersionRefusedError,
)
from include.ingest.feeds.settings import FeedSettings
from include.ingest.feeds.unpack import unpack
from include.stores.objects import ObjectStore

# A file that is still being written is younger.
_SETTLED = timedelta(seconds=30)
_TIME = "%Y%m%dT%H%M%S.%f"


class Folder:
    """New files of a folder of the data directory, or under a prefix of the bucket.

    Parameters
    ----------
    feed : FeedSettings
        Its `is_folder` is true.
    data_dir : Path or None
    store : ObjectStore or None
    """

    def __init__(
        self, feed: FeedSettings, data_dir: Path | None, store: ObjectStore | None
    ) -> None:
        scheme, _, place = feed.address.partition(":")
        self._feed, self._place = feed, unquote(place).lstrip("/")
        self._store = store if scheme == "s3" else None
        if scheme == "s3" and store is None:
            raise SettingMissingError(f"{feed.name}: no bucket is configured")
        if scheme == "file" and data_dir is None:
            raise SettingMissingError("NIGHTCATCH_DATA_DIR is not set, so no folder can be watched")
        self._root = (data_dir or Path()).resolve()

    def after(self, known: str, now: datetime) -> list[tuple[str, str]]:
        """Return mark and name of each file that is newer than `known`, the oldest first.

        Parameters
        ----------
        known : str
            The mark of the last file that was read: when it was written, and its name.
        now : datetime
            Aware.

        Raises
        ------
        FeedUnavailableError
            If the folder or the bucket cannot be listed.
        """
        try:
            found = list(self._in_bucket() if self._store else self._on_disk())
        except (OSError, StoreUnavailableError) as err:
            raise FeedUnavailableError(f"{self._place}: {err}") from err
        settled = [
            (f"{at.strftime(_TIME)} {name}", name) for at, name in found if now - at > _SETTLED
        ]
        return sorted(each for each in settled if each[0] > known)

    def read(self, name: str, target: Path) -> tuple[Path, str]:
        """Return a copy of a file, out of gzip, and its digest.

        Raises
        ------
        FeedUnavailableError
            If it is gone, or larger than the feed's limits.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        packed = target.with_suffix(".part")
        limit = self._feed.max_bytes
        try:
            if self._store:
                packed.write_bytes(self._store.get(name, limit))
            else:
                path = self._root / name
                if path.stat().st_size > limit:
                    raise FeedUnavailableError(f"{name}: more than {limit:,} bytes")
                packed.write_bytes(path.read_bytes())
        except (OSError, ObjectMissingError, StoreUnavailableError, VersionRefusedError) as err:
            raise FeedUnavailableError(f"{name}: {err}") from err
        path = unpack(packed, target, self._feed.max_unpacked_bytes)
        with path.open("rb") as file:
            return path, hashlib.file_digest(file, "sha256").hexdigest()

    def _on_disk(self) -> Iterator[tuple[datetime, str]]:
        folder = (self._root / self._place).resolve()
        if not folder.is_relative_to(self._root):
            raise FeedUnavailableError(f"{self._place} is not within the data directory")
        for path in folder.iterdir():
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                yield at, str(path.relative_to(self._root))

    def _in_bucket(self) -> Iterator[tuple[datetime, str]]:
        assert self._store is not None
        for entry in self._store.entries_under(self._place):
            if entry.size_bytes:
                yield entry.modified_at.astimezone(UTC), entry.key
