"""Attacks of a client that has no key, or only its own: slow, unfinished and countless requests.

Each runs against the scorer itself, and through the proxy as it is deployed.
"""

import io
import json
import os
import socket
from contextlib import ExitStack, suppress
from http.client import HTTPException, HTTPResponse

import pytest
import requests

from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from tests.support import onnx_graphs
from tests.support.api_keys import write_keys
from tests.support.nginx_proxy import NginxProxy
from tests.support.scorer_app import app_of, following
from tests.support.scorer_bucket import RECORD, ScorerBucket
from tests.support.scorer_process import ScorerProcess

CLIENT = "203.0.113.8"
ATTACKERS = (f"198.51.100.{number}" for number in range(1, 255))
TIMEOUT_S = 60
TABLE = b"a,b\n" + b"1,-1\n" * 30_000


@pytest.fixture(scope="module")
def scorer(s3, module_bucket, tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow")
    site = ScorerBucket(s3, module_bucket, folder)
    site.promote(90)
    keys = write_keys(folder / "keys", ann="ann's key", bob="bob's key")
    env = {**site.env, "NIGHTCATCH_API_KEYS_FILE": str(keys)}
    process = ScorerProcess(folder, env).start("/health/ready")
    process.wait_until(lambda: process.serials() == {1})
    yield process
    process.kill()


@pytest.fixture(scope="module")
def proxy(scorer, tmp_path_factory):
    server = NginxProxy(tmp_path_factory.mktemp("nginx"), scorer.port).start()
    yield server
    server.kill()


@pytest.fixture(params=["scorer", "proxy"])
def port(request):
    return request.getfixturevalue(request.param).port


@pytest.fixture(autouse=True)
def attacker(monkeypatch):
    """An address of the test's own: the proxy may still count the connections of another one."""
    monkeypatch.setenv("ATTACKER", next(ATTACKERS))


def head(length, key="", content_type="multipart/form-data; boundary=x"):
    lines = [
        "POST /predict HTTP/1.1",
        "Host: x",
        f"X-Forwarded-For: {os.environ['ATTACKER']}",
        f"Content-Type: {content_type}",
        f"Content-Length: {length}",
        *([f"X-API-Key: {key}"] if key else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)


def status_of(client):
    """The status of a response; None for a connection that is cut."""
    response = HTTPResponse(client)
    try:
        response.begin()
        response.read()
    except (ConnectionError, HTTPException):
        return None
    return response.status


def send(port, **asked):
    headers = {"X-API-Key": "ann's key", "X-Forwarded-For": CLIENT}
    url = f"http://127.0.0.1:{port}/predict"
    return requests.post(url, headers=headers, timeout=TIMEOUT_S, **asked)


def upload(port):
    return send(port, files={"file": ("a.csv", io.BytesIO(TABLE))})


def test_no_byte_of_a_body_is_read_without_a_key(tmp_path):
    class Unread(io.BytesIO):
        def read(self, size=-1):
            raise AssertionError("the body was read")

    app = app_of(
        {"sites": following("sites", onnx_graphs.logistic())},
        access=Access(ApiKeys(write_keys(tmp_path / "keys", ann="key"))),
    )
    statuses = {
        app.test_client()
        .post(path, input_stream=Unread(), content_length=length, content_type=kind)
        .status_code
        for path in ("/predict", "/explain", "/feedback", "/v2/models/sites/infer", "/nowhere")
        for kind in ("application/json", "multipart/form-data; boundary=x")
        for length in (10, 5_000_000, 10**12)
    }

    assert statuses == {401}


def test_uploads_without_a_key_are_refused_before_they_come(port):
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(port)) for _ in range(30)]
        for client in clients:
            client.sendall(head(40_000_000) + b"x" * 10_000)
        through_proxy = {status_of(client) for client in clients}

        assert upload(port).status_code == 200
    # The proxy refuses more than four of an address, before the scorer is asked.
    assert through_proxy <= {401, 429}
    assert 401 in through_proxy


def test_large_request_without_a_key_is_told_so_though_it_is_being_sent(port, request):
    # The proxy counts a connection a moment longer than its client has it.
    known = {401, 429} if "proxy" in request.node.name else {401}
    statuses = []
    for _ in range(10):
        with connect(port) as client:
            with suppress(ConnectionError):  # it may be refused before all of it was sent
                client.sendall(head(3_000_000) + b"x" * 3_000_000)
            statuses.append(status_of(client))

    assert 401 in statuses
    assert set(statuses) <= known


def test_stalled_uploads_of_one_client_starve_no_other_and_end(scorer, proxy):
    doors = (scorer.port, proxy.port)
    with ExitStack() as stack:
        stalled = [stack.enter_context(connect(port)) for port in doors for _ in range(4)]
        for client in stalled:
            client.sendall(head(40_000_000, "bob's key") + b"x" * 200_000)
        answers = [upload(port).status_code for port in doors for _ in range(3)]
        on_disk = proxy.disk_bytes()
        ends = {status_of(client) for client in stalled}

    assert answers == [200] * 6
    assert on_disk == 0
    assert ends <= {400, None}  # cut by the scorer, or by the proxy


def test_more_uploads_of_an_address_than_its_share_are_refused_by_the_proxy(proxy):
    with ExitStack() as stack:
        stalled = [stack.enter_context(connect(proxy.port)) for _ in range(4)]
        for client in stalled:
            client.sendall(head(40_000_000, "bob's key") + b"x" * 1_000)
        with connect(proxy.port) as fifth:
            fifth.sendall(head(40_000_000, "bob's key") + b"x" * 1_000)

            assert status_of(fifth) == 429
        assert upload(proxy.port).status_code == 200


@pytest.mark.parametrize("content_type", ["application/json", "text/plain"])
def test_short_bodies_that_never_end_delay_nobody(port, content_type):
    with ExitStack() as stack:
        for _ in range(60):
            slow = stack.enter_context(connect(port))
            slow.sendall(head(3_000, "bob's key", content_type) + b"{" * 100)
        answers = {send(port, json={"record": RECORD}).status_code for _ in range(20)}
        health = requests.get(f"http://127.0.0.1:{port}/health/live", timeout=TIMEOUT_S)

    assert answers == {200}
    assert health.status_code == 200


def test_body_in_chunks_without_an_end_is_refused_once_it_is_too_long(port, request):
    # The proxy may still be sending when the scorer has answered and closed; it says 502 then.
    refused = {413, 502} if "proxy" in request.node.name else {413}
    chunk = b"%x\r\n%s\r\n" % (100_000, b" " * 100_000)
    beginning = head(0, "bob's key", "application/json").replace(
        b"Content-Length: 0", b"Transfer-Encoding: chunked"
    )
    with connect(port) as client:
        with suppress(ConnectionError):
            client.sendall(beginning + chunk * 90)

        assert status_of(client) in refused


def test_refusal_names_the_problem(port):
    answer = requests.post(f"http://127.0.0.1:{port}/predict", json={}, timeout=TIMEOUT_S)

    assert answer.headers["Content-Type"] == "application/problem+json"
    assert json.loads(answer.text)["status"] == answer.status_code == 401
