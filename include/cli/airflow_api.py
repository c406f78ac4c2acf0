"""A client of Airflow's REST API: trigger a DAG, follow its run, explain a failure."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from include.errors import DagRunError, StoreUnavailableError
from include.stack.http import public_url, request_json
from include.status.figures import Run, Schedule

_POLL_S = 1.0
_PARSED_TIMEOUT_S = 120.0
# Airflow waits for its database for up to a minute.
_RESPONSE_TIMEOUT_S = 90.0
_FINISHED = {"success", "failed"}
_UNAUTHORISED = {401, 403}


@dataclass(frozen=True)
class TaskState:
    """State of one task instance.

    Attributes
    ----------
    task_id : str
    map_index : int
        -1 unless the task is mapped.
    name : str
        Task and what it is mapped over, for people.
    state : str
        Airflow's state; "waiting" before it has one.
    try_number : int
    duration_s : float or None
    """

    task_id: str
    map_index: int
    name: str
    state: str
    try_number: int
    duration_s: float | None


class AirflowApi:
    """Airflow's REST API for one user.

    Parameters
    ----------
    url : str
        Address of the Airflow UI.
    username, password : str
        A user of Airflow.
    """

    def __init__(self, url: str, username: str, password: str) -> None:
        self._url = url
        self._login = {"username": username, "password": password}
        self._token: str | None = None

    def check(self) -> str:
        """Return the address once the user is logged in.

        Raises
        ------
        StoreUnavailableError
            If Airflow does not respond, or rejects the user.
        """
        self._token = self._log_in()
        return public_url(self._url)

    def unpause(self, dag_id: str) -> None:
        """Wait until Airflow has parsed the DAG, and unpause it.

        Parameters
        ----------
        dag_id : str

        Raises
        ------
        DagRunError
            If Airflow does not have the DAG after two minutes; the message has its import errors.
        """
        deadline = time.monotonic() + _PARSED_TIMEOUT_S
        while self._request("PATCH", f"/dags/{dag_id}", {"is_paused": False})[0] == 404:
            broken = self._request("GET", "/importErrors")[1]["import_errors"]
            if broken:
                raise DagRunError(
                    f"{broken[0]['filename']}: {_last_line(broken[0]['stack_trace'])}"
                )
            if time.monotonic() > deadline:
                raise DagRunError(f"Airflow has no DAG {dag_id}; see log/airflow-dag-processor.log")
            time.sleep(_POLL_S)

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Return the id of a new run.

        Parameters
        ----------
        dag_id : str
        conf : mapping
            Parameters of the DAG that differ from their defaults.

        Returns
        -------
        str

        Raises
        ------
        DagRunError
            If Airflow rejects the parameters.
        """
        body = {"logical_date": None, "conf": dict(conf)}
        status, response = self._request("POST", f"/dags/{dag_id}/dagRuns", body)
        if status != 200:
            raise DagRunError(f"{dag_id}: not triggered: {_first_line(_detail(response))}")
        return str(response["dag_run_id"])

    def running(self, dag_id: str) -> list[str]:
        """Return the ids of the running runs of a DAG.

        Parameters
        ----------
        dag_id : str

        Returns
        -------
        list of str
        """
        response = self._expect("GET", f"/dags/{dag_id}/dagRuns?state=running")
        return [str(run["dag_run_id"]) for run in response["dag_runs"]]

    def paused(self) -> list[str]:
        """Return the ids of NightCatch's DAGs that are paused and have a schedule."""
        found = self._expect("GET", "/dags?paused=true&tags=nightcatch&limit=100")
        return [str(dag["dag_id"]) for dag in found["dags"] if dag["next_dagrun_run_after"]]

    def schedule(self, dag_id: str) -> Schedule:
        """Return the last and the next run of a DAG, and which runs wait for a person."""
        dag = self._expect("GET", f"/dags/{dag_id}")
        runs = self._expect("GET", f"/dags/{dag_id}/dagRuns?order_by=-run_after&limit=1")
        asked = self._expect(
            "GET", f"/dags/{dag_id}/dagRuns/~/hitlDetails?response_received=false&limit=100"
        )
        waiting = {
            str(each["task_instance"]["dag_run_id"]): str(each["created_at"])
            for each in asked["hitl_details"]
            if each["task_instance"]["state"] == "awaiting_input"
        }
        last = next((self._run(dag_id, found) for found in runs["dag_runs"]), None)
        next_at = "" if dag["is_paused"] else str(dag["next_dagrun_run_after"] or "")
        return Schedule(last, next_at, bool(dag["is_paused"]), waiting)

    def follow(self, dag_id: str, run_id: str, on_change: Callable[[TaskState], None]) -> str:
        """Return the final state of a run, "success" or "failed".

        Parameters
        ----------
        dag_id, run_id : str
        on_change : callable
            Called with each change of a task's state, in order.

        Returns
        -------
        str
        """
        seen: dict[tuple[str, int], TaskState] = {}
        while True:
            state = self._run_state(dag_id, run_id)
            for task in self.tasks(dag_id, run_id):
                before = seen.get((task.task_id, task.map_index))
                if before is None or (before.state, before.try_number) != (
                    task.state,
                    task.try_number,
                ):
                    on_change(task)
                seen[task.task_id, task.map_index] = task
            if state in _FINISHED:
                return state
            time.sleep(_POLL_S)

    def tasks(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Return the state of every task instance of a run.

        Parameters
        ----------
        dag_id, run_id : str

        Returns
        -------
        list of TaskState
        """
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances?limit=100"
        response = self._expect("GET", path)
        return [_task_state(found) for found in response["task_instances"]]

    def reason(self, dag_id: str, run_id: str, task: TaskState) -> str:
        """Return why a task failed: the last error of its log, in one line.

        Parameters
        ----------
        dag_id, run_id : str
        task : TaskState

        Returns
        -------
        str
        """
        path = (
            f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task.task_id}"
            f"/logs/{max(task.try_number, 1)}?map_index={task.map_index}&full_content=true"
        )
        status, response = self._request("GET", path)
        events = response["content"] if status == 200 else []
        errors = [event for event in events if event.get("level") in ("error", "critical")]
        return _explained(errors[-1]) if errors else "its log holds no error"

    def _run(self, dag_id: str, found: Mapping[str, Any]) -> Run:
        run_id, state = str(found["dag_run_id"]), str(found["state"])
        failed = self.tasks(dag_id, run_id) if state == "failed" else []
        reasons = {
            task.name: self.reason(dag_id, run_id, task)
            for task in failed
            if task.state == "failed"
        }
        began, ended = (str(found[name] or "") for name in ("start_date", "end_date"))
        return Run(run_id, state, began, ended, reasons)

    def _run_state(self, dag_id: str, run_id: str) -> str:
        response = self._expect("GET", f"/dags/{dag_id}/dagRuns/{quote(run_id, safe='')}")
        return str(response["state"])

    def _expect(self, method: str, path: str) -> Any:
        status, response = self._request(method, path)
        if status != 200:
            raise DagRunError(f"Airflow returned {status} for {path}: {_detail(response)}")
        return response

    def _request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        for _ in range(2):
            self._token = self._token or self._log_in()
            url = f"{self._url}/api/v2{path}"
            status, response = request_json(method, url, body, self._token, _RESPONSE_TIMEOUT_S)
            if status not in _UNAUTHORISED:
                break
            self._token = None  # it has expired
        return status, response

    def _log_in(self) -> str:
        status, response = request_json(
            "POST", f"{self._url}/auth/token", self._login, timeout_s=_RESPONSE_TIMEOUT_S
        )
        if status != 201:
            raise StoreUnavailableError(f"Airflow rejected the log-in: {_detail(response)}")
        return str(response["access_token"])


def _task_state(found: Mapping[str, Any]) -> TaskState:
    mapped = found["map_index"] >= 0
    over = found["rendered_map_index"] or found["map_index"]
    return TaskState(
        task_id=found["task_id"],
        map_index=found["map_index"],
        name=f"{found['task_id']} [{over}]" if mapped else found["task_id"],
        state=found["state"] or "waiting",
        try_number=found["try_number"],
        duration_s=found["duration"],
    )


def _explained(event: Mapping[str, Any]) -> str:
    for detail in event.get("error_detail") or []:
        return f"{detail['exc_type']}: {_first_line(detail['exc_value'])}"
    return _first_line(str(event.get("event", "")))


def _detail(response: Any) -> str:
    detail = response.get("detail", response) if isinstance(response, dict) else response
    if isinstance(detail, dict) and {"reason", "message"} <= detail.keys():
        return f"{detail['reason']}: {detail['message']}"
    return str(detail)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
