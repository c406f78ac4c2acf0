"""The training DAG as Airflow reads it: its flow, its form, its failures."""

import pytest

from include import pipelines
from tests.support.dagbags import read_dags

PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from tests.support.dagbags import accepts
from dags.support.connections import POOL, POOL_SLOTS

bag = DagBag(sys.argv[1])
dag, sender = bag.dags["train_sites"], bag.dags["send_tracking"]
heavy = {"sklearn", "pandas", "scipy", "great_expectations", "onnx", "pyarrow"}
print(json.dumps({
    "errors": bag.import_errors,
    "dags": sorted(bag.dags),
    "imported": sorted(heavy & set(sys.modules)),
    "doc": dag.doc_md,
    "tags": sorted(dag.tags),
    "timetable": str(dag.timetable.expression),
    "max_active_runs": dag.max_active_runs,
    "downstream": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
    "teardowns": [
        [task.task_id, task.on_failure_fail_dagrun] for task in dag.tasks if task.is_teardown
    ],
    "owners": sorted({task.owner for task in dag.tasks}),
    "assets": [asset.name for asset in dag.get_task("approve").outlets],
    "rules": [(r.exception, r.action.value) for r in dag.tasks[0].retry_policy.rules],
    "pools": {
        name: sorted(
            {(task.pool, task.pool_slots, task.task_id) for task in bag.dags[name].tasks
             if task.pool != "default_pool"}
        )
        for name in ("train_sites", "train_urls")
    },
    "pool": [POOL, POOL_SLOTS],
    "forms": {name: sorted(bag.dags[name].params) for name in ("train_sites", "train_urls")},
    "sender": [
        [asset.name for asset in sender.timetable.asset_condition.objects],
        sender.timetable.timetable.expression,
        sender.is_paused_upon_creation,
    ],
    "accepted": [accepts(dag, name, value) for name, value in json.loads(sys.argv[2])],
}))
"""
FORM = {
    ("effort", "quick"): True,
    ("effort", "extreme"): False,
    ("effort", None): False,
    ("fpr_budget", 0.001): True,
    ("fpr_budget", 0): False,
    ("fpr_budget", 0.5): False,
    ("seed", 2**31 - 1): True,
    ("seed", -1): False,
    ("seed", 0.5): False,
    ("imputer", "knn"): True,
    ("imputer", "none"): False,
    ("accept_drift", True): True,
    ("accept_drift", "yes"): False,
    ("known_on", "2026-05-31"): True,
    ("known_on", None): True,
    ("known_on", "yesterday"): False,
    ("approval", "human"): True,
    ("approval", "nobody"): False,
}


@pytest.fixture(scope="module")
def parsed(tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow")
    return read_dags(home, PARSE, list(FORM), NIGHTCATCH_MLFLOW_URL="http://127.0.0.1:9")


def test_every_dag_can_be_read(parsed):
    assert parsed["errors"] == {}
    assert {"approve_model", "load_records", "train_sites"} <= set(parsed["dags"])


def test_reading_the_dags_imports_nothing_heavy(parsed):
    assert parsed["imported"] == []


def test_the_run_flows_from_snapshot_to_approval(parsed):
    downstream = parsed["downstream"]

    assert downstream["take_snapshot"] == ["validate"]
    assert downstream["validate"] == ["measure_drift", "split"]
    assert downstream["split"] == ["plan_search", "search"]
    assert downstream["search"] == ["choose", "track"]
    assert downstream["choose"] == ["evaluate", "replay_traffic"]
    assert downstream["replay_traffic"] == ["package", "track"]
    assert downstream["measure_drift"] == ["package", "track"]
    assert downstream["gate"] == ["how_to_approve"]
    assert downstream["how_to_approve"] == ["approve", "keep_newer", "wait_for_approval"]
    assert downstream["keep_newer"] == ["track"]
    assert downstream["wait_for_approval"] == ["approve"]
    assert downstream["approve"] == ["track"]


def test_the_last_task_never_speaks_for_the_run(parsed):
    assert parsed["teardowns"] == [["track", False]]
    assert parsed["downstream"]["track"] == []


def test_mlflow_is_told_as_soon_as_a_run_has_ended_and_every_hour(parsed):
    assert parsed["sender"] == [["finished_runs"], "17 * * * *", False]


def test_people_find_what_they_need(parsed):
    assert parsed["timetable"] == "0 2 * * *"
    assert parsed["owners"] == ["nightcatch"]
    assert "sites" in parsed["tags"]
    assert parsed["assets"] == ["approved_model_sites"]
    assert all(task in parsed["doc"] for task in ("take_snapshot", "gate", "If it fails"))


def test_only_passing_faults_are_tried_again(parsed):
    rules = dict(parsed["rules"])

    assert rules["include.errors.StoreUnavailableError"] == "retry"
    assert rules["include.errors.NightCatchError"] == "fail"


@pytest.mark.parametrize(("name", "value", "accepted"), [(*key, FORM[key]) for key in FORM])
def test_the_form_takes_what_makes_sense(parsed, name, value, accepted):
    assert parsed["accepted"][list(FORM).index((name, value))] is accepted


def test_the_form_asks_only_what_concerns_the_pipeline(parsed):
    of_sites, of_urls = (set(parsed["forms"][name]) for name in ("train_sites", "train_urls"))

    assert of_sites - of_urls == {"imputer"}
    assert of_urls < of_sites


def test_what_holds_all_rows_shares_the_machines_memory(parsed):
    name, _ = parsed["pool"]
    heavy = ["choose", "evaluate", "package", "search", "split"]

    for dag, memory_gb in (("train_sites", 1), ("train_urls", 3)):
        assert parsed["pools"][dag] == [[name, memory_gb, task] for task in heavy]


@pytest.mark.parametrize("pipeline", pipelines.names())
def test_no_task_asks_for_more_than_the_whole_pool(parsed, pipeline):
    assert 1 <= pipelines.get(pipeline).memory_gb <= parsed["pool"][1]
