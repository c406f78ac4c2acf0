"""Follows a pipeline's production version: pointer, signature, manifest, digests, load, swap."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, TypeVar

from include.contract import keys
from include.contract.manifest import Manifest
from include.contract.pointer import (
    MAX_POINTER_BYTES,
    Pointer,
    check_succession,
    parse_pointer,
    pointer_sha256,
)
from include.errors import ObjectMissingError, StoreUnavailableError
from include.registry.follow.freshness import Freshness
from include.registry.follow.growth import check_growth
from include.registry.follow.last_good import LastGood
from include.registry.follow.verify import (
    MAX_MANIFEST_BYTES,
    MAX_SIGNATURE_BYTES,
    TrustedKeys,
    VersionBytes,
    model_entry,
    reference_entry,
    verify_manifest,
    verify_signature,
    verify_version,
)
from include.stores.objects import Fetched, ObjectStore

_log = logging.getLogger(__name__)
_MAX_POLLS_SKIPPED = 15
_MAX_REASONS_REMEMBERED = 64

ModelT = TypeVar("ModelT")
Kind = Literal["unchanged", "swapped", "nothing_approved", "refused", "unreachable"]


@dataclass(frozen=True)
class ProductionModel(Generic[ModelT]):
    """A verified version that answers requests; a request keeps the one it began with.

    Attributes
    ----------
    pointer : Pointer
    manifest : Manifest
    model
        What `load` made of the verified bytes, warmed up.
    since : datetime
        When this process put it in production.
    approval_sha256 : str
        Digest of the approval as it was signed: what this process has witnessed.
    """

    pointer: Pointer
    manifest: Manifest
    model: ModelT
    since: datetime
    approval_sha256: str = ""


@dataclass(frozen=True)
class Outcome:
    """What one poll came to.

    Attributes
    ----------
    pipeline : str
    kind : str
        ``unchanged``, ``swapped``, ``nothing_approved``, ``refused`` or ``unreachable``.
    failure : str
        Class of the error that kept the old model; empty without one.
    reason : str
        The same in words, or why nothing is in production.
    """

    pipeline: str
    kind: Kind
    failure: str = ""
    reason: str = ""

    @property
    def is_unreachable(self) -> bool:
        """Whether S3 gave no answer, so that the next poll should be later than usual."""
        return self.kind == "unreachable"


@dataclass(frozen=True)
class _Refused:
    """A pointer whose version was refused: tried again at once, then after 1, 3, 7, 15 polls."""

    etag: str
    outcome: Outcome
    attempts: int
    polls_to_skip: int


class Follower(Generic[ModelT]):
    """Follows one pipeline's ``approved.json``; any failure keeps the model in production.

    One thread calls `restore` and `poll_once`; any thread reads `in_production`, and `is_awaited`,
    which is false once a version is in production, or S3 was asked and had none or gave no answer.

    Parameters
    ----------
    store : ObjectStore
    pipeline : str
    trusted_keys : TrustedKeys
    last_good : LastGood
    load : callable
        Makes a warmed-up model of verified ONNX bytes, the manifest and verified reference data,
        or raises.
    now : callable
        The time, aware and in UTC.
    """

    def __init__(
        self,
        store: ObjectStore,
        pipeline: str,
        trusted_keys: TrustedKeys,
        last_good: LastGood,
        load: Callable[[bytes, Manifest, bytes], ModelT],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self.pipeline = pipeline
        watchers = trusted_keys.watchers
        self.freshness = Freshness(store, pipeline, watchers, now) if watchers else None
        self.in_production: ProductionModel[ModelT] | None = None
        self.is_awaited = True
        self._store = store
        self._trusted_keys = trusted_keys
        self._last_good = last_good
        self._load = load
        self._now = now
        self._newest: Pointer | None = None
        self._newest_sha256 = ""
        self._etag: str | None = None
        self._refused: _Refused | None = None
        self._reasons_logged: set[str] = set()

    def restore(self) -> Outcome:
        """Serve the last good version on disk, verified again in full."""
        return self._guarded(self._restore)

    def poll_once(self) -> Outcome:
        """Return after looking at S3 once; a new, believable version is then in production.

        Who has none, and finds S3 away, looks again at what another worker may have kept on disk.
        """
        outcome = self._guarded(self._poll)
        if self.in_production is None and outcome.is_unreachable:
            self.restore()
        self.is_awaited = self.in_production is None and outcome.kind == "refused"
        return outcome

    def _guarded(self, attempt: Callable[[], Outcome]) -> Outcome:
        try:
            outcome = attempt()
        except StoreUnavailableError as err:
            outcome = Outcome(self.pipeline, "unreachable", type(err).__name__, str(err))
        except Exception as err:  # noqa: BLE001 - whatever it is, the model in production stays
            outcome = Outcome(self.pipeline, "refused", type(err).__name__, str(err))
        self._log_once(outcome)
        return outcome

    def _restore(self) -> Outcome:
        pointer_body = self._last_good.read_pointer()
        if pointer_body is None:
            return Outcome(self.pipeline, "nothing_approved")
        # Remembered before anything can fail: an older serial is a replay all the same.
        self._newest = self._verify_pointer(pointer_body)
        self._newest_sha256 = pointer_sha256(pointer_body)
        content = self._last_good.read()
        # Another worker may have kept a later version since the pointer was read.
        pointer = self._newest = self._verify_pointer(content.pointer)
        self._newest_sha256 = pointer_sha256(content.pointer)
        manifest = verify_version(content, pointer, self._trusted_keys)
        self._set_production(pointer, manifest, content)
        return Outcome(self.pipeline, "swapped")

    def _poll(self) -> Outcome:
        if self.freshness is not None:
            self.freshness.refresh()
        try:
            fetched = self._store.fetch_if_changed(
                keys.approved(self.pipeline), self._etag, MAX_POINTER_BYTES
            )
        except ObjectMissingError as err:
            if self.in_production is None:
                return Outcome(self.pipeline, "nothing_approved", reason=str(err))
            raise
        if fetched is None:
            assert self.in_production is not None, "only a followed pointer has its ETag kept"
            return Outcome(self.pipeline, "unchanged")
        if self._must_wait(fetched.etag):
            assert self._refused is not None
            return self._refused.outcome
        try:
            outcome = self._follow(fetched)
        except StoreUnavailableError:
            raise
        except Exception as err:
            self._remember_refusal(fetched.etag, err)
            raise
        self._etag, self._refused = fetched.etag, None
        return outcome

    def _follow(self, fetched: Fetched) -> Outcome:
        pointer = self._verify_pointer(fetched.body)
        check_succession(self._newest, pointer)
        if self.freshness is not None:
            self.freshness.check(pointer, fetched.body)
        if self._newest is not None:
            check_growth(
                *(self._store, self._newest, self._newest_sha256),
                *(pointer, self._trusted_keys.approvers),
            )
        if self.in_production is not None and self.in_production.pointer == pointer:
            return Outcome(self.pipeline, "unchanged")
        content, manifest = self._fetch_version(fetched.body, pointer)
        self._set_production(pointer, manifest, content)
        self._newest, self._newest_sha256 = pointer, pointer_sha256(fetched.body)
        return self._keep_on_disk(pointer.serial, content)

    def _verify_pointer(self, body: bytes) -> Pointer:
        return parse_pointer(body, self._trusted_keys.approvers, pipeline=self.pipeline)

    def _fetch_version(
        self, pointer_body: bytes, pointer: Pointer
    ) -> tuple[VersionBytes, Manifest]:
        """Return a version's files, each verified before the next, larger one is fetched."""
        manifest_body = self._fetch_file(pointer, keys.MANIFEST, MAX_MANIFEST_BYTES)
        manifest = verify_manifest(manifest_body, pointer)
        signature = self._fetch_file(pointer, keys.SIGNATURE, MAX_SIGNATURE_BYTES)
        verify_signature(signature, manifest, manifest_body, self._trusted_keys)
        entry = model_entry(manifest, self._trusted_keys)
        model = self._fetch_file(pointer, keys.MODEL_ONNX, entry.size_bytes)
        known = reference_entry(manifest)
        reference = self._fetch_file(pointer, keys.REFERENCE, known.size_bytes) if known else b""
        content = VersionBytes(pointer_body, manifest_body, signature, model, reference)
        return content, verify_version(content, pointer, self._trusted_keys)

    def _fetch_file(self, pointer: Pointer, name: str, max_bytes: int) -> bytes:
        return self._store.get(keys.version_file(self.pipeline, pointer.version, name), max_bytes)

    def _set_production(self, pointer: Pointer, manifest: Manifest, content: VersionBytes) -> None:
        model = self._load(content.model, manifest, content.reference)
        sha256 = pointer_sha256(content.pointer)
        self.in_production = ProductionModel(pointer, manifest, model, self._now(), sha256)
        _log.info(
            "%s: version %s is in production, serial %d",
            *(self.pipeline, pointer.version, pointer.serial),
        )

    def _keep_on_disk(self, serial: int, content: VersionBytes) -> Outcome:
        try:
            self._last_good.keep(serial, content)
        except OSError as err:
            reason = f"serial {serial} is not kept on disk: {err}"
            return Outcome(self.pipeline, "swapped", type(err).__name__, reason)
        return Outcome(self.pipeline, "swapped")

    def _must_wait(self, etag: str) -> bool:
        refused = self._refused
        if refused is None or refused.etag != etag or refused.polls_to_skip == 0:
            return False
        self._refused = _Refused(etag, refused.outcome, refused.attempts, refused.polls_to_skip - 1)
        return True

    def _remember_refusal(self, etag: str, err: Exception) -> None:
        again = self._refused is not None and self._refused.etag == etag
        attempts = self._refused.attempts + 1 if self._refused and again else 1
        polls_to_skip = min(2 ** (attempts - 1) - 1, _MAX_POLLS_SKIPPED)
        outcome = Outcome(self.pipeline, "refused", type(err).__name__, str(err))
        self._refused = _Refused(etag, outcome, attempts, polls_to_skip)

    def _log_once(self, outcome: Outcome) -> None:
        if not outcome.reason:
            if self._reasons_logged:
                _log.info("%s: following again", self.pipeline)
            self._reasons_logged.clear()
            return
        reason = f"{outcome.failure}: {outcome.reason}" if outcome.failure else outcome.reason
        if reason in self._reasons_logged or len(self._reasons_logged) >= _MAX_REASONS_REMEMBERED:
            return
        self._reasons_logged.add(reason)
        kept = (
            self.in_production
            and f"version {self.in_production.pointer.version} stays in production"
        )
        _log.warning(
            "%s: %s (%s); %s",
            *(self.pipeline, outcome.kind, reason, kept or "no model is in production"),
        )
