"""Follows a pipeline's signed list: conditional GET, signature, succession, look-up, swap."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from include.contract import keys
from include.contract.lists import (
    MAX_LIST_BYTES,
    DecisionList,
    check_list_succession,
    parse_list,
)
from include.contract.signature import PublicKeys
from include.errors import NightCatchError, ObjectMissingError, StoreUnavailableError
from include.registry.follow.freshness import Freshness
from include.stores.objects import ObjectStore

_log = logging.getLogger(__name__)

LookupT = TypeVar("LookupT")


class ListFollower(Generic[LookupT]):
    """The list in effect; any failure keeps the one before, as a `Follower` keeps its model.

    One thread calls `restore` and `poll_once`; any thread reads `current`.

    Parameters
    ----------
    store : ObjectStore
    pipeline : str
    trusted : sequence of EllipticCurvePublicKey
        Keys that may sign lists.
    path : Path
        Keeps the last verified list, for when S3 is down.
    build : callable (DecisionList) -> look-up
    freshness : Freshness, optional
        Of the pipeline: no list is taken that is older than the watcher's.
    """

    def __init__(
        self,
        store: ObjectStore,
        pipeline: str,
        trusted: PublicKeys,
        path: Path,
        build: Callable[[DecisionList], LookupT],
        freshness: Freshness | None = None,
    ) -> None:
        self.current: LookupT | None = None
        self._store = store
        self._pipeline = pipeline
        self._trusted = trusted
        self._path = path
        self._build = build
        self._freshness = freshness
        self._newest: DecisionList | None = None
        self._etag: str | None = None
        self._reason = ""

    def restore(self) -> None:
        """Use the list kept on disk, verified again."""
        try:
            body = self._path.read_bytes()
            self._use(parse_list(body, self._trusted, pipeline=self._pipeline))
        except FileNotFoundError:
            return
        except (OSError, NightCatchError) as err:
            self._log_once(f"the list on disk is not used: {err}")

    def poll_once(self) -> None:
        """Look at S3 once; a newer list is then in effect."""
        self._poll()
        if self._freshness is not None:
            self._freshness.note_list(self._newest.serial if self._newest else 0)

    def _poll(self) -> None:
        try:
            fetched = self._store.fetch_if_changed(
                keys.decision_list(self._pipeline), self._etag, MAX_LIST_BYTES
            )
            if fetched is None:
                return
            found = parse_list(fetched.body, self._trusted, pipeline=self._pipeline)
            check_list_succession(self._newest, found)
            if self._freshness is not None:
                self._freshness.check_list(found.serial)
            self._use(found)
            self._etag, self._reason = fetched.etag, ""
            self._keep(fetched.body)
        except ObjectMissingError:
            if self._newest is not None:
                self._log_once("the list is gone from the bucket; the last one stays in effect")
        except StoreUnavailableError:
            return  # the model's poll says so
        except (OSError, NightCatchError) as err:
            self._log_once(f"{type(err).__name__}: {err}; the list before stays in effect")

    def _use(self, found: DecisionList) -> None:
        if found != self._newest:
            self.current, self._newest = self._build(found), found
            _log.info(
                "%s: list %d is in effect, %d entries",
                self._pipeline,
                found.serial,
                len(found.entries),
            )

    def _keep(self, body: bytes) -> None:
        # Workers share the path: each writes a file of its own, and the last rename stays.
        unfinished = self._path.with_suffix(f".{os.getpid()}")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(body)
        unfinished.replace(self._path)

    def _log_once(self, reason: str) -> None:
        if reason != self._reason:
            _log.warning("%s: %s", self._pipeline, reason)
            self._reason = reason
