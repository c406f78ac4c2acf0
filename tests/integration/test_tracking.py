"""Finished runs in a real MLflow: told once, told later when it was away, never lost."""

import json
import os
import secrets
from dataclasses import replace
from urllib.parse import urlsplit

import pymongo
import pytest
import requests
from mlflow import MlflowClient

from include.contract import keys
from include.contract.approval_response import ApprovalResponse
from include.contract.run_documents import GateVerdict, GateVerdicts, serialise
from include.errors import TrackingUnavailableError
from include.registry.approve import approve
from include.registry.responses import write_response
from include.stack.environment import mlflow_environment
from include.stack.ports import pick_port
from include.stack.settings import StackSettings
from include.stack.web_server import MlflowServer
from include.stores.objects import ObjectStore
from include.tracking import delivery_queue, lineage
from include.tracking.experiment import TAGS, experiment_name, experiments_page, runs_page
from include.tracking.models import model_name
from include.tracking.record import was_rejected
from include.tracking.send import send_unsent
from tests.support.signed_versions import Signer, Version, publish, request
from tests.support.tracked_run import DIGEST, SCORES, VERSION, documents, ending, leave_run

OTHER = "20261122T020513Z-3f9a1c2b"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    state_dir = tmp_path_factory.mktemp("mlflow")
    settings = StackSettings(root=state_dir, state_dir=state_dir, mlflow_port=pick_port())
    server = MlflowServer(state_dir, settings.mlflow_port, mlflow_environment(settings, os.environ))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def client(server, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return MlflowClient(f"http://127.0.0.1:{server.port}")


@pytest.fixture
def away(monkeypatch):
    """A client of an MLflow that does not run."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return MlflowClient(f"http://127.0.0.1:{pick_port()}")


@pytest.fixture
def store(s3, bucket):
    return ObjectStore(s3.client(), bucket)


@pytest.fixture
def pipeline():
    """A name that no other test has told MLflow of."""
    return f"p{secrets.token_hex(4)}"


@pytest.fixture
def signer(tmp_path):
    return Signer.new(tmp_path, "signer")


def noted(store, signer, ended, **changes):
    """A run that has ended and waits."""
    leave_run(store, ended, signer, **changes)
    delivery_queue.enqueue(store, ended)
    return ended


def runs_of(client, pipeline):
    """MLflow's parent runs and their nested ones, the parents in the order of their start."""
    experiment = client.get_experiment_by_name(experiment_name(pipeline))
    found = client.search_runs([experiment.experiment_id], order_by=["start_time ASC"])
    nested = [run for run in found if "mlflow.parentRunId" in run.data.tags]
    return [run for run in found if run not in nested], nested


def send(store, client, pipeline, pointer, signer):
    send_unsent(store, client, pipeline, pointer, signer.trusted)


def in_production(store, signer, pipeline, version, run_id="run-1"):
    asked = request(version, pipeline=pipeline, run_id=run_id)
    return approve(store, asked, signer.key, signer.trusted)


def test_a_run_is_told_with_its_candidates_data_and_files(store, client, signer, pipeline):
    ended = noted(store, signer, ending(pipeline))
    send(store, client, pipeline, None, signer)
    (parent,), nested = runs_of(client, pipeline)
    forest = next(run for run in nested if run.info.run_name == "RandomForest")
    files = {entry.path for entry in client.list_artifacts(parent.info.run_id, "version")}
    folds = client.get_metric_history(forest.info.run_id, "cv_average_precision")

    assert parent.info.run_name == parent.data.tags["dag_run_id"] == ended.run_id
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["manifest_sha256"] == "ab" * 32
    assert parent.data.metrics["test_accuracy"] == 0.94
    assert parent.data.metrics["random_split_accuracy"] == 0.97
    assert {run.data.tags["mlflow.parentRunId"] for run in nested} == {parent.info.run_id}
    assert sorted(run.info.run_name for run in nested) == ["LogisticRegression", "RandomForest"]
    assert [(fold.step, fold.value) for fold in folds] == list(
        enumerate(SCORES["average_precision"])
    )
    assert [entry.dataset.digest for entry in parent.inputs.dataset_inputs] == [DIGEST]
    assert files == {"version/manifest.json", "version/report.html"}
    assert list(store.keys_under(keys.outbox_prefix(pipeline))) == []


def test_the_page_of_runs_opens_with_columns_that_matter(store, client, signer, pipeline, server):
    earlier = client.create_experiment(experiment_name(pipeline), tags={"kept": "yes"})
    noted(store, signer, ending(pipeline))
    send(store, client, pipeline, None, signer)
    url = f"http://127.0.0.1:{server.port}"
    page = runs_page("https://mlflow.example/", url, pipeline)

    assert {"kept": "yes", **TAGS}.items() <= client.get_experiment(earlier).tags.items()
    assert page == (
        f"https://mlflow.example/#/experiments/{earlier}/runs?workflowType=machine_learning"
        "&viewStateShareKey=nightcatch"
    )


def test_without_mlflow_the_page_of_runs_is_the_search_for_them(server):
    public = "https://mlflow.example"
    found = [
        runs_page(public, f"http://127.0.0.1:{port}", "none-such")
        for port in (server.port, pick_port())
    ]

    assert found == [f"{experiments_page(public)}&searchFilter=nightcatch-none-such"] * 2


def test_told_twice_it_is_there_once(store, client, signer, pipeline):
    ended = noted(store, signer, ending(pipeline))
    send(store, client, pipeline, None, signer)
    before = runs_of(client, pipeline)
    delivery_queue.enqueue(store, replace(ended, ended_at="2026-11-21T02:09:00+00:00"))
    send(store, client, pipeline, None, signer)
    after = runs_of(client, pipeline)

    assert [run.info.run_id for run in after[0]] == [run.info.run_id for run in before[0]]
    assert len(after[1]) == len(before[1]) == 2
    assert len(client.search_model_versions(f"name = '{model_name(pipeline)}'")) == 1


def test_a_run_cut_off_while_it_was_sent_is_sent_whole(store, client, signer, pipeline):
    ended = noted(store, signer, ending(pipeline))
    experiment = client.create_experiment(experiment_name(pipeline))
    half = client.create_run(experiment, tags={"dag_run_id": ended.run_id}, run_name="half")
    client.create_run(experiment, tags={"mlflow.parentRunId": half.info.run_id})
    send(store, client, pipeline, None, signer)
    (parent,), nested = runs_of(client, pipeline)

    assert parent.info.run_id != half.info.run_id
    assert len(nested) == 2


def test_a_run_that_is_cleared_and_comes_to_another_end_replaces_itself(
    store, client, signer, pipeline
):
    ended = ending(pipeline)
    noted(store, signer, replace(ended, outcome="failed", failed_tasks=("approve",)))
    send(store, client, pipeline, None, signer)
    noted(store, signer, ended)
    send(store, client, pipeline, None, signer)
    (parent,), _ = runs_of(client, pipeline)
    (version,) = client.search_model_versions(f"name = '{model_name(pipeline)}'")

    assert parent.data.tags["outcome"] == "approved"
    assert version.run_id == parent.info.run_id
    assert version.tags["outcome"] == "approved"


def test_what_happens_while_mlflow_is_away_is_told_in_order_later(
    store, client, away, signer, pipeline
):
    first = noted(store, signer, ending(pipeline, "zz-first"))
    with pytest.raises(TrackingUnavailableError):
        send(store, away, pipeline, None, signer)
    late = {
        "started_at": "2026-11-22T02:00:00+00:00",
        "ended_at": "2026-11-22T02:01:00+00:00",
        "outcome": "failed",
        "failed_tasks": ("take_snapshot",),
    }
    delivery_queue.enqueue(store, ending(pipeline, "aa-second", **late))
    waiting = [each.run_id for each in delivery_queue.queued_runs(store, pipeline)]
    send(store, client, pipeline, None, signer)
    parents, _ = runs_of(client, pipeline)

    assert waiting == [first.run_id, "aa-second"]
    assert [run.info.run_name for run in parents] == waiting
    assert [run.info.status for run in parents] == ["FINISHED", "FAILED"]
    assert delivery_queue.queued_runs(store, pipeline) == []


def test_a_run_that_mlflow_refuses_does_not_hold_up_the_others(store, client, signer, pipeline):
    endless = {**documents()["chosen.json"], "params": {"p" * 300: 1}}
    bad = noted(store, signer, ending(pipeline, "bad"), **{"chosen.json": endless})
    delivery_queue.enqueue(
        store, replace(ending(pipeline, "good"), ended_at="2026-11-21T09:00:00+00:00")
    )
    with pytest.raises(TrackingUnavailableError, match="bad"):
        send(store, client, pipeline, None, signer)

    assert [each.run_id for each in delivery_queue.queued_runs(store, pipeline)] == [bad.run_id]
    assert "good" in [run.info.run_name for run in runs_of(client, pipeline)[0]]


def test_a_document_with_an_unsafe_key_is_refused_and_holds_up_no_other_run(
    store, client, signer, pipeline
):
    bad = noted(store, signer, ending(pipeline, "bad"))
    # The keys of this kind that the store keeps; others are refused by it.
    store.put(f"{keys.run_prefix(pipeline, bad.run_id)}..%2f..%2fevil.json", b"{}")
    delivery_queue.enqueue(
        store, replace(ending(pipeline, "good"), ended_at="2026-11-21T09:00:00+00:00")
    )
    with pytest.raises(TrackingUnavailableError, match="bad"):
        send(store, client, pipeline, None, signer)

    assert [each.run_id for each in delivery_queue.queued_runs(store, pipeline)] == [bad.run_id]
    assert "good" in [run.info.run_name for run in runs_of(client, pipeline)[0]]


def test_the_champion_follows_approvals_and_rollbacks(store, client, signer, pipeline):
    noted(store, signer, ending(pipeline))
    first = in_production(store, signer, pipeline, VERSION)
    send(store, client, pipeline, first, signer)
    name = model_name(pipeline)
    sent = client.get_model_version_by_alias(name, "champion")
    publish(store, Version(OTHER, pipeline=pipeline), signer)
    send(store, client, pipeline, in_production(store, signer, pipeline, OTHER, "run-2"), signer)
    moved = client.get_model_version_by_alias(name, "champion")
    back = in_production(store, signer, pipeline, VERSION, "run-3")
    send(store, client, pipeline, back, signer)
    again = client.get_model_version_by_alias(name, "champion")

    assert sent.source == f"s3://{store.bucket}/{keys.version_prefix(pipeline, VERSION)}"
    assert sent.tags["serial"] == "1"
    assert moved.tags["version"] == OTHER
    assert (again.version, again.tags["serial"]) == (sent.version, "3")
    assert again.run_id == sent.run_id != ""


def test_the_champion_stays_when_its_run_is_told_anew(store, client, signer, pipeline):
    ended = noted(store, signer, ending(pipeline))
    pointer = in_production(store, signer, pipeline, VERSION)
    send(store, client, pipeline, pointer, signer)
    delivery_queue.enqueue(store, replace(ended, code_commit="decade"))
    send(store, client, pipeline, pointer, signer)
    champion = client.get_model_version_by_alias(model_name(pipeline), "champion")
    (version,) = client.search_model_versions(f"name = '{model_name(pipeline)}'")

    assert champion.version == version.version == "2"
    assert champion.tags["serial"] == "1"
    assert champion.tags["code_commit"] == "decade"


def test_an_approval_that_mlflow_missed_is_news(store, client, away, signer, pipeline):
    publish(store, Version(VERSION, pipeline=pipeline), signer)
    pointer = in_production(store, signer, pipeline, VERSION)
    with pytest.raises(TrackingUnavailableError):
        send(store, away, pipeline, pointer, signer)
    missed = delivery_queue.has_unsent(store, pipeline, pointer)
    send(store, client, pipeline, pointer, signer)

    assert missed
    assert not delivery_queue.has_unsent(store, pipeline, pointer)


def test_an_ending_that_changes_while_it_is_sent_waits_on(store, signer, pipeline):
    first = noted(store, signer, ending(pipeline, outcome="failed"))
    delivery_queue.enqueue(store, replace(first, outcome="approved"))
    delivery_queue.dequeue(store, first)

    assert [each.outcome for each in delivery_queue.queued_runs(store, pipeline)] == ["approved"]


def verdicts(*passed):
    return json.loads(serialise(GateVerdicts(tuple(GateVerdict("r", p, "s") for p in passed))))


@pytest.mark.parametrize(
    ("left", "approved", "refused"),
    [
        ({}, None, False),
        ({}, True, False),
        ({}, False, True),
        ({"gate.json": verdicts(True, False)}, None, True),
        ({"gate.json": None}, None, False),
    ],
    ids=["gate", "yes", "no", "gate refuses", "never judged"],
)
def test_a_run_is_refused_by_the_gate_or_by_a_person(store, signer, left, approved, refused):
    ended = ending()
    leave_run(store, ended, signer, **left)
    if approved is not None:
        place = ("sites", ended.run_id, VERSION)
        write_response(store, ApprovalResponse(*place, approved, "ann", "", "no"), signer.key)

    assert was_rejected(store, "sites", ended.run_id, signer.trusted) is refused


def test_lineage_names_the_server_without_its_users(mongo_url):
    address = urlsplit(mongo_url)
    with pymongo.MongoClient(mongo_url) as client:
        client.admin.command("ping")
        read = lineage.collection_read(client.phishing.sites)

    server = f"mongodb://{address.hostname}:{address.port}"
    assert (read.namespace, read.name) == (server, "phishing.sites")


@pytest.mark.parametrize(
    ("host", "status"), [("127.0.0.1", 200), ("localhost", 200), ("evil.example", 403)]
)
def test_mlflow_answers_to_loopback_names_only(server, host, status):
    address = f"http://127.0.0.1:{server.port}/api/2.0/mlflow/experiments/get?experiment_id=0"
    answer = requests.get(address, headers={"Host": f"{host}:{server.port}"}, timeout=60)

    assert answer.status_code == status


@pytest.mark.parametrize("path", ["config", "message", "providers"])
def test_mlflow_runs_no_assistant(server, path):
    url = f"http://127.0.0.1:{server.port}/ajax-api/3.0/mlflow/assistant/{path}"

    assert requests.get(url, timeout=60).status_code == 404
