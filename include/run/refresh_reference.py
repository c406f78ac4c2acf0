"""Download a popularity list and make the reference data that the next training run uses."""

import logging
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract.manifest import describe_file
from include.errors import (
    DataRejectedError,
    FeedUnavailableError,
    ManifestError,
    SignatureError,
)
from include.ingest.feeds.fetch import Target, Validators, fetch
from include.ingest.feeds.settings import Feeds, FeedSettings
from include.registry.references import CurrentReference, read_current, set_current
from include.run.first_attempt import TrainerKeys
from include.stores.objects import ObjectStore
from include.urls.reference.build import build_reference

_log = logging.getLogger(__name__)
_MAX_NAME_CHARS = 253


def refresh_reference(
    store: ObjectStore,
    sources: Feeds,
    work_dir: Path,
    now: datetime,
    trainer: TrainerKeys,
    *,
    data_dir: Path | None = None,
) -> CurrentReference:
    """Return the reference data that are current now: new ones, or those that have not changed.

    Sources are tried in turn; the first that can be read is used. May run again at any time.

    Parameters
    ----------
    store : ObjectStore
    sources : Feeds
        Of popularity lists.
    work_dir : Path
        Where downloads lie meanwhile.
    now : datetime
        Aware.
    trainer : TrainerKeys
        Signs which reference data are current.
    data_dir : Path, optional
        Where ``file:`` addresses lie.

    Raises
    ------
    FeedUnavailableError
        If no source can be read: the reference data stay as they are.
    """
    current, reasons = _signed_current(store, trainer), []
    for source in sources.feeds:
        if not source.enabled:
            continue
        known = Validators(current.etags.get(source.name, ""))
        try:
            fetched = fetch(
                *(source, Target(source.request_url(now), {}), known, work_dir, now),
                data_dir=data_dir,
            )
            if fetched.path is None:
                _log.info("%s has not changed since %s", source.name, current.refreshed_at)
                return current
            ranked = read_ranks(fetched.path, source)
            etag = fetched.validators.etag
            return _publish(store, source.name, etag, ranked, now, trainer.private)
        except (FeedUnavailableError, DataRejectedError) as err:
            _log.warning("%s: %s", source.name, err)
            reasons.append(f"{source.name}: {err}")
    kept = f"those of {current.refreshed_at}" if current.digest else "the built-in ones"
    why = "; ".join(reasons) or "none is enabled"
    raise FeedUnavailableError(f"no popularity list could be read, {kept} stay in use: {why}")


def read_ranks(path: Path, source: FeedSettings) -> list[tuple[str, int]]:
    """Return the names of a popularity list with their ranks, the best first.

    Parameters
    ----------
    path : Path
        Lines ``rank,name``, in a ZIP archive or not.
    source : FeedSettings
        How many lines it has.

    Raises
    ------
    DataRejectedError
        If the file is not such a list, or of another length.
    """
    ranked = []
    for number, line in enumerate(_lines(path, source.max_unpacked_bytes), 1):
        rank, _, name = line.strip().partition(",")
        if not rank.isdecimal() or not name or len(name) > _MAX_NAME_CHARS or int(rank) < 1:
            raise DataRejectedError(f"line {number} is not a rank and a name: {line[:60]!a}")
        ranked.append((name.lower(), int(rank)))
    fewest, most = source.expected
    if not fewest <= len(ranked) <= most:
        raise DataRejectedError(f"{len(ranked)} lines, expected are {fewest} to {most}")
    return sorted(ranked, key=lambda each: each[1])


def _signed_current(store: ObjectStore, trainer: TrainerKeys) -> CurrentReference:
    """Return what is current; what no trainer signed is replaced."""
    try:
        return read_current(store, trainer.trusted)
    except (ManifestError, SignatureError) as err:
        _log.warning("%s", err)
        return CurrentReference()


def _publish(
    store: ObjectStore,
    name: str,
    etag: str,
    ranked: list[tuple[str, int]],
    now: datetime,
    key: ec.EllipticCurvePrivateKey,
) -> CurrentReference:
    body = build_reference(ranked, [f"{name}, {now:%Y-%m-%d}, {len(ranked)} names"])
    current = CurrentReference(
        digest=describe_file(body).sha256,
        etags={name: etag},
        refreshed_at=now.isoformat(timespec="seconds"),
    )
    set_current(store, body, current, key)
    return current


def _lines(path: Path, max_bytes: int) -> Iterator[str]:
    """Yield the lines of a file, or of the only file in a ZIP archive."""
    if not zipfile.is_zipfile(path):
        yield from path.read_text("utf-8", "replace").splitlines()
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) != 1 or members[0].file_size > max_bytes:
                raise DataRejectedError(f"the archive has {len(members)} files, or too large a one")
            yield from archive.read(members[0]).decode("utf-8", "replace").splitlines()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as err:
        raise DataRejectedError(f"a damaged ZIP archive: {err}") from err
