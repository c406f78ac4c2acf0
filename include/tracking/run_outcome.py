"""The outcome of a run of a training DAG: what Airflow has, and run documents have not."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

Outcome = Literal["approved", "proposed", "rejected", "superseded", "failed"]


@dataclass(frozen=True)
class RunOutcome:
    """The outcome of one run.

    Attributes
    ----------
    pipeline, run_id : str
        `run_id` is Airflow's.
    outcome : {"approved", "proposed", "rejected", "superseded", "failed"}
        Proposed if the first of two approvers approved it.
        Rejected by the gate, by a person, or by timeout; superseded if it passed, but a version of
        a later run was in production; failed for any other reason.
    failed_tasks : tuple of str
    started_at, ended_at : str
        ISO 8601 in UTC.
    order : mapping
        Parameters of the DAG run.
    code_commit : str
    link : str
        Address of the run in Airflow's UI; empty if unknown.
    """

    pipeline: str
    run_id: str
    outcome: Outcome
    failed_tasks: tuple[str, ...]
    started_at: str
    ended_at: str
    order: Mapping[str, Any]
    code_commit: str
    link: str = ""

    @property
    def started_ms(self) -> int:
        """When it started, in milliseconds since 1970."""
        return _milliseconds(self.started_at)

    @property
    def ended_ms(self) -> int:
        """When it ended, in milliseconds since 1970."""
        return _milliseconds(self.ended_at)

    def to_json(self) -> bytes:
        """Return the bytes that `parse_outcome` reads."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()


def parse_outcome(body: bytes) -> RunOutcome:
    """Return the outcome that `RunOutcome.to_json` wrote."""
    document = json.loads(body)
    return RunOutcome(**{**document, "failed_tasks": tuple(document["failed_tasks"])})


def outcome_of(states: Mapping[str, str], rejected: bool) -> Outcome:
    """Return the outcome of a run.

    Parameters
    ----------
    states : mapping of str to str
        Airflow's state of each task.
    rejected : bool
        Whether a gate rule or a person rejected the version.
    """
    if states.get("approve") == "success":
        return "approved"
    if states.get("approve") == "skipped" and states.get("wait_for_approval") == "success":
        return "proposed"
    if states.get("keep_newer") == "success":
        return "superseded"
    timed_out = states.get("wait_for_approval") == "failed"
    return "rejected" if rejected or timed_out else "failed"


def _milliseconds(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1_000)
