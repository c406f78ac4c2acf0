"""Whether the bucket shows the present: what the watcher last signed, as a scorer saw it."""

from collections.abc import Callable
from datetime import datetime

from include.contract import keys
from include.contract.pointer import Pointer, pointer_sha256
from include.contract.signature import PublicKeys
from include.contract.timestamp import (
    MAX_TIMESTAMP_BYTES,
    VALID_FOR,
    Timestamp,
    parse_timestamp,
)
from include.errors import ListRefusedError, ObjectMissingError, PointerError
from include.stores.objects import ObjectStore


class Freshness:
    """The newest timestamp of one pipeline; the polling thread refreshes it, any thread reads.

    A scorer that has seen none allows as long from its start as a timestamp is valid.

    Parameters
    ----------
    store : ObjectStore
    pipeline : str
    watchers : sequence of EllipticCurvePublicKey
    now : callable
        The time, aware and in UTC.
    """

    def __init__(
        self,
        store: ObjectStore,
        pipeline: str,
        watchers: PublicKeys,
        now: Callable[[], datetime],
    ) -> None:
        self.confirmed_at = now()
        self._store = store
        self._pipeline = pipeline
        self._watchers = watchers
        self._now = now
        self._etag: str | None = None
        self._newest: Timestamp | None = None
        self._list_is_behind = False

    @property
    def is_stale(self) -> bool:
        """Whether the bucket does not show the present."""
        return bool(self.problem)

    @property
    def problem(self) -> str:
        """Why the bucket does not show the present; empty if it does."""
        if self._is_expired:
            since = self.confirmed_at.isoformat(timespec="seconds")
            return f"{self._pipeline}: the watcher confirmed nothing since {since}"
        if self._list_is_behind:
            return (
                f"{self._pipeline}: the list of sites is older than the one the watcher confirmed"
            )
        return ""

    @property
    def _is_expired(self) -> bool:
        return self._now() > self.confirmed_at + VALID_FOR

    def refresh(self) -> None:
        """Return after looking for a newer timestamp; one that is older is not taken.

        Raises
        ------
        SignatureError, PointerError
            If it cannot be verified.
        StoreUnavailableError
            If S3 does not answer.
        """
        key = keys.watched(self._pipeline)
        try:
            fetched = self._store.fetch_if_changed(key, self._etag, MAX_TIMESTAMP_BYTES)
        except ObjectMissingError:
            return
        if fetched is None:
            return
        found = parse_timestamp(fetched.body, self._watchers, pipeline=self._pipeline)
        newest = self._newest
        if newest and (found.serial < newest.serial or found.issued_at < newest.issued_at):
            raise PointerError(f"{self._pipeline}: {key} is older than one that was seen")
        self._newest, self._etag = found, fetched.etag
        self.confirmed_at = found.issued_at

    def check(self, pointer: Pointer, body: bytes) -> None:
        """Return when an approval may be followed: at least as new as the watcher's, in time.

        Raises
        ------
        PointerError
            If it is older than what the watcher saw, the watcher was silent for too long, or it is
            new and its proposal expired long ago.
        """
        if self._is_expired:
            raise PointerError(f"{self.problem}: no approval is taken")
        seen = self._newest
        if seen is None:
            return
        if pointer.serial > seen.serial:
            pointer.check_in_time(self._now(), VALID_FOR)
            return
        if (pointer.serial, pointer_sha256(body)) != (seen.serial, seen.pointer_sha256):
            raise PointerError(
                f"{self._pipeline}: serial {pointer.serial} is not the approval that the watcher "
                f"confirmed as serial {seen.serial}"
            )

    def check_list(self, serial: int) -> None:
        """Return when a list may be used: at least as new as the one that the watcher saw.

        Raises
        ------
        ListRefusedError
            If it is older.
        """
        if self._newest is not None and serial < self._newest.list_serial:
            raise ListRefusedError(
                f"{self._pipeline}: list {serial} is older than list {self._newest.list_serial}, "
                "which the watcher confirmed"
            )

    def note_list(self, serial: int) -> None:
        """Note which list is in effect after a poll, 0 for none."""
        self._list_is_behind = self._newest is not None and serial < self._newest.list_serial
