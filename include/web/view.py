"""What the pages say of versions and approvals: rows of text and links, ready for a template."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from include.contract.dag_ids import train_dag
from include.contract.pointer import GATE, WATCHER, Pointer
from include.registry.overview import Ledger
from include.registry.versions import StoredVersion
from include.web.plot import FIGURES, figure_of, state_of

_COMMANDS = {"approve": "./nightcatch approve", "rollback": "./nightcatch rollback"}


@dataclass(frozen=True)
class Links:
    """Links of a page.

    Attributes
    ----------
    ui : str
        Path before that of every page of Airflow; empty as a rule.
    mlflow_url : str
        Empty where runs are not tracked.
    """

    ui: str
    mlflow_url: str

    def dag(self, dag_id: str) -> str:
        """Return the address of a DAG."""
        return f"{self.ui}/dags/{quote(dag_id, safe='')}"

    def run(self, dag_id: str, run_id: str) -> str:
        """Return the address of a run."""
        return f"{self.dag(dag_id)}/runs/{quote(run_id, safe='')}"

    def api_run(self, dag_id: str, run_id: str) -> str:
        """Return the address of a run in Airflow's API."""
        ids = quote(dag_id, safe=""), quote(run_id, safe="")
        return "{}/api/v2/dags/{}/dagRuns/{}".format(self.ui, *ids)

    def data_docs(self, pipeline: str, run_id: str) -> str:
        """Return the address of a training run's tab of Data Docs."""
        return f"{self.run(train_dag(pipeline), run_id)}/plugin/run-data-docs"

    def question(self, pipeline: str, run_id: str) -> str:
        """Return the address where the run's question is answered."""
        return f"{self.run(train_dag(pipeline), run_id)}/required_actions"

    def mlflow(self, pipeline: str) -> str:
        """Return the address that leads to the pipeline's runs in MLflow."""
        return f"{self.ui}/models/{pipeline}/runs"


@dataclass(frozen=True)
class VersionRow:
    """One version as a table row.

    Attributes
    ----------
    kept : StoredVersion
    state : str
    made, run_id : str
        Empty when not known.
    figures : tuple of str
        Of `include.web.plot.FIGURES`.
    waits_since : str
        Since when its run waits for a person; empty if it does not.
    can_act : str
        ``Promote``, ``Roll back`` or nothing.
    """

    kept: StoredVersion
    state: str
    made: str
    run_id: str
    figures: tuple[str, ...]
    waits_since: str
    can_act: str


@dataclass(frozen=True)
class ApprovalRow:
    """One approval or rollback.

    Attributes
    ----------
    pointer : Pointer
    kind : str
        ``approved`` or ``rolled back``: whether the version was in production before.
    at : str
    asked_in : str
        The run or command, as shown to people.
    run_link : str
        Empty when it was no run of Airflow.
    """

    pointer: Pointer
    kind: str
    at: str
    asked_in: str
    run_link: str


def version_row(kept: StoredVersion, waiting: Mapping[str, datetime]) -> VersionRow:
    """Return the table row of a version.

    Parameters
    ----------
    kept : StoredVersion
    waiting : mapping of str to datetime
        Since when each run has been waiting for a person.
    """
    manifest = kept.manifest
    run_id = str(manifest.model.get("run_id", "")) if manifest else ""
    since = waiting.get(run_id)
    act = "Roll back" if kept.serials else "Promote"
    figures = (
        figure.text(value) if (value := figure_of(kept, figure)) is not None else "\N{EN DASH}"
        for figure in FIGURES
    )
    return VersionRow(
        kept=kept,
        state="waiting" if since else state_of(kept),
        made=minute(manifest.created_at) if manifest else "",
        run_id=run_id,
        figures=tuple(figures),
        waits_since=minute(since.isoformat()) if since else "",
        can_act="" if kept.is_in_production or kept.problem or since else act,
    )


def approval_rows(ledger: Ledger, links: Links, made_by: Mapping[str, str]) -> list[ApprovalRow]:
    """Return every approval and rollback, newest first.

    Parameters
    ----------
    ledger : Ledger
    links : Links
    made_by : mapping of str to str
        The training run of each version that is known.
    """
    seen: set[str] = set()
    rows = []
    for pointer in reversed(ledger.history):
        kind = "rolled back" if pointer.version in seen else "approved"
        seen.add(pointer.version)
        rows.append(_approval(pointer, kind, links, made_by.get(pointer.version)))
    return rows[::-1]


def _approval(pointer: Pointer, kind: str, links: Links, trained_in: str | None) -> ApprovalRow:
    command = _COMMANDS.get(pointer.run_id.partition("__")[0])
    dag_id = train_dag(pointer.pipeline) if pointer.run_id == trained_in else "approve_model"
    if command:
        asked_in, link = command, ""
    elif pointer.approved_by == WATCHER:
        asked_in, link = WATCHER, links.dag(WATCHER)
    elif trained_in is None and pointer.approved_by == GATE:
        asked_in = train_dag(pointer.pipeline)
        link = links.run(asked_in, pointer.run_id)
    else:
        asked_in, link = dag_id, links.run(dag_id, pointer.run_id)
    return ApprovalRow(pointer, kind, minute(pointer.approved_at), asked_in, link)


def form_values(kept: StoredVersion, pipeline: str) -> str:
    """Return what to paste into the form of `approve_model`: all but the reason."""
    values: dict[str, object] = {"pipeline": pipeline, "version": kept.version, "reason": ""}
    if needs_despite(kept):
        values["despite_gate"] = True
    return json.dumps(values, indent=1)


def needs_despite(kept: StoredVersion) -> bool:
    """Return whether the version comes into production only despite the gate."""
    return not kept.serials and not kept.gate.passed


def minute(moment: str) -> str:
    """Return an ISO 8601 time to the minute, in UTC; other text unchanged."""
    try:
        read = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    at = read if read.tzinfo else read.replace(tzinfo=UTC)
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
