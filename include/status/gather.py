"""Read all parts of a status side by side, so that one that hangs does not hold up the others."""

import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from include.contract import keys
from include.notify.open_alerts import read_open_alerts
from include.notify.scorers import served_by
from include.registry.approve import production_pointer
from include.registry.production import production_version
from include.status.figures import (
    Disk,
    OpenAlert,
    Part,
    Production,
    ScorerStatus,
    Status,
    TrainingRuns,
    ValueT,
)
from include.status.labels import labels_waiting
from include.status.runs import result_of
from include.status.sources import Sources, part_of
from include.status.traffic import traffic_of

NEEDED_BYTES = 2 * 1024**3
"""What must be free on a disk: a training run writes its snapshot, models and logs."""
_FIGURES = ("accuracy", "recall", "fpr", "roc_auc")
_READERS = 8


def read_status(sources: Sources, now: datetime) -> Status:
    """Return the status of an installation; nothing raises for what cannot be read.

    Parameters
    ----------
    sources : Sources
    now : datetime
        Aware.
    """
    with ThreadPoolExecutor(_READERS) as readers:

        def start(read: Callable[[], ValueT]) -> Callable[[], Part[ValueT]]:
            return readers.submit(part_of, read).result

        def each(read: Callable[[str], ValueT]) -> Callable[[], dict[str, Part[ValueT]]]:
            parts = {name: start(partial(read, name)) for name in sources.pipelines}
            return lambda: {name: part() for name, part in parts.items()}

        servers = start(lambda: tuple(sources.servers()))
        scorers = start(lambda: tuple(_scorer(sources, url) for url in sources.scorer_urls))
        production = each(lambda name: _production(sources, name, now))
        runs = each(lambda name: _runs(sources, name))
        paused = start(lambda: tuple(sorted(sources.paused())))
        labels = start(lambda: labels_waiting(sources, now))
        traffic = each(lambda name: traffic_of(sources.store(), name, now))
        alerts = start(lambda: _alerts(sources))
        disk = start(lambda: disk_of(sources.disk_dir))
        return Status(
            now.astimezone(UTC).isoformat(timespec="seconds"),
            servers=servers(),
            scorers=scorers(),
            production=production(),
            runs=runs(),
            paused=paused(),
            labels=labels(),
            traffic=traffic(),
            alerts=alerts(),
            disk=disk(),
        )


def _production(sources: Sources, pipeline: str, now: datetime) -> Production | None:
    found = production_version(sources.store(), pipeline, sources.trusted_keys())
    if found is None:
        return None
    pointer, manifest = found.pointer, found.manifest
    age_days = (now - datetime.fromisoformat(manifest.created_at)).total_seconds() / 86_400
    test = manifest.metrics.get("test", {})
    return Production(
        version=pointer.version,
        serial=pointer.serial,
        approved_by=pointer.decided_by,
        approved_at=pointer.approved_at,
        age_days=round(age_days, 2),
        is_old=age_days > sources.max_model_age_days,
        is_synthetic=bool(manifest.snapshot.get("simulated")),
        test={name: test[name] for name in _FIGURES if name in test},
    )


def _runs(sources: Sources, pipeline: str) -> TrainingRuns:
    schedule = sources.schedule(pipeline)
    part = part_of(lambda: result_of(sources, pipeline, schedule))
    # What Airflow has of a run is shown even if the bucket cannot be read.
    result = f"its result is unknown: {part.problem}" if part.problem else part.value or ""
    return TrainingRuns(schedule, result)


def _scorer(sources: Sources, url: str) -> ScorerStatus:
    served = served_by(url, pauses_s=())
    if served.problem:
        return ScorerStatus(url, {}, served.problem)
    serves, behind = {}, []
    for pipeline in sources.pipelines:
        pointer = production_pointer(sources.store(), pipeline, sources.trusted_keys().approvers)
        serial = served.serials.get(pipeline)
        if serial is not None:
            is_current = pointer is not None and pointer.serial == serial
            version = f" ({pointer.version})" if pointer is not None and is_current else ""
            serves[pipeline] = f"serial {serial}{version}"
        if pointer is not None and serial != pointer.serial:
            has = "no version" if serial is None else f"serial {serial}"
            behind.append(f"serves {has} of {pipeline}, serial {pointer.serial} is in production")
    return ScorerStatus(url, serves, "; ".join(behind))


def _alerts(sources: Sources) -> tuple[OpenAlert, ...]:
    store = sources.store()
    places = [keys.open_alerts(), keys.open_feed_alerts()]
    places += [keys.open_traffic_alerts(name) for name in sources.pipelines]
    places += [keys.open_release_alerts(name) for name in sources.pipelines]
    found = [each for key in places for each in read_open_alerts(store, key).values()]
    return tuple(
        OpenAlert(each.last.title, each.last.sentence, each.since, own_link(each.last.link))
        for each in sorted(found, key=lambda each: each.since, reverse=True)
    )


def own_link(link: str) -> str:
    """Return the path of an alert's link, which leads to a page of Airflow; empty if it does not.

    Whoever can write the bucket can write alerts, and this link stands on a page of Airflow.
    """
    try:
        parts = urlsplit(link)
    except ValueError:
        return ""
    path = urlunsplit(("", "", parts.path, parts.query, parts.fragment))
    is_page = parts.scheme in ("", "http", "https") and re.match(r"/[\w-]", path)
    return path if is_page else ""


def disk_of(folder: Path) -> Disk:
    """Return how much is free on the file system of a folder."""
    usage = shutil.disk_usage(folder)
    return Disk(str(folder), usage.free, usage.total, usage.free < NEEDED_BYTES)
