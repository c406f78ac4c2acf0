"""The disagreements of two versions, drawn to be labelled, and what people said of them."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from include.contract import keys
from include.contract.run_documents import Disagreements, Drawn, serialise
from include.errors import ManifestError, SignatureError, VersionRefusedError
from include.evaluation.label_verdict import label_verdict
from include.ingest.review.entries import Held
from include.ingest.review.queue import ReviewQueue
from include.monitoring.reports import DISAGREEMENTS, ReportIntake
from include.monitoring.reviews import decisions_about, label_of
from include.pipelines import Pipeline
from include.registry.approve import production_pointer
from include.registry.comparison import drawn_of, read_replay
from include.registry.follow.verify import TrustedKeys
from include.registry.request import is_of_older_run
from include.registry.versions import read_signed_manifest, version_names
from include.run.release.figures import read_release_figures
from include.run.release.watch import watched_release
from include.stores.objects import ObjectStore

MAX_WAITING = 20
"""So many of a pair wait in the queue at once: no more labels are asked for than may be needed."""
_WAITS = timedelta(days=7)
_log = logging.getLogger(__name__)


def review_disagreements(
    intake: ReportIntake, trusted_keys: TrustedKeys, now: datetime
) -> list[Disagreements]:
    """Return what was drawn of the versions that are compared now; the next ones wait for people.

    These are the release in production and the version before it, and a newer version that is not
    approved beside the one in production.

    Parameters
    ----------
    intake : ReportIntake
    trusted_keys : TrustedKeys
    now : datetime
        Aware.

    Raises
    ------
    SignatureError, PointerError
        If an approval must not be verified.
    StoreUnavailableError
    """
    store, pipeline = intake.store, intake.pipeline
    intake.desk.queue.forget(DISAGREEMENTS, now - _WAITS)
    found = []
    for version, before, drawn in _pairs(store, pipeline, trusted_keys):
        known = _labelled(intake.desk.queue, drawn)
        pair = Disagreements(version, before, known)
        if label_verdict(pair.counted).word == "undecided":
            n_missing = MAX_WAITING - sum(each.state == "waiting" for each in known)
            nexts = [each.id for each in known if each.state == "drawn"][: max(n_missing, 0)]
            reason = f"{version} and {before} disagree on it"
            if nexts:
                lost = set(nexts) - intake.hold_disagreements(nexts, reason, now)
                known = _labelled(intake.desk.queue, drawn)
                lost_now = (replace(d, state="lost") if d.id in lost else d for d in known)
                pair = replace(pair, drawn=tuple(lost_now))
        key = keys.disagreements(pipeline.name, version, before)
        store.put(key, serialise(pair), "application/json")
        found.append(pair)
    return found


def _pairs(
    store: ObjectStore, pipeline: Pipeline, trusted_keys: TrustedKeys
) -> Iterator[tuple[str, str, list[Drawn]]]:
    current = production_pointer(store, pipeline.name, trusted_keys.approvers)
    if current is None:
        return
    release = watched_release(store, current, trusted_keys)
    if release is not None:
        before = release.before.version
        drawn = _replayed(store, pipeline, current.version, before, trusted_keys)
        live = read_release_figures(store, release.pointer)
        known = {each.id for each in drawn}
        drawn += [each for each in (live.drawn if live else ()) if each.id not in known]
        yield current.version, before, drawn
    newest = version_names(store, pipeline.name)[-1:]
    for version in newest:
        if version != current.version and not is_of_older_run(version, current):
            drawn = _replayed(store, pipeline, version, current.version, trusted_keys)
            if drawn:
                yield version, current.version, drawn


def _replayed(
    store: ObjectStore, pipeline: Pipeline, version: str, before: str, trusted_keys: TrustedKeys
) -> list[Drawn]:
    """Return what the replay of a version has drawn; nothing if it was beside another one."""
    try:
        manifest, _ = read_signed_manifest(store, pipeline.name, version, trusted_keys)
    except (SignatureError, ManifestError, VersionRefusedError) as err:
        _log.warning("%s: nothing is drawn of %s: %s", pipeline.name, version, err)
        return []
    return list(drawn_of(read_replay(store, manifest, before, trusted_keys.trainers)))


def _labelled(queue: ReviewQueue, drawn: list[Drawn]) -> tuple[Drawn, ...]:
    """Return what was drawn, with what people said of it: the last decision of several."""
    about = decisions_about(queue, [each.id for each in drawn])
    return tuple(_with_state(each, about.get(each.id)) for each in drawn)


def _with_state(drawn: Drawn, held: Held | None) -> Drawn:
    if held is None:
        return drawn
    if held.state == "waiting":
        return replace(drawn, state="waiting")
    return replace(drawn, state="decided", is_phishing=label_of(held))
