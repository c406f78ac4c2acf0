"""The DAG that watches traffic, as Airflow reads it: when, for whom, and what it asks."""

import pytest

from include import pipelines
from tests.support.dagbags import read_dags

PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
dag = bag.dags["watch_traffic"]
print(json.dumps({
    "errors": bag.import_errors,
    "at": dag.timetable.expression,
    "catchup": dag.catchup,
    "paused": dag.is_paused_upon_creation,
    "runs_at_once": dag.max_active_runs,
    "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
    "slots": {task.task_id: [task.pool, task.pool_slots] for task in dag.tasks},
    "links": {task.task_id: [link.name for link in task.operator_extra_links]
              for task in dag.tasks},
    "params": {name: dag.params.get_param(name).schema | {"default": dag.params[name]}
               for name in dag.params},
    "copies": {len(task.task_group.iter_mapped_task_groups().__next__()._expand_input.value[
        "pipeline_name"]) for task in dag.tasks}.pop(),
    "training": bag.dags["train_sites"].timetable.expression,
}))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory):
    return read_dags(tmp_path_factory.mktemp("airflow"), PARSE)


def test_it_runs_once_a_day_before_the_run_begins_and_is_switched_on(parsed):
    assert parsed["errors"] == {}
    assert (parsed["at"], parsed["training"]) == ("0 1 * * *", "0 2 * * *")
    assert (parsed["catchup"], parsed["paused"], parsed["runs_at_once"]) == (False, False, 1)


def test_each_pipeline_is_looked_at_told_of_and_retrained_by_itself(parsed):
    assert parsed["tasks"] == {
        "look": ["notify", "retrain"],
        "notify": ["retrain"],
        "retrain": [],
    }
    assert parsed["copies"] == len(pipelines.names())
    assert parsed["links"]["look"] == ["Traffic"]


def test_only_the_look_takes_memory_that_runs_share(parsed):
    most = max(pipelines.get(name).memory_gb for name in pipelines.names())

    assert parsed["slots"].pop("look") == ["nightcatch_memory_gb", most]
    assert {tuple(slot) for slot in parsed["slots"].values()} == {("default_pool", 1)}


def test_the_form_asks_for_a_pipeline_a_day_and_whether_to_retrain(parsed):
    params = parsed["params"]

    assert params["pipeline"]["enum"] == ["all", *pipelines.names()]
    assert params["day"]["format"] == "date"
    assert {name: param["default"] for name, param in params.items()} == {
        "pipeline": "all",
        "day": None,
        "retrain": False,
    }
