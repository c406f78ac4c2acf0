"""The scoring service as it is run: gunicorn, several workers, one folder of last good models."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import psutil
import requests

from include.stack.ports import pick_port
from include.stack.process import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
READY_TIMEOUT_S = 180.0
ANSWER_TIMEOUT_S = 20.0  # a busy machine may let a worker wait for seconds


def of_each_worker(server, ask):
    """What each worker of a running scorer answers, over a fresh connection.

    The others are held up while one is asked: who accepts a connection is else left to chance.
    """
    assert server.process.pid is not None, "it does not run"
    children = psutil.Process(server.process.pid).children()
    workers = [each for each in children if each.status() != psutil.STATUS_ZOMBIE]
    answers = []
    for worker in workers:
        with ExitStack() as held:
            for other in workers:
                if other != worker:
                    other.suspend()
                    held.callback(other.resume)
            answers.append(ask())
    return answers


def serials_of(server):
    """The serials that its workers answer from; None where there is no model."""

    def serial():
        answer = requests.get(f"http://127.0.0.1:{server.port}/version", timeout=READY_TIMEOUT_S)
        models = answer.json()["models"]
        return models[0].get("serial") if models else None

    return set(of_each_worker(server, serial))


class ScorerProcess:
    """A gunicorn of the scorer.

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
        command = [
            *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}"),
            *("-c", "python:include.services.scorer.serving.gunicorn_conf"),
            "include.services.scorer.wsgi:create()",
        ]
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
