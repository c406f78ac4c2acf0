"""The whole loop: MongoDB, a real Airflow, a signed model in S3, and answers over HTTP."""

import io
import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import httpx
import numpy as np
import pandas as pd
import pymongo
import pytest
from mlflow import MlflowClient

from include import pipelines
from include.cli.commands.demo import Demo
from include.cli.commands.status import show_status
from include.cli.installation import EmbeddedInstallation
from include.cli.screen import Screen
from include.contract import keys
from include.contract.manifest import parse_manifest
from include.notify.scorers import served_by
from include.registry.approve import production_pointer, read_history
from include.run.lineage.verify_chain import verify_chain
from include.run.rows import read_side
from include.tracking.delivery_queue import has_unsent
from include.tracking.experiment import experiment_name
from include.tracking.models import model_name
from include.tracking.record import rejections
from tests.support.browser import open_browser

PIPELINE = pipelines.get("sites")
NAMES = [field.name for field in PIPELINE.inputs]


@pytest.fixture(scope="module")
def first_run(running):
    """The id of a run that went through, whose model the scorer answers from."""
    run_id = running.start_run()
    state = running.finish(run_id)

    assert state == "success", running.failures(run_id)
    running.wait_for_serial(1)
    return run_id


def in_production(running):
    return production_pointer(running.store, "sites", running.approvers)


def received_events(running):
    """What the DAG that follows the approved model was told so far."""
    with running.rest() as rest:
        runs = rest.get("/dags/follow_model/dagRuns?state=success").json()["dag_runs"]
    extras = [
        extra
        for run in runs
        for extra in running.returned("follow_model", run["dag_run_id"], "received")
    ]
    return {(extra["serial"], extra["version"], extra["pipeline"]) for extra in extras}


def manifest_of(running, pointer):
    return parse_manifest(
        running.store.get(keys.version_file("sites", pointer.version, keys.MANIFEST))
    )


def test_held_back_rows_are_scored_over_http_as_the_manifest_promises(running, first_run):
    manifest = manifest_of(running, in_production(running))
    test = read_side(running.run_after(first_run, "split"), "test")
    csv = pd.DataFrame(test.X.astype(int), columns=NAMES).to_csv(index=False)
    answer = httpx.post(
        f"{running.settings.scorer_url}/predict",
        files={"file": ("test.csv", csv, "text/csv")},
        headers={"Accept": "application/json"},
        timeout=300,
    )
    predictions = answer.json()["predictions"]
    probability = np.array([row["probability"] for row in predictions])
    called = np.array([row["prediction"] == "Phishing" for row in predictions])
    expected = manifest.metrics["test"]

    assert answer.status_code == 200
    assert answer.json()["model"]["version"] == manifest.version
    assert len(probability) == expected["n_rows"]
    assert np.mean((probability >= 0.5) == test.y) == pytest.approx(expected["accuracy"])
    assert int(np.sum(called & (test.y == 0))) == expected["false_positives"]
    assert expected["accuracy"] > 0.92
    assert manifest.metrics["random_split"]["n_rows"] > 0


def test_one_record_is_answered_with_the_fields_of_the_contract(running, first_run):
    test = read_side(running.run_after(first_run, "split"), "test")
    record = dict(zip(NAMES, test.X[0].astype(int).tolist(), strict=True))
    answer = httpx.post(
        f"{running.settings.scorer_url}/predict", json={"record": record}, timeout=60
    ).json()

    assert {"prediction", "confidence", "probability", "model", "id"} <= set(answer)
    assert answer["model"] == {
        "pipeline": "sites",
        "version": in_production(running).version,
        "serial": in_production(running).serial,
    }


def test_a_demo_takes_what_is_up_to_date_and_asks_it(running, first_run, capsys):
    Demo(EmbeddedInstallation(running.stack, running.data_dir), ["sites"]).run()
    said = capsys.readouterr().out

    assert f"Model of sites: {in_production(running).version}, serial 1" in said
    assert " % likely to be phishing (decided by: model)" in said
    assert " the odds of phishing " in said
    assert running.settings.scorer_url in said
    assert running.stack.secrets.airflow_password in said
    assert "train_sites" not in said  # no run was triggered


def test_the_run_links_its_data_docs_to_those_who_may_see_them(running, first_run):
    docs = running.store.get(keys.docs_prefix("sites", first_run) + "index.html").decode()
    with running.rest() as rest:
        plugins = rest.get("/plugins").json()["plugins"]
        broken = rest.get("/plugins/importErrors").json()
    views = [view for plugin in plugins for view in plugin["external_views"]]

    assert "sites" in docs
    assert broken["total_entries"] == 0
    assert {view["destination"] for view in views} >= {"nav", "dag_run"}


def test_home_says_what_is_in_production_and_what_came_of_the_run(running, first_run):
    said = running.read("/home/").text
    pointer = in_production(running)
    code = show_status(EmbeddedInstallation(running.stack, None), Screen(), as_json=True)

    assert code == 0
    assert f"<code>{pointer.version}</code></a>, serial {pointer.serial}" in said
    assert f"serial {pointer.serial}, approved by the gate" in said
    assert f"sites: serial {pointer.serial} ({pointer.version})" in said
    assert "scheduler, DAG processor and triggerer have a heartbeat" in said
    assert "bad-ink" not in said


def test_the_approved_model_is_an_asset_others_can_follow(running, first_run):
    with running.rest() as rest:
        events = rest.get("/assets/events").json()["asset_events"]

    assert any(event["extra"].get("serial") == 1 for event in events)


@pytest.mark.heavy  # tests/integration/test_run_steps.py kills each step without Airflow
def test_every_task_killed_once_ends_with_the_same_digests_and_one_approval(running, first_run):
    before = manifest_of(running, in_production(running))
    killed = set()
    run_id = running.start_run()
    with running.rest() as rest:

        def kill(_=None):
            path = f"/dags/train_sites/dagRuns/{run_id}/taskInstances"
            for task in rest.get(path).json()["task_instances"]:
                name = (task["task_id"], task["map_index"])
                if task["state"] == "running" and task["pid"] and name not in killed:
                    try:
                        os.kill(task["pid"], signal.SIGKILL)
                    except ProcessLookupError:
                        continue
                    killed.add(name)

        state = running.finish(run_id, kill)

    assert state == "success", running.failures(run_id)
    after = manifest_of(running, in_production(running))
    assert {task for task, _ in killed} >= {
        "take_snapshot", "validate", "search", "choose", "evaluate", "package", "approve"
    }  # fmt: skip
    assert after.snapshot["digest"] == before.snapshot["digest"]
    assert after.files["model.onnx"] == before.files["model.onnx"]
    assert after.files["model.joblib"] == before.files["model.joblib"]
    history = list(read_history(running.store, "sites", running.approvers))
    assert [pointer.run_id for pointer in history] == [first_run, run_id]
    running.wait_for_serial(2)


def wait_until_noted(running, run_id, task):
    """Return once the scheduler says that the executor is done with a task."""
    log = running.settings.state_dir / "log" / "airflow-scheduler.log"
    noted = f"Finished: dag_id=train_sites, task_id={task.task_id}, run_id={run_id},"
    deadline = time.monotonic() + 600
    while noted not in log.read_text(errors="replace"):
        assert time.monotonic() < deadline, f"the scheduler's log does not say: {noted}"
        time.sleep(0.1)


def test_a_person_approves_or_rejects(running, first_run):
    serial = in_production(running).serial

    def answer(choice):
        run_id = running.start_run(approval="human")
        path = f"/dags/train_sites/dagRuns/{run_id}/taskInstances/wait_for_approval/-1/hitlDetails"

        def decide(task):
            if task.task_id == "wait_for_approval" and task.state == "awaiting_input":
                # As slowly as a person: an answer before the scheduler has noted that the worker
                # is free is taken by Airflow 3.3.2 for a task that ended without saying so.
                wait_until_noted(running, run_id, task)
                assert "Its run has been waiting for a person" in running.read("/models/sites").text
                with running.rest() as rest:
                    why = {"reason": f"a test of {choice}"}
                    chosen = {"chosen_options": [choice], "params_input": why}
                    assert rest.patch(path, json=chosen).status_code == 200

        return run_id, running.finish(run_id, decide)

    rejected, state = answer("Reject")
    assert state == "failed"
    said = "ApprovalRejectedError: sites: admin rejected "
    assert running.failures(rejected)["approve"].startswith(said)
    _, kept = rejections(running.store, "sites", rejected, running.trusted_keys.approvers)
    assert (kept.by, kept.reason) == ("admin", "a test of Reject")
    assert in_production(running).serial == serial

    approved, state = answer("Approve")
    assert state == "success", running.failures(approved)
    assert in_production(running).serial == serial + 1
    pointer = in_production(running)
    assert (pointer.approved_by, pointer.reason) == ("admin", "a test of Approve")


def test_what_was_rejected_or_left_out_is_kept_for_people(running, first_run):
    stored = running.store.get(keys.quarantine("sites", first_run))
    version = running.returned("train_sites", first_run, "package")["version"]
    checks = verify_chain(running.store, "sites", version, running.trusted_keys)

    assert "reasons" in pd.read_parquet(io.BytesIO(stored))
    assert [check for check in checks if not check.passed] == []


def test_an_old_run_cleared_after_a_newer_one_keeps_its_snapshot_and_the_newer_version(
    running, first_run
):
    before = in_production(running)
    digest = running.returned("train_sites", first_run, "take_snapshot")["digest"]
    tasks = ["take_snapshot", "how_to_approve", "wait_for_approval", "keep_newer", "approve"]
    asked = {"dag_run_id": first_run, "task_ids": [*tasks, "track"], "only_failed": False}
    with pymongo.MongoClient(running.stack.mongo.url) as mongo, running.rest() as rest:
        removed = mongo.phishing.sites.find_one_and_delete({})
        cleared = rest.post(
            "/dags/train_sites/clearTaskInstances", json={**asked, "dry_run": False}
        )
        state = running.finish(first_run)
        mongo.phishing.sites.insert_one(removed)

    assert cleared.status_code == 200, cleared.text
    assert state == "success", running.failures(first_run)
    assert running.returned("train_sites", first_run, "take_snapshot")["digest"] == digest
    states = running.states(first_run)
    assert (states["keep_newer"], states["approve"]) == ("success", "skipped")
    assert before.version in running.returned("train_sites", first_run, "keep_newer")["reason"]
    assert in_production(running) == before


def test_a_backfilled_run_is_evaluated_and_kept_but_never_replaces_a_newer_one(running, first_run):
    before = in_production(running)
    # The latest night that was due: after an earlier one, Airflow would start this one as well.
    hour = running.night_hour
    due = f"{datetime.now(UTC) - timedelta(hours=hour):%Y-%m-%d}T{hour:02d}:00:00Z"
    run = {"from_date": due, "to_date": due}
    how = {"dag_run_conf": {"effort": "quick"}, "max_active_runs": 1, "run_backwards": False}
    with running.rest() as rest:
        for _ in range(200):  # Airflow asks to come again while its SQLite is written to
            made = rest.post("/backfills", json={"dag_id": "train_sites", **run, **how})
            if made.status_code != 503:
                break
        assert made.status_code == 200, made.text
        (run,) = rest.get("/dags/train_sites/dagRuns?run_type=backfill").json()["dag_runs"]
    run_id = run["dag_run_id"]
    state = running.finish(run_id)
    version = running.returned("train_sites", run_id, "package")["version"]
    summary = running.returned("train_sites", run_id, "track")

    assert state == "success", running.failures(run_id)
    assert running.states(run_id)["keep_newer"] == "success"
    assert keys.version_time(version) == due.replace("-", "").replace(":", "")
    assert running.store.exists(keys.version_file("sites", version, keys.SIGNATURE))
    assert in_production(running) == before
    assert (summary["outcome"], summary["version"]) == ("superseded", version)
    assert summary["rows"] == summary["accepted"] + summary["quarantined"]
    assert summary["seconds"]["search"] > 0


def test_a_person_rolls_back_with_a_reason_and_scorers_follow(running, first_run):
    history = list(read_history(running.store, "sites", running.approvers))
    first, current = history[0], in_production(running)
    conf = {"pipeline": "sites", "version": first.version, "reason": "the new one flags our own"}
    running.airflow.unpause("approve_model")
    run_id = running.airflow.trigger("approve_model", conf)
    state = running.airflow.follow("approve_model", run_id, lambda task: None)
    pointer = in_production(running)

    assert state == "success"
    assert (pointer.version, pointer.serial) == (first.version, current.serial + 1)
    assert (pointer.approved_by, pointer.reason) == ("admin", conf["reason"])
    running.wait_for_serial(pointer.serial)


def test_a_reader_rolls_back_from_the_models_page_inside_the_ui(running, first_run):
    before = in_production(running)
    url, page = running.settings.airflow_url, "document.querySelector('iframe').contentDocument"
    with open_browser() as browser:
        cookie = {"name": "_token", "value": running.token(), "url": url}
        browser.page.context.add_cookies([cookie])
        browser.open(f"{url}/plugin/models")
        browser.wait_for("document.querySelector('iframe')")
        browser.wait_for(f"{page}?.querySelector('a.button[href$=change-production]')")
        browser.run(f"{page}.querySelector('a.button[href$=change-production]').click()")
        browser.wait_for(f"{page}?.querySelector('#approve:not([hidden])')")
        browser.run(f"{page}.getElementById('reason').value = 'a test of the page'; 0")
        browser.run(f"{page}.querySelector('#approve button').click()")
        browser.wait_for(f"{page}.querySelector('#said a')")
        run_id = browser.run(f"{page}.querySelector('#said a').textContent")
    state = running.airflow.follow("approve_model", run_id, lambda task: None)
    pointer = in_production(running)

    assert state == "success"
    assert (pointer.serial, pointer.version != before.version) == (before.serial + 1, True)
    assert (pointer.approved_by, pointer.reason) == ("admin", "a test of the page")


def test_pages_are_for_those_who_may_see_them(running, first_run):
    version = in_production(running).version
    pages = ("/models/sites", f"/models/sites/{version}", f"/models/sites/{version}/report.html")
    pages += ("/models/-/page.js", "/data-docs/", "/home/")
    conf = {"pipeline": "sites", "version": version, "reason": "not mine to give"}
    asked = {"logical_date": None, "conf": conf}
    path = f"{running.settings.airflow_url}/api/v2/dags/approve_model/dagRuns"
    viewer = {"Authorization": f"Bearer {running.token('viewer')}"}

    assert {running.read(page, token="").status_code for page in pages} == {401}
    assert {running.read(page, running.token(None)).status_code for page in pages} == {403}
    assert {running.read(page, running.token("viewer")).status_code for page in pages} == {200}
    assert httpx.post(path, json=asked, headers=viewer, timeout=60).status_code == 403


def test_a_version_that_does_not_exist_changes_nothing(running, first_run):
    before = in_production(running)
    conf = {"pipeline": "sites", "version": "20200101T000000Z-00000000", "reason": "a slip"}
    running.airflow.unpause("approve_model")
    run_id = running.airflow.trigger("approve_model", conf)
    state = running.airflow.follow("approve_model", run_id, lambda task: None)
    (task,) = running.airflow.tasks("approve_model", run_id)

    assert state == "failed"
    assert "there is no version" in running.airflow.reason("approve_model", run_id, task)
    assert in_production(running) == before


def test_a_dag_that_follows_the_approved_model_hears_of_every_version(running, first_run):
    history = list(read_history(running.store, "sites", running.approvers))
    expected = {(pointer.serial, pointer.version, "sites") for pointer in history}
    deadline = time.monotonic() + 600
    while (heard := received_events(running)) != expected:
        assert time.monotonic() < deadline, (heard, expected)
        time.sleep(0.5)


def test_mlflow_knows_how_every_run_ended_and_what_is_in_production(running, first_run):
    pointer = in_production(running)
    deadline = time.monotonic() + 600
    while has_unsent(running.store, "sites", pointer):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    with running.rest() as rest:
        runs = rest.get("/dags/train_sites/dagRuns").json()["dag_runs"]
    client = MlflowClient(running.settings.mlflow_url)
    experiment = client.get_experiment_by_name(experiment_name("sites"))
    sent = {
        run.data.tags["dag_run_id"]: run.data.tags["outcome"]
        for run in client.search_runs([experiment.experiment_id])
        if "mlflow.parentRunId" not in run.data.tags
    }
    champion = client.get_model_version_by_alias(model_name("sites"), "champion")

    ended = {run["dag_run_id"]: run["state"] for run in runs}
    superseded = {run for run in ended if running.states(run)["keep_newer"] == "success"}

    assert len(superseded) == 2
    assert sent == {
        run: "superseded" if run in superseded else "approved" if state == "success" else "rejected"
        for run, state in ended.items()
    }
    assert champion.tags["version"] == pointer.version
    assert champion.tags["serial"] == str(pointer.serial)


def test_lineage_leads_from_the_collection_to_the_version(running, first_run):
    manifest = manifest_of(running, in_production(running))
    text = (running.settings.state_dir / "airflow" / "lineage.jsonl").read_text()
    whole_lines = text[: text.rfind("\n") + 1].splitlines()  # one may be on its way
    steps = {
        (read["name"], written["name"])
        for event in map(json.loads, whole_lines)
        for read in event["inputs"]
        for written in event["outputs"]
    }
    snapshot = keys.snapshot_prefix("sites", manifest.snapshot["digest"]).rstrip("/")
    version = keys.version_prefix("sites", manifest.version).rstrip("/")

    assert {("phishing.sites", snapshot), (snapshot, version)} <= steps
    assert running.stack.secrets.s3_secret_key not in text
    assert running.stack.secrets.airflow_password not in text


def test_programs_are_told_of_every_decision(running, first_run):
    history = list(read_history(running.store, "sites", running.approvers))
    running.events.wait_for(f"-{history[-1].serial}-{history[-1].version}")
    sent = {
        event["data"]["serial"]: event["type"].rpartition(".")[2]
        for event in running.events.with_words('"serial"')
    }
    expected = {history[0].serial: "promoted"}
    for before, after in pairwise(history):
        expected[after.serial] = "rolled_back" if after.version < before.version else "promoted"
    rejected = running.events.wait_for("com.nightcatch.model.rejected")

    assert sent == expected
    assert "rolled_back" in sent.values()
    assert rejected["data"]["reasons"] == ["admin: a test of Reject"]


def test_people_are_told_of_a_failed_run_and_not_of_their_own_no(running, first_run):
    text = running.alerts.wait_for("Run failed: approve_model")["text"]

    assert "there is no version" in text
    assert running.alerts.with_words("Run failed: train_sites") == []


def test_a_scorer_that_serves_what_is_in_production_is_no_alert(running, first_run):
    served = served_by(running.settings.scorer_url)

    assert served.serials == {"sites": in_production(running).serial}
    assert running.alerts.with_words("Scorer stale") == []


def test_too_many_bad_records_train_nothing_and_are_told(running, first_run):
    with pymongo.MongoClient(running.stack.mongo.url) as mongo:
        sites = mongo.phishing.sites
        some = sites.find().limit(sites.count_documents({}) // 10)
        bad = [{**row, "_id": f"bad-{n}", "SSLfinal_State": 7} for n, row in enumerate(some)]
        sites.insert_many(bad)
        try:
            run_id = running.start_run()
            state = running.finish(run_id)
        finally:
            sites.delete_many({"_id": {"$in": [row["_id"] for row in bad]}})
    text = running.alerts.wait_for("Quarantine above limit: sites")["text"]

    assert state == "failed"
    said = running.read("/home/").text
    assert f"failed in validate: {running.failures(run_id)['validate']}"[:60] in said
    assert f"{len(bad)} of " in text
    assert "at most 5.00% may" in text
    assert text.endswith("What to do: docs/runbook.md#quarantine-above-limit")
    assert running.alerts.with_words("Run failed", run_id) == []


def test_no_log_holds_the_address_of_a_webhook(running, first_run):
    logs = [path for path in running.settings.state_dir.rglob("*.log") if path.is_file()]
    texts = [path.read_text(errors="replace") for path in logs]

    assert any("ALERT Run failed: approve_model" in text for text in texts)
    assert not any("T0B0SECRET" in text for text in texts)
