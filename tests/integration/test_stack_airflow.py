"""A real Airflow with small DAGs: a run followed, a failure explained, a stop without rest."""

import json
import os
import socket
import sqlite3
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psutil
import pytest

from dags.support.connections import POOL, POOL_SLOTS
from include.cli.airflow_api import AirflowApi
from include.cli.commands.training_run import follow, trigger
from include.cli.screen import Screen
from include.errors import DagRunError, PortTakenError
from include.stack.airflow import AirflowServer
from include.stack.environment import airflow_environment
from include.stack.keys import Secrets, ensure_secrets
from include.stack.ports import pick_port, port_is_free
from include.stack.settings import StackSettings
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
DAGS = """
from airflow.sdk import Param, dag, get_current_context, task
from dags.support.connections import POOL
from dags.support.connections import DEFAULT_ARGS
from dags.support.links import MlflowLink, show_link, with_links
from dags.support.notes import note
from dags.support.tracking import track
from include.errors import DataRejectedError


@dag(dag_id="good", params={"seed": Param(0, type="integer")})
def good():
    @task
    def grow(x: int) -> int:
        note(f"{x} became {x + 1}")
        return x + 1

    grow.expand(x=[1, 2])


@dag(dag_id="bad", default_args=DEFAULT_ARGS)
def bad():
    @task
    def reject() -> None:
        raise DataRejectedError("sites: 3 of 4 rows lack SSLfinal_State\\nsecond line")

    reject() >> track("sites")


@dag(dag_id="train_small")
def pooled():
    @task
    def heavy() -> str:
        return "done"

    @task
    def search(family: str) -> None:
        show_link(get_current_context(), MlflowLink())

    plain = heavy.override(pool=POOL, pool_slots=3)()
    mapped = search.expand(family=["a", "b"])
    with_links(MlflowLink(), plain, mapped)


good()
bad()
pooled()
"""
ASKS = """
from datetime import timedelta
from airflow.sdk import dag, get_current_context, task
from dags.support.approval import REQUEST, request_approval

@dag(dag_id="asks")
def asks():
    @task
    def package() -> dict:
        return {"version": "20261121T020513Z-3f9a1c2b"}

    @task
    def how_to_approve() -> None:
        get_current_context()["ti"].xcom_push(key=REQUEST, value="95.3 % | 94.1 %")

    @task(trigger_rule="none_failed_min_one_success")
    def approve() -> None:
        pass

    waiting = request_approval("sites")
    waiting.response_timeout = timedelta(seconds=1)
    [package(), how_to_approve()] >> waiting >> approve()


asks()
"""
# Beyond the five seconds after which Python's SQLite gives up by itself.
_HELD_S = 8.0
BROKEN = "from airflow.sdk import dag\nimport no_such_module\n"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> StackSettings:
    state_dir = tmp_path_factory.mktemp("airflow-stack")
    return StackSettings(
        root=ROOT, state_dir=state_dir, airflow_port=pick_port(), mlflow_elsewhere=""
    )


@pytest.fixture(scope="module")
def secrets(settings: StackSettings) -> Secrets:
    return ensure_secrets(settings.secrets_dir)


@pytest.fixture(scope="module")
def airflow(settings: StackSettings, secrets: Secrets) -> Iterator[AirflowServer]:
    dags_dir = settings.state_dir / "dags"
    dags_dir.mkdir()
    (dags_dir / "small.py").write_text(DAGS)
    (dags_dir / "asks.py").write_text(ASKS)
    (dags_dir / "broken.py").write_text(BROKEN)
    env = airflow_environment(settings, secrets, os.environ, dags_dir)
    env["AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL"] = "1"
    env["NIGHTCATCH_MLFLOW_PUBLIC_URL"] = "http://mlflow.example/"
    server = AirflowServer(settings.state_dir, settings.airflow_port, env)
    server.start()
    api = AirflowApi(settings.airflow_url, "admin", secrets.airflow_password)
    # Else what is broken could be known first, and be told instead.
    paths = [f"/dags/{dag_id}" for dag_id in ("good", "bad", "train_small", "asks")]
    wait_until(
        lambda: all(api._request("GET", path)[0] != 404 for path in paths), poll_interval_s=0.5
    )
    yield server
    server.kill()


@pytest.fixture
def api(settings: StackSettings, secrets: Secrets, airflow: AirflowServer) -> AirflowApi:
    return AirflowApi(settings.airflow_url, "admin", secrets.airflow_password)


def test_run_is_followed_to_success(api: AirflowApi, capsys: pytest.CaptureFixture[str]) -> None:
    follow(api, "good", trigger(api, "good", {"seed": 3}, Screen()), Screen())

    shown = capsys.readouterr().out
    assert "task     grow [0]: done" in shown
    assert "task     grow [1]: done" in shown


def test_failed_run_names_its_task_and_reason(api: AirflowApi) -> None:
    run_id = trigger(api, "bad", {}, Screen())

    reason = r"bad: task reject failed: DataRejectedError: sites: 3 of 4 rows lack SSLfinal_State$"
    with pytest.raises(DagRunError, match=reason):
        follow(api, "bad", run_id, Screen())


def test_failed_run_stays_failed_although_its_end_was_noted(api: AirflowApi) -> None:
    run_id = trigger(api, "bad", {}, Screen())
    state = api.follow("bad", run_id, lambda task: None)

    assert state == "failed"
    assert {task.task_id: task.state for task in api.tasks("bad", run_id)} == {
        "reject": "failed",
        "track": "success",
    }


def test_a_run_is_noted_with_what_came_of_it(api: AirflowApi) -> None:
    notes = {}
    for dag_id in ("good", "bad"):
        api.unpause(dag_id)
        run_id = api.trigger(dag_id, {})
        api.follow(dag_id, run_id, lambda task: None)
        notes[dag_id] = api._expect("GET", f"/dags/{dag_id}/dagRuns/{quote(run_id)}")["note"]

    assert sorted(notes["good"].split("; ")) == ["1 became 2", "2 became 3"]
    assert notes["bad"] == ("reject: DataRejectedError: sites: 3 of 4 rows lack SSLfinal_State")


def test_a_note_that_a_person_wrote_stays(api: AirflowApi) -> None:
    api.unpause("good")
    run_id = api.trigger("good", {})
    path = f"/dags/good/dagRuns/{quote(run_id)}"
    assert api._request("PATCH", path, {"note": "for the audit"})[0] == 200
    api.follow("good", run_id, lambda task: None)

    assert api._expect("GET", path)["note"] == "for the audit"


def test_the_log_of_a_failed_task_says_why_before_the_stack(api: AirflowApi) -> None:
    api.unpause("bad")
    run_id = api.trigger("bad", {})
    api.follow("bad", run_id, lambda task: None)
    path = f"/dags/bad/dagRuns/{quote(run_id)}/taskInstances/reject/logs/1?full_content=true"
    log = api._expect("GET", path)["content"]
    errors = [line for line in log if line.get("level") == "error"]

    assert errors[0]["event"].startswith("sites: 3 of 4 rows lack SSLfinal_State")
    assert not errors[0].get("error_detail")
    assert errors[1]["event"] == "Task failed with exception"


def test_a_pool_that_somebody_deleted_strands_no_task(api: AirflowApi) -> None:
    made = api._expect("GET", f"/pools/{POOL}")
    assert api._request("DELETE", f"/pools/{POOL}")[0] == 204
    api.unpause("train_small")
    run_id = api.trigger("train_small", {})
    state = api.follow("train_small", run_id, lambda task: None)

    assert (made["slots"], state) == (POOL_SLOTS, "success")
    assert api._expect("GET", f"/pools/{POOL}")["slots"] == POOL_SLOTS


def test_plain_and_mapped_tasks_show_their_links(api: AirflowApi) -> None:
    api.unpause("train_small")
    run_id = api.trigger("train_small", {})
    api.follow("train_small", run_id, lambda task: None)
    instances = f"/dags/train_small/dagRuns/{quote(run_id)}/taskInstances"
    shown = [
        api._expect("GET", f"{instances}/{task}/links?map_index={index}")["extra_links"]["MLflow"]
        for task, index in (("heavy", -1), ("search", 0), ("search", 1))
    ]

    assert shown == ["/models/small/runs"] * 3


def test_lineage_events_of_every_run_and_task_are_in_a_file(
    settings: StackSettings, secrets: Secrets, api: AirflowApi
) -> None:
    run_id = trigger(api, "good", {}, Screen())
    follow(api, "good", run_id, Screen())
    path = settings.state_dir / "airflow" / "lineage.jsonl"

    def is_sent():
        written = path.read_text()
        events = map(json.loads, written[: written.rfind("\n") + 1].splitlines())
        sent = {(event["job"]["name"], event["eventType"]) for event in events}
        return {("good.grow", "START"), ("good.grow", "COMPLETE")} <= sent

    wait_until(is_sent)
    written = path.read_text()
    assert secrets.s3_secret_key not in written
    assert secrets.airflow_password not in written


def test_an_approval_that_nobody_answers_in_time_fails_the_run(api: AirflowApi) -> None:
    api.unpause("asks")
    run_id = api.trigger("asks", {})
    state = api.follow("asks", run_id, lambda task: None)
    states = {task.task_id: task.state for task in api.tasks("asks", run_id)}
    path = f"/dags/asks/dagRuns/{quote(run_id)}/taskInstances/wait_for_approval/-1/hitlDetails"
    asked = api._expect("GET", path)

    assert state == "failed"
    assert (states["wait_for_approval"], states["approve"]) == ("failed", "upstream_failed")
    assert asked["subject"] == "Approve sites 20261121T020513Z-3f9a1c2b?"
    assert asked["body"] == "95.3 % | 94.1 %"
    assert list(asked["params"]) == ["reason"]


def test_a_trigger_waits_for_who_holds_the_database(
    settings: StackSettings, api: AirflowApi
) -> None:
    api.unpause("good")
    path = settings.state_dir / "airflow" / "airflow.db"
    with closing(sqlite3.connect(path, timeout=60, check_same_thread=False)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        release = threading.Timer(_HELD_S, holder.rollback)
        release.start()
        try:
            run_id = api.trigger("good", {"seed": 1})
        finally:
            release.join()

    assert api.follow("good", run_id, lambda task: None) == "success"


def test_people_who_write_at_the_same_moment_are_all_answered(
    settings: StackSettings, api: AirflowApi
) -> None:
    url = f"{settings.airflow_url}/api/v2/variables"
    token = {"Authorization": f"Bearer {api._log_in()}"}

    def write(number: int) -> int:
        body = {"key": f"note-{number}", "value": "x"}
        return httpx.post(url, json=body, headers=token, timeout=120).status_code

    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(write, range(80)))

    assert set(answers) == {201}


def test_refused_parameter_is_explained(api: AirflowApi) -> None:
    api.unpause("good")

    with pytest.raises(DagRunError, match=r"good: not triggered: .*'many' is not of type"):
        api.trigger("good", {"seed": "many"})


def test_dag_that_cannot_be_imported_is_explained(api: AirflowApi) -> None:
    with pytest.raises(DagRunError, match=r"broken\.py: ModuleNotFoundError: No module named 'no_"):
        api.unpause("not_there")


def test_expired_token_is_renewed(settings: StackSettings, api: AirflowApi) -> None:
    api.running("good")
    api._token = "expired"

    assert api.running("good") == []


def test_every_socket_is_on_the_loopback(settings: StackSettings, airflow: AirflowServer) -> None:
    ours = [
        process
        for process in psutil.process_iter()
        if _working_directory(process) == str(settings.state_dir / "airflow")
    ]
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for process in ours
        for connection in _connections(process)
        if connection.status == psutil.CONN_LISTEN
    }

    assert len(ours) >= 4
    assert listening == {("127.0.0.1", settings.airflow_port)}


def test_password_is_ours_and_printed_nowhere(settings: StackSettings, secrets: Secrets) -> None:
    paths = (settings.state_dir / "log").iterdir()
    logs = "".join(path.read_text(errors="replace") for path in paths)

    assert stat.S_IMODE(secrets.airflow_passwords.stat().st_mode) == 0o600
    assert secrets.airflow_password not in logs
    assert secrets.s3_secret_key not in logs


def test_taken_port_is_named(settings: StackSettings, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = AirflowServer(tmp_path, other.getsockname()[1], {})
        with pytest.raises(PortTakenError, match=r"airflow: port .* NIGHTCATCH_AIRFLOW_PORT"):
            server.start()


def test_stop_leaves_no_process(settings: StackSettings, airflow: AirflowServer) -> None:
    airflow.stop()

    home = str(settings.state_dir / "airflow")
    assert not [each for each in psutil.process_iter() if _working_directory(each) == home]
    assert port_is_free(settings.airflow_port)


def _connections(process: psutil.Process) -> list[Any]:
    try:
        return list(process.net_connections("inet"))
    except psutil.NoSuchProcess:  # as the workers of a while
        return []


def _working_directory(process: psutil.Process) -> str | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else process.cwd()
    except psutil.Error:
        return None
