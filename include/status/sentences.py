"""A status in sentences: the same on the page *Home* and in the terminal."""

from collections.abc import Iterator
from datetime import UTC, datetime

from include.status.figures import Disk, Labels, Part, Production, Status, Traffic, TrainingRuns

_NO_VERSION = "no version is in production yet, so scorers serve nothing of it"


def headline(status: Status) -> str:
    """Return in a few words whether somebody should read on."""
    servers, scorers = status.servers.value or (), status.scorers.value or ()
    n_broken = sum(each.health in ("BROKEN", "stopped") for each in servers)
    n_broken += sum(bool(each.problem) for each in scorers) + len(status.alerts.value or ())
    n_broken += status.disk.value.is_full if status.disk.value else 0
    lasts = [part.value.schedule.last for part in status.runs.values() if part.value]
    n_broken += sum(last is not None and last.state == "failed" for last in lasts)
    # What cannot be read is mostly the work of a broken server, which is counted already.
    n_broken = n_broken or len(set(status.problems))
    n_waiting = len(waiting_sentences(status)) - bool(status.labels.problem)
    found = [
        f"{n_broken} {'thing' if n_broken == 1 else 'things'} to repair" if n_broken else "",
        f"{n_waiting} to decide" if n_waiting else "",
    ]
    return ", ".join(filter(None, found)).capitalize() or "Everything is well"


def lines_of(status: Status) -> Iterator[tuple[str, str]]:
    """Yield a title and a sentence for each thing that a status says, servers left out."""
    for scorer in status.scorers.value or ():
        serves = ", ".join(f"{name} {what}" for name, what in scorer.serves.items())
        yield "scorer", f"{scorer.url}: {scorer.problem or serves or 'serves no version yet'}"
    if status.scorers.problem:
        yield "scorer", status.scorers.problem
    for name in status.production:
        yield f"model {name}", model_sentence(status.production[name])
        yield f"last run {name}", last_run_sentence(status.runs[name])
        yield f"next run {name}", next_run_sentence(status.runs[name])
        yield f"traffic {name}", traffic_sentence(status.traffic[name])
    for sentence in waiting_sentences(status):
        yield "waits", sentence
    if sentence := paused_sentence(status.paused):
        yield "paused", sentence
    for alert in status.alerts.value or ():
        yield "alert", f"{alert.title}: {alert.sentence} (since {minute(alert.since)})"
    if status.alerts.problem:
        yield "alerts", status.alerts.problem
    yield "disk", disk_sentence(status.disk)


def model_sentence(part: Part[Production | None]) -> str:
    """Return which version is in production, how old and how good it is."""
    if part.problem:
        return part.problem
    if (found := part.value) is None:
        return _NO_VERSION
    figures = ""
    if {"recall", "fpr"} <= found.test.keys():
        recall, fpr = found.test["recall"], found.test["fpr"]
        figures = f"; group-disjoint recall {recall:.1%}, false positives {fpr:.2%}"
    synthetic = "; SYNTHETIC records" if found.is_synthetic else ""
    return (
        f"version {found.version}, serial {found.serial}, {age_of(found.age_days)} old, approved by"
        f" {found.approved_by}{figures}{synthetic}"
    )


def last_run_sentence(part: Part[TrainingRuns]) -> str:
    """Return what came of the last run, in one line."""
    if (found := part.value) is None:
        return part.problem
    if (run := found.schedule.last) is None:
        return "none yet"
    at = minute(run.ended_at or run.started_at)
    return f"{at}: {found.result}" if at else found.result


def next_run_sentence(part: Part[TrainingRuns]) -> str:
    """Return when the next run begins, or that its DAG is paused."""
    if (found := part.value) is None:
        return part.problem
    if found.schedule.is_paused:
        return "the DAG is paused: switch it on in Airflow, and it runs daily at 02:00 UTC"
    return minute(found.schedule.next_at) or "none is due"


def traffic_sentence(part: Part[Traffic]) -> str:
    """Return how often each verdict was given today."""
    if (found := part.value) is None:
        return part.problem
    total = sum(found.verdicts.values())
    if not total:
        return "nothing was scored today (UTC)"
    counted = ", ".join(f"{n:,} {verdict}" for verdict, n in found.verdicts.items())
    if found.n_read < found.n_batches:
        newest = f"the newest {found.n_read:,} of {found.n_batches:,} batches of today"
        return f"{total:,} in {newest}: {counted}"
    return f"{total:,} today (UTC): {counted}"


def waiting_sentences(status: Status) -> list[str]:
    """Return what waits for a person, a sentence each."""
    found = []
    for name, part in status.runs.items():
        for run_id, since in (part.value.schedule.waiting if part.value else {}).items():
            found.append(f"{name}: run {run_id} waits for an approval since {minute(since)}")
    labels: Labels | None = status.labels.value
    if labels is None:
        return [*found, status.labels.problem]
    found += [f"{name}: {n:,} labels are held back" for name, n in labels.n_held.items() if n]
    found += [
        f"{each.pipeline}: feed {each.feed} is {each.status}: {each.reason}"
        for each in labels.feeds
    ]
    return found


def paused_sentence(part: Part[tuple[str, ...]]) -> str:
    """Return which DAGs are paused; empty if none is."""
    if part.value:
        return (
            f"{', '.join(part.value)}: they run nothing until somebody switches them on in Airflow"
        )
    return part.problem


def disk_sentence(part: Part[Disk]) -> str:
    """Return how much of the disk is free."""
    if (found := part.value) is None:
        return part.problem
    free, total = found.free_bytes / 1024**3, found.total_bytes / 1024**3
    remedy = "; free 2 GiB, or runs will fail" if found.is_full else ""
    return f"{free:.1f} of {total:.1f} GiB free for {found.path}{remedy}"


def age_of(days: float) -> str:
    """Return an age for people."""
    if days >= 2:
        return f"{days:.0f} days"
    hours = 24 * days
    return f"{hours:.0f} hours" if hours >= 2 else f"{max(1, round(60 * hours))} min"


def minute(moment: str) -> str:
    """Return an ISO 8601 time to the minute, in UTC; empty stays empty."""
    if not moment:
        return ""
    return f"{datetime.fromisoformat(moment).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
