"""The scoring service on the loopback."""

import sys

from include.stack.ports import HOST
from include.stack.web_server import WebServer


class ScorerServer(WebServer):
    """The scoring service, live before there is a production version.

    Its environment is made by `include.stack.environment.scorer_environment`.
    """

    name = "scorer"
    health_path = "/health/live"
    ready_timeout_s = 60.0
    grace_s = 10.0

    def command(self) -> list[str]:
        """Return the service's own command."""
        address = ["--host", HOST, "--port", str(self.port)]
        return [sys.executable, "-m", "include.services.scorer", *address]
