"""The list of all Data Docs: each run, when it was, and what became of its records."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from html import escape
from typing import Any, Protocol

from include.contract import keys
from include.errors import ManifestError, ObjectMissingError, VersionRefusedError
from include.validation.data_docs.assets import VENDOR
from include.validation.data_docs.build import QUARANTINE_PAGE

MAX_RUNS = 200
EVALUATED = "validation.json"
_MAX_BYTES = 4 * 1024 * 1024
_READERS = 8
_RUN = re.compile(r"([a-z_]+?)__(\d{4}-\d\d-\d\d)T(\d\d).(\d\d).*")
_TRIGGERS = {
    "scheduled": "by schedule",
    "manual": "by hand",
    "asset_triggered": "by new labels",
    "backfill": "backfill",
}
_LEAD = (
    "<p>What each training run found in its records: by run, every rule one by one; under "
    "<em>Records</em>, which are in quarantine and what to do.</p>"
)
_NONE = (
    "<p>No run has validated records yet. Load records and trigger a DAG whose name begins with "
    "<code>train_</code>; its results are here once its task <code>validate</code> has ended.</p>"
)


class Bucket(Protocol):
    """What listing needs of an object store."""

    def folders(self, prefix: str) -> list[str]:
        """Return the names directly under `prefix`."""

    def get(self, key: str, max_bytes: int = ...) -> bytes:
        """Return the object's content."""


def list_runs(store: Bucket) -> str:
    """Return every pipeline's runs as HTML, by the time in their names, newest first."""
    sections = []
    for pipeline in store.folders(keys.docs_root()):
        if pipeline == VENDOR:  # left there by earlier releases
            continue
        runs = store.folders(f"{keys.docs_root()}{pipeline}/")
        runs.sort(key=lambda run: run.rsplit("__", 1)[-1], reverse=True)
        sections.append(_section(store, pipeline, runs))
    return _LEAD + "".join(sections) if sections else _NONE


def _section(store: Bucket, pipeline: str, runs: list[str]) -> str:
    shown = runs[:MAX_RUNS]
    with ThreadPoolExecutor(_READERS) as readers:
        verdicts = list(readers.map(lambda run: _verdict(store, pipeline, run), shown))
    rows = "".join(
        f'<tr><td><a href="show/{escape(pipeline)}/{escape(run)}/index.html" title="{escape(run)}">'
        f"{escape(_when(run))}</a></td>"
        f"<td>{verdict}</td></tr>"
        for run, verdict in zip(shown, verdicts, strict=True)
    )
    count = f"The newest {len(shown)} of {len(runs)} runs" if runs[MAX_RUNS:] else "All runs"
    return (
        f"<h2>{escape(pipeline)}</h2><table><caption>{count}, newest first</caption>"
        '<thead><tr><th scope="col">Run</th><th scope="col">Records</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _when(run: str) -> str:
    """Return the time in a run's name and what triggered it, for people."""
    named = _RUN.fullmatch(run)
    if named is None:
        return run
    trigger, day, hour, minute = named.groups()
    return f"{day} {hour}:{minute} UTC, {_TRIGGERS.get(trigger, trigger)}"


def _verdict(store: Bucket, pipeline: str, run: str) -> str:
    """Return, as HTML, what became of a run's records."""
    try:
        evaluated = json.loads(store.get(keys.run_file(pipeline, run, EVALUATED), _MAX_BYTES))
        page = f"show/{escape(pipeline)}/{escape(run)}/{QUARANTINE_PAGE}"
        return f'<a href="{page}">{_sentence(evaluated)}</a>'
    except (ManifestError, ObjectMissingError, VersionRefusedError):
        return '<span class="muted">not kept any more</span>'
    except (ValueError, KeyError, TypeError):
        return '<span class="bad">cannot be read</span>'


def _sentence(evaluated: dict[str, Any]) -> str:
    accepted, quarantined = int(evaluated["accepted"]), int(evaluated["quarantined"])
    if failures := evaluated["failures"]:
        return f'<span class="bad">refused: {escape("; ".join(map(str, failures)))}</span>'
    kept = f"{accepted:,} accepted, {quarantined:,} in quarantine"
    n_warnings = len(evaluated["warnings"])
    warned = f", {n_warnings} warning{'s' if n_warnings > 1 else ''}" if n_warnings else ""
    return kept + warned
