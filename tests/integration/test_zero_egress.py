"""URLs are scored where no packet can leave, and nothing tries to send one."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
URLS = [
    "http://bad.example/login",
    "https://www.github.com/",
    "http://169.254.169.254/latest/meta-data",
    "http://localhost:8000/metrics",
    "//xn--80ak6aa92e.com/%2568%2574%2574%2570",
]
# Runs in a process of its own: a hook of `sys.addaudithook` can never be taken off again.
SCORE = """
import io, json, sys

tried = []
NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
sys.addaudithook(lambda event, args: tried.append(event) if event in NETWORK else None)

from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, app_of, following

client = app_of({"urls": following("urls", onnx_graphs.text_classifier(), **TEXT)}).test_client()
urls = json.loads(sys.argv[1])
answers = [client.post("/predict", json={"url": url}) for url in urls]
refused = client.post("/predict", json={"url": "file:///etc/passwd"}).status_code
answers += [client.post("/explain", json={"urls": urls})]
table = io.BytesIO("\\n".join(["url", *urls]).encode())
answers += [client.post("/predict", data={"file": (table, "urls.csv")})]
routes = []
if sys.platform == "linux":
    routes = [line for line in open("/proc/self/net/route") if not line.startswith("Iface")]
statuses = [answer.status_code for answer in answers]
print(json.dumps({"statuses": statuses, "refused": refused, "tried": tried, "routes": len(routes)}))
"""


def score(prefix=()):
    done = subprocess.run(
        [*prefix, sys.executable, "-c", SCORE, json.dumps(URLS)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_no_request_is_made_because_of_what_a_client_sent():
    found = score()

    assert set(found["statuses"]) == {200}
    assert found["refused"] == 422
    assert found["tried"] == []


def test_urls_are_scored_in_a_network_namespace_without_a_route():
    unshare = ["unshare", "--net", "--map-root-user"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], check=False).returncode:
        pytest.skip("this machine gives no network namespace to an ordinary user")

    found = score(unshare)

    assert found["routes"] == 0
    assert set(found["statuses"]) == {200}
