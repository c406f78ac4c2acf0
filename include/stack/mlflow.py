"""MLflow's server with its pages on the loopback: one worker, SQLite, files beside it."""

import sys

from include.stack.ports import HOST
from include.stack.web_server import WebServer

# Nobody waits for it: while Airflow starts, or a model is trained, the processor is theirs.
_NICENESS = "5"
# Under gunicorn there are the pages of runs and models only. MLflow's other server has, besides,
# an assistant that runs commands as its user for whoever reaches the port.
_GUNICORN = "--threads 4 --no-control-socket"


class MlflowServer(WebServer):
    """MLflow's tracking server and model registry; ``mlflow/`` holds the database and artifacts.

    Its environment is made by `include.stack.environment.mlflow_environment`.
    """

    name = "mlflow"
    health_path = "/health"
    ready_timeout_s = 120.0
    grace_s = 5.0

    def command(self) -> list[str]:
        """Return MLflow's own command line."""
        return [
            *("nice", "-n", _NICENESS, sys.executable, "-m", "mlflow", "server"),
            *("--host", HOST, "--port", str(self.port), "--workers", "1"),
            f"--gunicorn-opts={_GUNICORN}",
            *("--backend-store-uri", f"sqlite:///{self.home / 'mlflow.db'}"),
            *("--artifacts-destination", str(self.home / "artifacts")),
        ]
