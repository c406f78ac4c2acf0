"""The whole embedded stack, as `./nightcatch up` starts it, on free ports and in a tmp dir."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jwt
import pymongo
import pytest

from include import pipelines
from include.cli.airflow_api import AirflowApi
from include.contract.run_steps import steps_from_json
from include.contract.signature import load_public_key
from include.ingest.load import load_dataset
from include.run.run_context import RunContext
from include.stack.bucket import trusted_keys_of
from include.stack.ports import pick_port
from include.stack.settings import StackSettings
from include.stack.stack import Stack
from include.stores.objects import ObjectStore
from tests.support.receivers import http_receiver
from tests.support.scorer_process import serials_of

ROOT = Path(__file__).resolve().parents[2]
# A DAG of somebody else, who follows the approved model.
FOLLOWER = """
from airflow.sdk import Asset, dag, task


@dag(
    schedule=Asset(name="approved_model_sites", uri="s3://nightcatch/models/sites/approved.json"),
    is_paused_upon_creation=False,
)
def follow_model():
    @task
    def received(triggering_asset_events=None):
        return [event.extra for events in triggering_asset_events.values() for event in events]

    received()


follow_model()
"""
FAMILIES = {"sites": ["HistGradientBoosting"], "urls": ["LinearText"]}
BEHIND_S3 = [0, 1, 2, 3, 4, 10_000, 10_001, 10_002, 10_003, 10_004]


class RunningStack:
    """A started stack and what tests ask of it."""

    def __init__(self, stack: Stack, alerts, events, night_hour, data_dir) -> None:
        self.stack = stack
        self.data_dir = data_dir
        self.night_hour = night_hour
        self.alerts = alerts
        self.events = events
        self.settings = stack.settings
        self.airflow = AirflowApi(
            self.settings.airflow_url, "admin", stack.secrets.airflow_password
        )
        self.store = ObjectStore(stack.s3.client(), self.settings.bucket)

    @property
    def approvers(self):
        return (load_public_key(self.stack.secrets.approver_public_key.read_bytes()),)

    @property
    def trusted_keys(self):
        return trusted_keys_of(self.stack)

    def token(self, role="admin"):
        """What says to Airflow that somebody of that role has logged in."""
        login = {"username": "admin", "password": self.stack.secrets.airflow_password}
        url = f"{self.settings.airflow_url}/auth/token"
        token = httpx.post(url, json=login, timeout=120).json()["access_token"]
        if role == "admin":
            return token
        claims = jwt.decode(token, options={"verify_signature": False})
        algorithm = jwt.get_unverified_header(token)["alg"]
        secret = self.stack.secrets.airflow_jwt_secret
        return jwt.encode({**claims, "sub": "vic", "role": role}, secret, algorithm=algorithm)

    def rest(self):
        """A client of Airflow's REST API, logged in."""
        headers = {"Authorization": f"Bearer {self.token()}"}
        url = f"{self.settings.airflow_url}/api/v2"
        return httpx.Client(base_url=url, headers=headers, timeout=120)

    def read(self, path, token=None):
        """The answer to whoever has that token: of the administrator if none is given."""
        token = self.token() if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.get(self.settings.airflow_url + path, headers=headers, timeout=120)

    def start_run(self, **params):
        self.airflow.unpause("train_sites")
        return self.airflow.trigger("train_sites", {"effort": "quick", **params})

    def finish(self, run_id, on_change=lambda task: None):
        return self.airflow.follow("train_sites", run_id, on_change)

    def failures(self, run_id):
        """Name and reason of each failed task of a run."""
        return {
            task.name: self.airflow.reason("train_sites", run_id, task)
            for task in self.airflow.tasks("train_sites", run_id)
            if task.state == "failed"
        }

    def returned(self, dag_id, run_id, task_id):
        """What a task returned, as the XCom tab shows it."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        with self.rest() as rest:
            return rest.get(path, params={"deserialize": True}).json()["value"]

    def run_after(self, run_id, task_id):
        """A run as one of its tasks left it."""
        steps = self.returned("train_sites", run_id, task_id)["steps"]
        return RunContext(self.store, pipelines.get("sites"), run_id, steps_from_json(steps))

    def states(self, run_id):
        """State of each task of a training run that is not mapped."""
        found = self.airflow.tasks("train_sites", run_id)
        return {task.task_id: task.state for task in found if task.map_index < 0}

    def wait_for_serial(self, serial):
        """Return when every worker of the scorer answers from that serial."""
        deadline = time.monotonic() + 600
        while (seen := serials_of(self.stack.scorer)) != {serial}:
            assert time.monotonic() < deadline, f"the scorer answers from {seen}, not {serial}"
            time.sleep(0.2)


@pytest.fixture(scope="module")
def receivers():
    """A webhook that is told of alerts, and a receiver of events, at addresses with a secret."""
    with http_receiver("/hook/T0B0SECRET") as alerts, http_receiver("/T0B0SECRET") as events:
        yield alerts, events


def quick_training(schedule):
    """The code of the training DAG with another schedule, and one family to search for each."""
    code = (ROOT / "dags" / "train.py").read_text()
    families = "training.family_names(run_after(pipeline_name, parted), training_options())"
    for part, other in (('"0 2 * * *"', schedule), (families, f"{FAMILIES}[pipeline_name]")):
        assert part in code
        code = code.replace(part, other)
    return code


@pytest.fixture(scope="module")
def running(request, tmp_path_factory, receivers):
    """The stack with the real records where there are any, else with simulated ones.

    A module may say where its runs are tracked (`MLFLOW_URL`), then no MLflow is started.
    """
    names = ("mongo_port", "airflow_port", "scorer_port", "mlflow_port")
    ports = {name: pick_port() for name in names}
    state_dir = tmp_path_factory.mktemp("loop")
    tracked_at = getattr(request.module, "MLFLOW_URL", None)
    settings = StackSettings(
        root=ROOT,
        state_dir=state_dir,
        s3_port=pick_port(BEHIND_S3),
        mlflow_elsewhere=tracked_at,
        **ports,
    )
    dags_dir = state_dir / "dags"
    dags_dir.mkdir()
    for file in (ROOT / "dags").iterdir():
        if file.is_file() and file.name != "train.py":
            (dags_dir / file.name).symlink_to(file)
    # No run begins by itself while the tests run, whatever the time of day.
    night_hour = (datetime.now(UTC) + timedelta(hours=12)).hour
    (dags_dir / "train.py").write_text(quick_training(f'"0 {night_hour} * * *"'))
    for beside_it in ("gx", "requirements.txt"):
        (state_dir / beside_it).symlink_to(ROOT / beside_it)
    (dags_dir / "follow_model.py").write_text(FOLLOWER)
    alerts, events = receivers
    sent = {"NIGHTCATCH_ALERTS_WEBHOOK_URL": alerts.url, "NIGHTCATCH_EVENTS_URL": events.url}
    stack = Stack(settings, {**os.environ, **sent, "NIGHTCATCH_POLL_INTERVAL_S": "1"}, dags_dir)
    beside = ROOT.parent / "shared" / "data"
    data_dir = Path(os.environ.get("NIGHTCATCH_DATA_DIR", beside))
    real = data_dir.is_dir()
    try:
        with (
            stack.starting(lambda *_: None) as startups,
            pymongo.MongoClient(stack.mongo.url) as mongo,
        ):
            startups["mongo"].wait()
            load_dataset(
                mongo.phishing.sites,
                pipelines.get("sites"),
                simulated=not real,
                data_dir=data_dir if real else None,
                cache_dir=state_dir,
            )
        yield RunningStack(stack, alerts, events, night_hour, data_dir if real else None)
    finally:
        stack.stop_started()
