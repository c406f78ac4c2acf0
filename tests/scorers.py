"""The scoring service as it is run: gunicorn, several workers, one folder of last good models."""

import os
import sys
from pathlib import Path

import requests

from include.stack.ports import pick_port
from include.stack.process import ServerProcess

ROOT = Path(__file__).resolve().parents[1]
READY_TIMEOUT_S = 60.0
_TIMEOUT_S = 20.0  # a busy machine may let a worker wait for seconds


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
            *("-c", "python:include.services.scorer.gunicorn_conf"),
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
            return requests.get(self.url + path, timeout=_TIMEOUT_S).status_code
        except requests.RequestException:
            return None

    def metrics(self):
        return requests.get(self.url + "/metrics", timeout=_TIMEOUT_S).text

    def predict(self, record, session=requests):
        return session.post(self.url + "/predict", json={"record": record}, timeout=_TIMEOUT_S)

    def serials(self, n_requests=12):
        """The serials that answer over as many fresh connections; None where there is no model."""
        return {self.serial() for _ in range(n_requests)}

    def serial(self):
        models = requests.get(self.url + "/version", timeout=_TIMEOUT_S).json()["models"]
        return models[0]["serial"] if models else None
