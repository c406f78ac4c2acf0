"""Who is told by which DAG, as Airflow reads them: callbacks, deadlines, the DAG that watches."""

import pytest

from include import pipelines
from tests.support.dagbags import read_dags

PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
watch, release = bag.dags["watch_models"], bag.dags["watch_release"]
heavy = {"sklearn", "pandas", "scipy", "smtplib"}
print(json.dumps({
    "errors": bag.import_errors,
    "imported": sorted(heavy & set(sys.modules)),
    "untold": sorted(name for name, dag in bag.dags.items() if not dag.on_failure_callback),
    "unexplained": sorted(
        f"{name}.{task.task_id}"
        for name, dag in bag.dags.items()
        for task in dag.tasks
        if not task.on_failure_callback
    ),
    "deadlines": {
        name: [
            [
                alert.name,
                type(alert.reference).__name__,
                alert.interval.total_seconds() / 60,
                alert.callback.path,
                alert.callback.kwargs,
            ]
            for alert in dag.deadline or []
        ]
        for name, dag in bag.dags.items()
    },
    "release": {
        "every": release.timetable.expression,
        "paused": release.is_paused_upon_creation,
        "runs_at_once": release.max_active_runs,
        "copies": [task.op_kwargs_expand_input.value["pipeline_name"] for task in release.tasks],
        "doc": release.doc_md,
    },
    "watch": {
        "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in watch.tasks},
        "rules": {task.task_id: task.trigger_rule.value for task in watch.tasks},
        "every": watch.timetable.timetable.expression,
        "follows": [asset.name for asset in watch.timetable.asset_condition.objects],
        "runs_at_once": watch.max_active_runs,
        "paused": watch.is_paused_upon_creation,
        "owners": sorted({task.owner for task in watch.tasks}),
        "doc": watch.doc_md,
    },
}))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow")
    return read_dags(home, PARSE, NIGHTCATCH_ALERTS_LATE_AFTER_MIN="45")


def test_every_dag_tells_of_its_failures_and_every_task_why(parsed):
    assert parsed["errors"] == {}
    assert parsed["untold"] == []
    assert parsed["unexplained"] == []
    assert parsed["imported"] == []


def test_runs_have_a_deadline_from_when_they_are_queued_and_nothing_else_has(parsed):
    late = {
        name: [
            [
                "run_late",
                "DagRunQueuedAtDeadline",
                45,
                "dags.support.callbacks.notify_late_run",
                {"pipeline_name": name.removeprefix("train_")},
            ]
        ]
        for name in ("train_sites", "train_urls")
    }

    assert {name: found for name, found in parsed["deadlines"].items() if found} == late


def test_models_are_watched_every_quarter_of_an_hour_and_after_each_run(parsed):
    watch = parsed["watch"]

    assert watch["every"] == "*/15 * * * *"
    assert watch["follows"] == ["finished_runs"]
    assert (watch["runs_at_once"], watch["paused"]) == (1, False)
    assert watch["tasks"] == {"confirm": [], "look": ["send"], "send": []}
    assert watch["rules"]["send"] == "all_done", "a look that failed keeps nothing from being sent"


def test_releases_are_watched_every_quarter_of_an_hour_each_pipeline_by_itself(parsed):
    release = parsed["release"]

    assert (release["every"], release["paused"], release["runs_at_once"]) == (
        "*/15 * * * *",
        False,
        1,
    )
    assert release["copies"] == [list(pipelines.names())]
    assert "it fails" in release["doc"]


def test_people_find_what_they_need(parsed):
    assert parsed["watch"]["owners"] == ["nightcatch"]
    assert "it fails" in parsed["watch"]["doc"]
    assert "docs/runbook.md" in parsed["watch"]["doc"]
