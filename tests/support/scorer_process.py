"""The scoring service as it is run: granian, several workers, one folder of last good models."""

import json
import os
import sys
import time
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path

import psutil
import requests

from include.stack.ports import pick_port
from include.stack.process import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
READY_TIMEOUT_S = 600.0
ANSWER_TIMEOUT_S = 60.0  # a busy machine may let a worker wait for long


def of_each_worker(server, path):
    """Status and body of `path` from each worker of a running scorer.

    The system gives each connection to a worker of its choice: new ones are opened until every
    worker has had one.
    """
    assert server.process.pid is not None, "it does not run"
    responses = {}
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    with ExitStack() as stack:
        while not (workers := workers_of(server)) or not responses.keys() >= set(workers):
            assert time.monotonic() < deadline_s, "a worker gets no connection"
            client = HTTPConnection("127.0.0.1", server.port, timeout=ANSWER_TIMEOUT_S)
            stack.callback(client.close)
            client.request("GET", path)
            response = client.getresponse()
            body = response.read()
            responses[_worker_behind(client.sock.getsockname(), workers)] = response.status, body
    return [responses[worker] for worker in workers]


def workers_of(server):
    """The pids of its workers that run."""
    children = psutil.Process(server.process.pid).children()
    return [each.pid for each in children if each.status() != psutil.STATUS_ZOMBIE]


def _worker_behind(client_address, workers):
    for worker in workers:
        with suppress(psutil.NoSuchProcess):
            connections = psutil.Process(worker).net_connections("tcp")
            if any(each.raddr == client_address for each in connections):
                return worker
    return None


def serials_of(server):
    """The serials that its workers serve; None where there is no model."""
    models = [json.loads(body)["models"] for _, body in of_each_worker(server, "/version")]
    return {each[0]["serial"] if each else None for each in models}


class ScorerProcess:
    """The scorer as it is run.

    `env` says where S3 and the public keys are; the cache folder lies below `folder`.
    """

    def __init__(self, folder, env):
        self.folder = folder
        self.port = pick_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = ServerProcess("scorer", folder)
        self._env = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PYTHONPATH": str(ROOT),
            "NIGHTCATCH_CACHE_DIR": str(folder / "cache"),
            "NIGHTCATCH_POLL_INTERVAL_S": "0.2",
            "TMPDIR": str(folder),
            **env,
        }

    def start(self, path="/health/live", **env):
        """Return when `path` answers 200."""
        command = [sys.executable, "-m", "include.services.scorer", "--port", str(self.port)]
        with self.process.stopped_on_failure():
            self.process.start(command, {**self._env, **env}, self.folder)
            self.process.wait_until(lambda: self.status(path) == 200, READY_TIMEOUT_S)
        return self

    def wait_until(self, condition, timeout_s=READY_TIMEOUT_S):
        self.process.wait_until(condition, timeout_s)

    def stop(self):
        self.process.stop()

    def kill(self):
        self.process.kill()

    def log(self):
        return self.process.log_path.read_text()

    def status(self, path):
        try:
            return requests.get(self.url + path, timeout=ANSWER_TIMEOUT_S).status_code
        except requests.RequestException:
            return None

    def metrics(self):
        return requests.get(self.url + "/metrics", timeout=ANSWER_TIMEOUT_S).text

    def predict(self, record, session=requests):
        return session.post(
            self.url + "/predict", json={"record": record}, timeout=ANSWER_TIMEOUT_S
        )

    def serials(self):
        return serials_of(self)
