"""The scoring service on the loopback, as its own gunicorn settings say."""

import sys

from include.stack.ports import HOST
from include.stack.web_server import WebServer

_CONFIG = "python:include.services.scorer.serving.gunicorn_conf"
_APP = "include.services.scorer.wsgi:create()"


class ScorerServer(WebServer):
    """The scoring service, live before there is a production version.

    Its environment is made by `include.stack.environment.scorer_environment`.
    """

    name = "scorer"
    health_path = "/health/live"
    ready_timeout_s = 60.0
    grace_s = 10.0

    def command(self) -> list[str]:
        """Return gunicorn with the service's settings."""
        address = f"{HOST}:{self.port}"
        server = [sys.executable, "-m", "gunicorn", "--config", _CONFIG]
        return [*server, "--bind", address, _APP]
