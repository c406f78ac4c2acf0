"""Pass files between the tasks of a run by digests in Airflow's database."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context

from dags.support.connections import open_store
from include import pipelines

if TYPE_CHECKING:
    from include.run.run_context import RunContext

Handover = dict[str, Any]
"""What a task returns: ``steps`` for later tasks, and a summary for people."""


def run_after(pipeline_name: str, *before: Handover) -> "RunContext":
    """Open the run of this task as the given tasks left it."""
    from include.contract.run_steps import merge_steps, steps_from_json
    from include.run.run_context import RunContext

    run_id, store = get_current_context()["run_id"], open_store()
    steps = merge_steps(*(steps_from_json(each["steps"]) for each in before))
    return RunContext(store, pipelines.get(pipeline_name), run_id, steps)


def hand_over(run: "RunContext", document: Any) -> Handover:
    """Return the digests of every file the run has written so far, and a document for people."""
    from include.contract.run_steps import steps_as_json

    return {**asdict(document), "steps": steps_as_json(run.steps)}
