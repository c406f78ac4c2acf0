"""The proxy as it is deployed: a real nginx with `deploy/nginx.conf`, before a scorer of a test."""

import os
import shutil
from pathlib import Path

import pytest

from include.stack.ports import pick_port
from include.stack.process import ServerProcess
from tests.support.scorer_process import ROOT

START_TIMEOUT_S = 60.0


class NginxProxy:
    """nginx in the foreground; `port` is where clients ask."""

    def __init__(self, folder, scorer_port):
        self.folder = folder
        self.port = pick_port()
        self.process = ServerProcess("nginx", folder)
        text = (ROOT / "deploy/nginx.conf").read_text()
        # Names of Compose's network, and its ports, become those of this machine.
        for deployed, here in {
            "resolver 127.0.0.11 valid=2s ipv6=off;": "",
            "http://$scorers:8000": f"http://127.0.0.1:{scorer_port}",
            "listen 8000;": f"listen 127.0.0.1:{self.port};",
            "listen 8333;": f"listen 127.0.0.1:{pick_port()};",
            " /tmp/": f" {folder}/",
            "worker_processes auto;": "worker_processes 1;",
        }.items():
            assert deployed in text, deployed
            text = text.replace(deployed, here)
        own = "user root;\n" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(own + text)

    def start(self):
        """Return once it listens."""
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            if os.environ.get("CI"):
                pytest.fail("CI must run the tests of the proxy: install nginx")
            pytest.skip("the tests of the proxy did not run: install nginx")
        command = [program, "-p", str(self.folder), "-c", "nginx.conf", "-g", "daemon off;"]
        with self.process.stopped_on_failure():
            self.process.start(command, {"PATH": os.environ["PATH"]}, self.folder)
            self.process.wait_until(Path(self.folder / "nginx.pid").exists, START_TIMEOUT_S)
        return self

    def disk_bytes(self):
        """How much of requests and responses it holds on disk."""
        folders = [self.folder / "body", self.folder / "proxy"]
        return sum(each.stat().st_size for root in folders for each in root.rglob("*"))

    def kill(self):
        self.process.kill()
