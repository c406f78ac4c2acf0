"""The DAG `load_records` shows a form and does what it says, in a real Airflow and mongod."""

import json
import re
from dataclasses import dataclass

import pymongo
import pytest

from include import pipelines
from include.pipelines.sites.records import LAYOUT
from tests.support.dagbags import ROOT, run_airflow

DAG_FILE = ROOT / "dags" / "load_records.py"
# One process for all: each start of Airflow costs ten seconds.
PROGRAM = """
import json, os, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.utils.db import initdb
from tests.support.dagbags import accepts

path, form, runs = sys.argv[1], *map(json.loads, sys.argv[2:])
initdb()
bag = DagBag(path)
dag = bag.dags["load_records"]
(task,) = dag.tasks
parsed = {
    "errors": bag.import_errors,
    "schedule": dag.schedule,
    "doc": dag.doc_md,
    "tags": sorted(dag.tags),
    "owner": task.owner,
    "defaults": dag.params.dump(),
    "pipelines": dag.params.get_param("pipeline").schema["enum"],
    "rules": [(r.exception, r.action.value) for r in task.retry_policy.rules],
    "accepted": [accepts(dag, name, value) for name, value in form],
}
states = {}
for name, variables, conf in runs:
    os.environ.update(variables)
    print("RUN", name, flush=True)
    dag = DagBag(path).dags["load_records"]  # a run changes the defaults of its DAG
    states[name] = dag.test(run_conf=conf).state
    for variable in variables:
        del os.environ[variable]
print("RUN end", flush=True)
print(json.dumps([parsed, states]))
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


COLUMNS = list(LAYOUT.dtypes)
FILES = {
    "data/mine.csv": f"{','.join(COLUMNS)}\n{'1,' * 30}-1\nx\n",
    "data/list.txt": "# of today\nhttp://a.example/login\n\n",
    "secret.csv": "do not show this\n",
}
LIST = {"path": "list.txt", "label": "phishing", "source_name": "our own eyes"}
# Name, database, database of the loader's own connection, form.
RUNS = [
    ("simulated", "replaced", None, {"source": "simulated", "n_simulated": 50, "seed": 7}),
    ("file", "replaced", None, {"source": "path", "path": "mine.csv"}),
    ("list", "listed", None, {"pipeline": "urls", "source": "path", **LIST}),
    ("loader", "not_written", "loaders_own", {"source": "simulated", "n_simulated": 5}),
    ("outside", "refused", None, {"source": "path", "path": "../secret.csv"}),
]


@dataclass(frozen=True)
class Done:
    """What Airflow read, and how each run ended and what it said."""

    parsed: dict
    states: dict
    output: dict


def variables_of(mongo_url, database, of_the_loader):
    """The connections of one run, as Airflow reads them from the environment."""
    names = {"NIGHTCATCH_MONGO": database, "NIGHTCATCH_MONGO_LOADER": of_the_loader}
    url = mongo_url.replace("mongodb://", "mongo://")
    return {
        f"AIRFLOW_CONN_{connection}": url.replace("/?", f"/{name}?")
        for connection, name in names.items()
        if name
    }


@pytest.fixture(scope="module")
def done(tmp_path_factory, mongo_url):
    """All runs, in an Airflow of their own with the data directory `data`."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "data").mkdir()
    for name, text in FILES.items():
        (home / name).write_text(text)
    runs = [
        (name, variables_of(mongo_url, database, of_the_loader), form)
        for name, database, of_the_loader, form in RUNS
    ]
    output = run_airflow(
        home,
        PROGRAM,
        *(str(DAG_FILE), json.dumps(list(FORM)), json.dumps(runs)),
        NIGHTCATCH_DATA_DIR=str(home / "data"),
        NIGHTCATCH_DOWNLOAD_DIR=str(home / "downloads"),
    )
    said = re.split(r"^RUN (\w+)$", output, flags=re.M)
    parsed, states = json.loads(said[-1])
    yield Done(parsed, states, dict(zip(said[1::2], said[2::2], strict=True)))
    with pymongo.MongoClient(mongo_url) as client:
        for _, *databases, _ in RUNS:
            for database in filter(None, databases):
                client.drop_database(database)


@pytest.fixture(scope="module")
def parsed(done):
    return done.parsed


@pytest.fixture
def client(mongo_url):
    with pymongo.MongoClient(mongo_url) as opened:
        yield opened


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


def test_a_file_of_the_data_directory_is_loaded_and_replaces_simulated_records(done, client):
    assert (done.states["simulated"], done.states["file"]) == ("success", "success")
    (document,) = client["replaced"]["sites"].find({}, {"_id": False})
    assert document == dict.fromkeys(COLUMNS, 1) | {"Result": -1, "loaded_from": "mine.csv"}


def test_a_plain_list_takes_its_label_from_the_form(done, client):
    assert done.states["list"] == "success"
    (document,) = client["listed"]["urls"].find({}, {"_id": False})
    assert document == {
        "url": "http://a.example/login",
        "label": 1,
        "source": "our own eyes",
        "loaded_from": "list.txt",
    }


def test_records_are_written_by_a_connection_of_their_own_where_there_is_one(done, client):
    assert done.states["loader"] == "success"
    assert client["loaders_own"]["sites"].count_documents({"simulated": True}) == 5
    assert client["not_written"].list_collection_names() == []


def test_a_file_outside_the_data_directory_fails_at_once_and_is_not_shown(done, client):
    said = done.output["outside"]

    assert done.states["outside"] == "failed"
    assert "DatasetRefusedError" in said
    assert "do not show this" not in said
    assert said.count("[DAG TEST] starting task_id=load") == 1
    assert client["refused"].list_collection_names() == []
