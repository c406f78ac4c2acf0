"""The DAG `collect_labels`, as Airflow reads it: when, for whom, and what it announces."""

from tests.support.dagbags import read_dags

PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
dag = bag.dags["collect_labels"]
print(json.dumps({
    "errors": bag.import_errors,
    "at": dag.timetable.expression,
    "catchup": dag.catchup,
    "runs_at_once": dag.max_active_runs,
    "tasks": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
    "assets": sorted(asset.name for task in dag.tasks for asset in task.outlets),
}))
"""


def test_it_runs_hourly_and_has_an_asset_for_each_pipeline(tmp_path):
    parsed = read_dags(tmp_path, PARSE)

    assert parsed == {
        "errors": {},
        "at": "10 * * * *",
        "catchup": False,
        "runs_at_once": 1,
        "tasks": {
            "due": ["pull"],
            "pull": ["announce_sites", "announce_urls", "report"],
            "queue_reports": ["announce_sites", "announce_urls", "queue_disagreements"],
            "queue_disagreements": [],
            "announce_sites": [],
            "announce_urls": [],
            "report": [],
        },
        "assets": ["labels_sites", "labels_urls"],
    }
