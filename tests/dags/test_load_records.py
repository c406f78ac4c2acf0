"""The DAG `load_records` shows a form and does what it says, in a real Airflow and mongod."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pymongo
import pytest

from include import pipelines
from include.pipelines.sites.records import LAYOUT

ROOT = Path(__file__).resolve().parents[2]
DAG_FILE = ROOT / "dags" / "load_records.py"
PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import ParamValidationError

def accepted(name, value):
    try:
        dag.params.get_param(name).resolve(value)
    except ParamValidationError:
        return False
    return True

bag = DagBag(sys.argv[1])
dag = bag.dags["load_records"]
(task,) = dag.tasks
print(json.dumps({
    "errors": bag.import_errors,
    "schedule": dag.schedule,
    "doc": dag.doc_md,
    "tags": sorted(dag.tags),
    "owner": task.owner,
    "defaults": dag.params.dump(),
    "pipelines": dag.params.get_param("pipeline").schema["enum"],
    "rules": [(r.exception, r.action.value) for r in task.retry_policy.rules],
    "accepted": [accepted(name, value) for name, value in json.loads(sys.argv[2])],
}))
"""
FORM = {
    ("pipeline", "sites"): True,
    ("pipeline", "nonsense"): False,
    ("source", "auto"): True,
    ("source", "simulated"): True,
    ("source", "path"): True,
    ("source", "http://example.com/x.csv"): False,
    ("path", None): True,
    ("path", "some file.csv"): True,
    ("path", ""): False,
    ("path", "x" * 256): False,
    ("path", 7): False,
    ("label", "in the file"): True,
    ("label", "phishing"): True,
    ("label", "legitimate"): True,
    ("label", "1"): False,
    ("labels", "inverted"): True,
    ("labels", "upside down"): False,
    ("source_name", None): True,
    ("source_name", "openphish"): True,
    ("source_name", ""): False,
    ("n_simulated", 1): True,
    ("n_simulated", 0): False,
    ("n_simulated", 10_000_001): False,
    ("n_simulated", 1.5): False,
    ("seed", 0): True,
    ("seed", -1): False,
}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory, mongo_url):
    """Call `airflow` in a home of its own, with the data directory `data` within it."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "data").mkdir()
    (home / "plugins").mkdir()
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    environment = kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAG_FILE.parent),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "AIRFLOW_CONN_NIGHTCATCH_MONGO": mongo_url.replace("mongodb://", "mongo://").replace(
            "/?", "/load_records_dag?"
        ),
        "NIGHTCATCH_DATA_DIR": str(home / "data"),
        "NIGHTCATCH_DOWNLOAD_DIR": str(home / "downloads"),
        "PYTHONPATH": str(ROOT),
    }

    def call(*arguments, **more):
        return subprocess.run(
            [sys.executable, *arguments],
            env=environment | more,
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )

    call.home = home
    migrated = call("-m", "airflow", "db", "migrate")
    assert migrated.returncode == 0, migrated.stdout
    return call


@pytest.fixture
def records(mongo_url):
    with pymongo.MongoClient(mongo_url) as client:
        yield client["load_records_dag"]["sites"]
        client.drop_database("load_records_dag")


@pytest.fixture(scope="module")
def parsed(airflow):
    done = airflow("-c", PARSE, str(DAG_FILE), json.dumps(list(FORM)))
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout.splitlines()[-1])


def run(airflow, **conf):
    return airflow("-m", "airflow", "dags", "test", "load_records", "--conf", json.dumps(conf))


def test_the_dag_parses_and_says_what_it_does(parsed):
    assert parsed["errors"] == {}
    assert parsed["schedule"] is None
    assert parsed["owner"] == "nightcatch"
    assert parsed["tags"] == ["data", "nightcatch"]
    assert "When it fails" in parsed["doc"]
    assert parsed["pipelines"] == list(pipelines.names())
    assert parsed["defaults"] == {
        "pipeline": "sites",
        "source": "auto",
        "path": None,
        "label": "in the file",
        "labels": "not stated",
        "source_name": None,
        "n_simulated": 11_055,
        "seed": 0,
    }


def test_only_a_server_that_is_away_is_worth_another_try(parsed):
    assert parsed["rules"] == [
        ["include.errors.StoreUnavailableError", "retry"],
        ["include.errors.ClusterUnavailableError", "retry"],
        ["airflow.sdk.exceptions.AirflowNotFoundException", "fail"],
        ["include.errors.NightCatchError", "fail"],
    ]


@pytest.mark.parametrize("case", FORM, ids=lambda case: f"{case[0]}={str(case[1])[:30]}")
def test_the_form_takes_only_what_makes_sense(parsed, case):
    assert parsed["accepted"][list(FORM).index(case)] is FORM[case]


def test_a_file_of_the_data_directory_is_loaded_and_replaces_simulated_records(airflow, records):
    simulated = run(airflow, source="simulated", n_simulated=50, seed=7)
    assert simulated.returncode == 0, simulated.stdout
    assert records.count_documents({"simulated": True}) == 50
    columns = list(LAYOUT.dtypes)
    (airflow.home / "data" / "mine.csv").write_text(f"{','.join(columns)}\n{'1,' * 30}-1\nx\n")

    loaded = run(airflow, source="path", path="mine.csv")

    assert loaded.returncode == 0, loaded.stdout
    (document,) = records.find({}, {"_id": False})
    assert document == dict.fromkeys(columns, 1) | {"Result": -1, "loaded_from": "mine.csv"}


def test_a_plain_list_takes_its_label_from_the_form(airflow, mongo_url):
    (airflow.home / "data" / "list.txt").write_text("# of today\nhttp://a.example/login\n\n")

    done = run(
        airflow,
        pipeline="urls",
        source="path",
        path="list.txt",
        label="phishing",
        source_name="our own eyes",
    )

    assert done.returncode == 0, done.stdout
    with pymongo.MongoClient(mongo_url) as client:
        (document,) = client["load_records_dag"]["urls"].find({}, {"_id": False})
        client.drop_database("load_records_dag")
    assert document == {
        "url": "http://a.example/login",
        "label": 1,
        "source": "our own eyes",
        "loaded_from": "list.txt",
    }


def test_records_are_written_by_a_connection_of_their_own_where_there_is_one(airflow, mongo_url):
    own = mongo_url.replace("mongodb://", "mongo://").replace("/?", "/loaders_own?")
    conf = json.dumps({"source": "simulated", "n_simulated": 5})

    done = airflow(
        *("-m", "airflow", "dags", "test", "load_records", "--conf", conf),
        AIRFLOW_CONN_NIGHTCATCH_MONGO_LOADER=own,
    )

    assert done.returncode == 0, done.stdout
    with pymongo.MongoClient(mongo_url) as client:
        assert client["loaders_own"]["sites"].count_documents({}) == 5
        client.drop_database("loaders_own")


def test_a_file_outside_the_data_directory_fails_at_once_and_is_not_shown(airflow, records):
    (airflow.home / "secret.csv").write_text("do not show this\n")

    done = run(airflow, source="path", path="../secret.csv")

    assert done.returncode != 0
    assert "DatasetRefusedError" in done.stdout
    assert "do not show this" not in done.stdout
    assert done.stdout.count("[DAG TEST] starting task_id=load") == 1
    assert records.count_documents({}) == 0
