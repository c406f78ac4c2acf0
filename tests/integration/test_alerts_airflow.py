"""Alerts of a real Airflow: runs that fail for each reason, a late one, and the DAG that watches.

The small DAGs have the names, callbacks and documents of the real ones, and no records;
`watch_models`, `watch_traffic`, `watch_release` and `collect_labels` are the real ones, but run
only when a test says so.
"""

import json
import os
import secrets
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import jwt
import pymongo
import pytest
import requests

from dags.support.schedules import trained_at
from include import pipelines
from include.cli.airflow_api import AirflowApi
from include.contract import keys
from include.contract.signature import load_private_key
from include.inference.prediction_ids import day_of, new_id
from include.registry.approve import approve, production_pointer
from include.stack.airflow import AirflowServer
from include.stack.environment import airflow_environment
from include.stack.keys import ensure_secrets
from include.stack.ports import pick_port
from include.stack.settings import StackSettings
from include.stores.objects import ObjectStore
from tests.support.feed_server import HTML, FeedServer
from tests.support.receivers import http_receiver
from tests.support.signed_versions import (
    Signer,
    Version,
    promote,
    publish,
    request,
    url_version,
    version_name,
)
from tests.support.traffic_days import Watched
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
SECRET = "T0B0XXSECRET"
VERSION = version_name(9)
DAGS = """
import time
from dataclasses import asdict
from airflow.sdk import CronTriggerTimetable, Param, dag, get_current_context, task
from dags.support.callbacks import run_deadline, notify_failed_training, notify_failed_run
from dags.support.connections import DEFAULT_ARGS
from dags.support.handover import run_after as run_of
from dags.support.schedules import training_schedule
from include import pipelines
from include.errors import DataRejectedError, GateRejectedError

ARGS = {**DEFAULT_ARGS, "retries": 0}


@dag(
    dag_id="train_sites",
    params={"fails_in": Param("", type="string")},
    default_args=ARGS,
    on_failure_callback=notify_failed_training("sites"),
    deadline=run_deadline("sites"),
)
def train_sites():
    def fails_in(name):
        return get_current_context()["params"]["fails_in"] == name

    @task
    def search(family):
        if fails_in("search"):
            raise RuntimeError("password=hunter2")

    @task
    def gate():
        if not fails_in("gate"):
            return
        from include.contract.run_documents import (
            DriftSummary, GateVerdict, GateVerdicts, PackagedVersion,
        )
        from include.evaluation.gate.rules import _drift
        from include.evaluation.gate.rule_results import at_least
        from include.validation.drift import ColumnDrift, DriftLimits, DriftOutcome

        run, columns = run_of("sites"), (ColumnDrift("SSLfinal_State", 1.25, 2.5),)
        drift = DriftOutcome("VERSION", columns, DriftLimits(), (), None)
        verdicts = [
            at_least("accuracy", "accuracy", 0.8, 0.92),
            at_least("roc_auc", "ROC AUC", 0.99, 0.97),
            _drift(drift.to_dict(), False),
        ]
        with run.step("gate"):
            run.write(
                DriftSummary(
                    "VERSION", tuple(map(asdict, columns)), asdict(drift.limits), 1.25, 2.5,
                    (), drift.blocked, (),
                )
            )
            run.write(PackagedVersion("VERSION", "", 0))
            run.write(GateVerdicts(tuple(GateVerdict(**asdict(each)) for each in verdicts)))
        raise GateRejectedError("sites: not good enough")

    @task
    def linger():
        run = run_of("sites")
        while fails_in("nothing, and takes long"):
            with run.step("evaluate"):
                run.write_bytes("evaluation.json", b"{}", "application/json")
            time.sleep(0.2)
            if run.store.exists(run.key("enough.json")):
                return

    search.expand(family=["a", "b"]) >> gate() >> linger()


@dag(dag_id="other", default_args=ARGS, on_failure_callback=notify_failed_run)
def other():
    @task
    def load():
        raise DataRejectedError("other: 3 of 4 lines hold no record")

    load()


@dag(
    dag_id="follows_labels",
    schedule=training_schedule(
        pipelines.get("urls"), CronTriggerTimetable("0 0 29 2 *", timezone="UTC")
    ),
    is_paused_upon_creation=False,
)
def follows_labels():
    @task
    def train():
        return get_current_context()["dag_run"].run_type

    train()


train_sites()
other()
follows_labels()
""".replace("VERSION", VERSION)
FEEDS = """
min_new = 3
retrain_after_h = HOURS

[feeds.partner]
address = "URL/partner.txt"
format = "list"
label = "phishing"
licence = "contract"
terms = "none"
seen = "here"
enabled = true
allow_private = true

[feeds.poisoned]
address = "URL/poisoned.txt"
format = "list"
label = "phishing"
licence = "contract"
terms = "none"
seen = "here"
enabled = true
allow_private = true
"""


def declared_feeds(url):
    """The feeds; training follows them as often as the time since the nightly one allows."""
    hours = (datetime.now(UTC) - trained_at(datetime.now(UTC))).total_seconds() / 3600
    return FEEDS.replace("URL", url).replace("HOURS", str(max(hours / 2, 0.001)))


@pytest.fixture(scope="module")
def feeds():
    server = FeedServer()
    server.contents["/partner.txt"] = (
        b"http://a.example/1\nhttp://b.example/1\nhttp://c.example/1\nhttps://www.paypal.com/x\n"
    )
    server.contents["/poisoned.txt"] = HTML
    yield server
    server.close()


@pytest.fixture(scope="module")
def records(mongo_url):
    with pymongo.MongoClient(mongo_url, tz_aware=True) as client:
        database = client[f"airflow_{secrets.token_hex(6)}"]
        yield database
        client.drop_database(database)


def root_with_feeds(folder, text):
    """The checkout with other feeds, in which a release is taken back."""
    folder.mkdir()
    for path in ROOT.iterdir():
        if path.name != "include":
            (folder / path.name).symlink_to(path)
    shutil.copytree(ROOT / "include", folder / "include", copy_function=os.symlink)
    declared = folder / "include/pipelines/urls/feeds.toml"
    declared.unlink()
    declared.write_text(text)
    released = declared.with_name("release.toml")
    released.unlink()
    released.write_text('mode = "act"')
    return folder


@pytest.fixture(scope="module")
def hook():
    with http_receiver(f"/services/{SECRET}") as posts:
        yield posts


@pytest.fixture(scope="module")
def events():
    with http_receiver(f"/events/{SECRET}") as posts:
        yield posts


class Running:
    """A real Airflow whose alerts and events go to the test."""

    def __init__(self, settings, made, store, signers):
        self.home = settings.state_dir / "airflow"
        self.url = settings.airflow_url
        self.api = AirflowApi(settings.airflow_url, "admin", made.airflow_password)
        self.jwt_secret = made.airflow_jwt_secret
        self.store = store
        self.signers = signers

    def start_run(self, dag_id="train_sites", **params):
        self.api.unpause(dag_id)
        return self.api.trigger(dag_id, params)

    def finish(self, dag_id, run_id):
        return self.api.follow(dag_id, run_id, lambda task: None)

    def failures(self, dag_id, run_id):
        tasks = [task for task in self.api.tasks(dag_id, run_id) if task.state == "failed"]
        return {task.name: self.api.reason(dag_id, run_id, task) for task in tasks}

    def run(self, dag_id="train_sites", **params):
        run_id = self.start_run(dag_id, **params)
        return run_id, self.finish(dag_id, run_id)

    def states(self, dag_id, run_id):
        found = self._of_run(dag_id, run_id, "taskInstances")["task_instances"]
        return {(each["task_id"], each["map_index"]): each["state"] for each in found}

    def links(self, dag_id, run_id, task_id, map_index):
        path = f"taskInstances/{task_id}/links?map_index={map_index}"
        return self._of_run(dag_id, run_id, path)["extra_links"]

    def page(self, path, *, logged_in=True):
        token = self.api._log_in() if logged_in else ""
        headers = {"Authorization": f"Bearer {token}"} if logged_in else {}
        answer = requests.get(self.url + path, headers=headers, timeout=120)
        return answer.status_code, answer.text

    def post(self, path, body, role="admin"):
        """Send what the Labels page sends, as somebody of that role."""
        token = self.api._log_in()
        algorithm = jwt.get_unverified_header(token)["alg"]
        claims = jwt.decode(token, options={"verify_signature": False}) | {"role": role}
        headers = {
            "Authorization": f"Bearer {jwt.encode(claims, self.jwt_secret, algorithm=algorithm)}",
            "X-NightCatch": "labels",
        }
        return requests.post(self.url + path, json=body, headers=headers, timeout=120)

    def runs(self, dag_id):
        return self.api._request("GET", f"/dags/{dag_id}/dagRuns")[1]["dag_runs"]

    def _of_run(self, dag_id, run_id, path):
        run = f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}"
        return self.api._request("GET", f"{run}/{path}")[1]

    def logs(self):
        files = [path for path in self.home.parent.rglob("*.log") if path.is_file()]
        return "".join(path.read_text(errors="replace") for path in files)


@pytest.fixture(scope="module")
def own_bucket(s3):
    name, client = f"test-{secrets.token_hex(6)}", s3.client()
    client.create_bucket(Bucket=name)
    store = ObjectStore(client, name)
    yield store
    for key in list(store.keys_under("")):
        store.delete(key)
    client.delete_bucket(Bucket=name)


@pytest.fixture(scope="module")
def airflow(tmp_path_factory, s3, own_bucket, hook, events, feeds, records, mongo_url):
    state_dir = tmp_path_factory.mktemp("alerts")
    settings = StackSettings(
        root=root_with_feeds(state_dir / "root", declared_feeds(feeds.url)),
        state_dir=state_dir,
        airflow_port=pick_port(),
        mlflow_elsewhere="",
        bucket=own_bucket.bucket,
    )
    made, dags_dir = ensure_secrets(settings.secrets_dir), state_dir / "dags"
    dags_dir.mkdir()
    (dags_dir / "small.py").write_text(DAGS)
    for name, schedule in (
        ("watch_models", "*/15 * * * *"),
        ("watch_traffic", "0 1 * * *"),
        ("watch_release", "*/15 * * * *"),
        ("collect_labels", "10 * * * *"),
    ):
        code = (ROOT / f"dags/{name}.py").read_text()
        assert f'"{schedule}"' in code
        (dags_dir / f"{name}.py").write_text(code.replace(f'"{schedule}"', '"0 0 29 2 *"'))
    login = {"login": s3.access_key, "password": s3.secret_key}
    extra = {"endpoint_url": s3.endpoint_url, "region_name": "us-east-1"}
    mongo = mongo_url.replace("mongodb://", "mongo://").replace("/?", f"/{records.name}?")
    env = {
        **airflow_environment(settings, made, os.environ, dags_dir),
        "AIRFLOW_CONN_NIGHTCATCH_S3": json.dumps({"conn_type": "aws", **login, "extra": extra}),
        "AIRFLOW_CONN_NIGHTCATCH_MONGO_LOADER": mongo,
        "NIGHTCATCH_ALERTS_WEBHOOK_URL": hook.url,
        "NIGHTCATCH_ALERTS_SCORER_URLS": f"http://127.0.0.1:{pick_port()}",
        "NIGHTCATCH_ALERTS_MODEL_AGE_DAYS": "0.000001",
        "NIGHTCATCH_ALERTS_LATE_AFTER_MIN": "0.2",
        "NIGHTCATCH_EVENTS_URL": events.url,
    }
    server = AirflowServer(state_dir, settings.airflow_port, env)
    server.start()
    signers = [
        Signer(path, load_private_key(path.read_bytes()))
        for path in (made.trainer_key, made.approver_key)
    ]
    try:
        yield Running(settings, made, own_bucket, signers)
    finally:
        server.kill()


def test_a_failed_run_is_told_with_task_reason_run_and_runbook(airflow, hook):
    run_id, state = airflow.run("other")
    lines = hook.wait_for("Run failed: other")["text"].splitlines()

    assert state == "failed"
    assert lines[0] == "*Run failed: other*"
    reason = "load (DataRejectedError: other: 3 of 4 lines hold no record)"
    assert lines[1] == f"Run {run_id} failed in {reason}."
    assert lines[2].endswith(f"/dags/other/runs/{quote(run_id, safe='')}")
    assert lines[3] == "What to do: docs/runbook.md#run-failed"


def test_a_failed_run_names_each_task_and_no_words_of_a_foreign_error(airflow, hook):
    run_id, state = airflow.run(fails_in="search")
    text = hook.wait_for("Run failed: train_sites", run_id)["text"]

    assert state == "failed"
    assert "failed in search_0 (RuntimeError), search_1 (RuntimeError)." in text
    assert "hunter2" not in text


def test_what_the_gate_rejected_is_told_by_its_causes_and_as_an_event(airflow, hook, events):
    run_id, state = airflow.run(fails_in="gate")
    rejected = events.wait_for("rejected", run_id)
    gate = hook.wait_for("Gate rejected: sites", VERSION)["text"]
    drift = hook.wait_for("Drift above limit: sites", VERSION)["text"]

    assert state == "failed"
    assert "1 of 3 rules rejected" in gate
    assert "accuracy 0.8, below the required 0.92" in gate
    assert "SSLfinal_State by 1.25" in drift
    assert hook.with_words("Run failed", run_id) == []
    assert rejected["type"] == "com.nightcatch.model.rejected"
    assert rejected["subject"] == VERSION
    assert len(rejected["data"]["reasons"]) == 2


def test_a_late_run_is_told_once_and_goes_on(airflow, hook):
    run_id = airflow.start_run(fails_in="nothing, and takes long")
    text = hook.wait_for("Run late: train_sites", run_id)["text"]
    airflow.store.put(keys.run_file("sites", run_id, "enough.json"), b"{}")

    assert airflow.finish("train_sites", run_id) == "success"
    assert "minutes after it was queued; it " in text
    assert len(hook.with_words("Run late", run_id)) == 1


def test_the_dag_that_watches_tells_of_models_scorers_and_decisions(airflow, hook, events):
    promote(airflow.store, Version(VERSION), *airflow.signers)
    watched, state = airflow.run("watch_models")

    assert state == "success", airflow.failures("watch_models", watched)
    assert VERSION in hook.wait_for("Model old: sites")["text"]
    assert "ConnectionRefusedError" in hook.wait_for("Scorer stale: 127.0.0.1")["text"]
    assert events.wait_for("promoted")["data"]["serial"] == 1


def test_a_webhook_that_is_down_fails_nothing_and_is_told_later_and_nothing_twice(
    airflow, hook, events
):
    hook.status = 503
    run_id, state = airflow.run("other")
    hook.wait_for("Run failed: other", run_id)
    wait_until(lambda: list(airflow.store.keys_under(keys.unsent_prefix("webhook"))))
    hook.status = 200
    before = len(events.got)
    watched, state_of_watch = airflow.run("watch_models")

    assert state == "failed"
    assert state_of_watch == "success", airflow.failures("watch_models", watched)
    assert len(hook.with_words("Run failed: other", run_id)) == 2
    assert list(airflow.store.keys_under(keys.unsent_prefix("webhook"))) == []
    assert len(hook.with_words("Model old: sites")) == 1
    assert len(events.got) == before


def test_a_day_that_breaks_a_promise_is_told_once_and_trained_for_once_and_during_no_run(
    airflow, hook, tmp_path
):
    day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    site = Watched(airflow.store, pipelines.get("sites"), *airflow.signers, tmp_path)
    site.promote(10, approved_at=f"{day}T00:00:00+00:00")
    record = {field.name: 1 for field in site.pipeline.inputs}
    ids = site.score([{**record, "URL_Length": n} for n in range(60)], [0.9] * 60, day=day)
    site.feed_back([(name, "Legitimate") for name in ids], day=day)
    asked = {"pipeline": "sites", "day": day, "retrain": True}

    run = airflow.start_run(fails_in="nothing, and takes long")
    during, _ = airflow.run("watch_traffic", **asked)
    airflow.store.put(keys.run_file("sites", run, "enough.json"), b"{}")
    airflow.finish("train_sites", run)
    after, state = airflow.run("watch_traffic", **asked)
    again, _ = airflow.run("watch_traffic", **asked)

    assert state == "success", airflow.failures("watch_traffic", after)
    retrained = {run: airflow.states("watch_traffic", run)["retrain", 0] for run in (during, after)}
    assert retrained == {during: "skipped", after: "success"}
    assert airflow.states("watch_traffic", again) == {
        ("look", 0): "success",
        ("notify", 0): "success",
        ("retrain", 0): "skipped",
        **{(task, 1): "skipped" for task in ("look", "notify", "retrain")},
    }
    assert airflow.finish("train_sites", f"traffic__{day}") == "success"
    (sent,) = hook.with_words("Quality below baseline: sites")
    assert "on 60 labelled legitimate items" in sent["text"]
    assert f"/models/sites/traffic/{day}" in sent["text"]
    (link,) = airflow.links("watch_traffic", after, "look", 0).items()
    assert link == ("Traffic", f"/models/sites/traffic/{day}")
    assert [airflow.page(link[1], **who)[0] for who in ({}, {"logged_in": False})] == [200, 401]
    assert f"Traffic of sites on {day}" in airflow.page(link[1])[1]


def test_feeds_that_are_due_land_and_one_that_is_poisoned_is_told(airflow, hook, records):
    run_id, state = airflow.run("collect_labels")

    assert state == "success", airflow.failures("collect_labels", run_id)
    states = airflow.states("collect_labels", run_id)
    assert states.pop(("announce_sites", -1)) == "skipped"
    assert set(states.values()) == {"success"}
    landed = records["urls"].find({}, {"url": 1, "_id": 0}).sort("url", 1)
    assert [each["url"] for each in landed] == [f"http://{name}.example/1" for name in "abc"]
    held = {
        each["feed"]: each["kind"] for each in records["held_labels"].find({"pipeline": "urls"})
    }
    assert held == {"partner": "record", "poisoned": "pull"}
    told = hook.wait_for("Feed unhealthy: urls poisoned")["text"]
    assert f"{airflow.url}/dags/collect_labels" in told
    events = airflow.api._request("GET", f"/assets/events?source_run_id={quote(run_id)}")[1]
    assert [each["extra"]["n_new"] for each in events["asset_events"]] == [3]
    runs = wait_until(lambda: airflow.runs("follows_labels"))
    assert [each["run_type"] for each in runs] == ["asset_triggered"]


def test_who_may_trigger_the_collection_decides_on_the_labels_page(airflow, records):
    held = {"_id": "urls/abc", "pipeline": "urls", "kind": "record", "feed": "partner"}
    held |= {"state": "waiting", "reason": "doubtful", "held_at": datetime.now(UTC)}
    record = {"_id": "abc", "url": "http://held.example/", "label": 1, "source": "partner"}
    reporter = {"name": "partner", "licence": "contract", "label": "phishing"}
    reporter |= {"valid_for": 86_400.0, "since": "first_seen"}
    records["held_labels"].insert_one({**held, "record": record, "reporter": reporter})
    body = {"id": "urls/abc", "verdict": "confirm", "reason": "looked at it", "seen": "waiting"}

    status, page = airflow.page("/labels/urls?entry=urls/abc")
    assert (status, airflow.page("/labels/urls", logged_in=False)[0]) == (200, 401)
    assert "<strong>held.example</strong>" in page and "data-verdict" in page
    assert airflow.post("/labels/urls/decide", body, role="viewer").status_code == 403
    answer = airflow.post("/labels/urls/decide", body)
    assert answer.json() == {"id": "urls/abc", "state": "confirmed"}
    assert records["urls"].find_one({"_id": "abc"})["reviewed_by"] == "admin"


def test_a_release_that_doubles_alerts_is_taken_back_and_told(airflow, hook, events, tmp_path):
    trainer, approver = airflow.signers
    urls = [f"http://site{number}.example/" for number in range(300)]
    approved_at = (datetime.now(UTC) - timedelta(minutes=10)).isoformat(timespec="seconds")
    for number, flagged in ((1, urls[:150]), (2, urls)):
        publish(airflow.store, url_version(number, flagged), trainer)
        asked = request(version_name(number), run_id=f"run-{number}", pipeline="urls")
        asked = replace(asked, approved_at=approved_at)
        pointer = approve(airflow.store, asked, approver.key, approver.trusted)
    traffic = Watched(
        *(airflow.store, pipelines.get("urls"), trainer, approver, tmp_path),
        pointer=pointer,
        manifest=url_version(2, urls).manifest(),
    )
    ids = [new_id("urls") for _ in urls]
    traffic.score([{"url": url} for url in urls], [0.9] * 300, day=day_of(ids[0]), ids=ids)
    airflow.api.unpause("watch_models")  # the rollback starts it, and it sends the event
    runs = [airflow.run("watch_release")[0] for _ in range(2)]

    # Other tests leave versions of `sites` that cannot be loaded; `urls` is watched all the same.
    at = list(pipelines.names()).index("urls")
    states = [airflow.states("watch_release", run)["watch", at] for run in runs]
    assert states == ["success"] * 2, airflow.failures("watch_release", runs[0])
    taken_back = events.wait_for("rolled_back", version_name(1))["data"]
    assert taken_back["serial"] == 3
    assert "300 in place of 150" in taken_back["reason"]
    (told,) = hook.with_words("Release taken back: urls")
    assert "/models/urls" in told["text"]
    current = production_pointer(airflow.store, "urls", approver.trusted)
    assert (current.serial, current.approved_by) == (3, "watch_release")


def test_no_log_of_any_process_holds_the_secret_of_an_address(airflow):
    logs = airflow.logs()

    assert "ALERT Run failed: other" in logs
    assert "webhook did not receive run_failed.other" in logs
    assert "127.0.0.1 responded 503" in logs
    assert SECRET not in logs
