"""Slow, idle and malformed clients of the real server: none of them delays the others."""

import os
import signal
import socket
from contextlib import ExitStack, suppress
from http.client import HTTPResponse

import pytest
import requests

from include.services.scorer.__main__ import allow_open_files
from tests.support.scorer_bucket import RECORD, ScorerBucket
from tests.support.scorer_process import ScorerProcess

N_SLOW = 60
BODY = b'{"record": {"a": 1, "b": 1}}'


@pytest.fixture(scope="module")
def scorer(s3, module_bucket, tmp_path_factory):
    """One service for all tests here; the last one ends it."""
    folder = tmp_path_factory.mktemp("slow")
    site = ScorerBucket(s3, module_bucket, folder)
    site.promote(90)
    process = ScorerProcess(folder, site.env).start("/health/ready")
    process.wait_until(lambda: process.serials() == {1})
    yield process
    process.kill()


def request(body=BODY, n_bytes=None, *headers):
    length = n_bytes or len(body)
    head = ["POST /predict HTTP/1.1", "Host: x", "Content-Type: application/json", *headers]
    return "\r\n".join([*head, f"Content-Length: {length}", "", ""]).encode() + body


def answer_to(client):
    """The first line of an answer, of which nothing is left unread."""
    with client.makefile("rb", buffering=0) as file:
        first_line, length = file.readline().rstrip(), 0
        while (line := file.readline().rstrip()) != b"":
            name, _, value = line.partition(b": ")
            length = int(value) if name.lower() == b"content-length" else length
        while length:
            length -= len(file.read(length))
    return first_line


CHUNKED_HEAD = (
    b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
CHUNKED = CHUNKED_HEAD + b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
LARGE = request(BODY[:-1] + b" " * 400_000 + b"}")
TABLE = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    b"a,b\n%s\r\n--x--\r\n"
)


def table(n_rows, accept="application/json"):
    """A request whose response is many times as long."""
    sent = request(TABLE % (n_rows * b"1,-1\n"), None, f"Accept: {accept}")
    return sent.replace(b"Type: application/json", b"Type: multipart/form-data; boundary=x")


def rows_of(client):
    """How many rows an answer in CSV has; one that was cut is an error."""
    response = HTTPResponse(client)
    response.begin()
    return response.read().count(b"\r\n") - 1


BEGINNINGS = {
    "no byte": b"",
    "half a head": request()[:40],
    "half a body": request()[:-5],
    "half a large body": request(b" " * 200_000, 500_000),
    "a chunked body without a chunk": CHUNKED_HEAD,
}


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS.keys())
def test_slow_senders_delay_nobody(scorer, beginning):
    with ExitStack() as stack:
        for _ in range(N_SLOW):
            slow = stack.enter_context(connect(scorer))
            slow.sendall(beginning)
        answers = {scorer.predict(RECORD).status_code for _ in range(30)}

    assert answers == {200}


def connect(scorer):
    return socket.create_connection(("127.0.0.1", scorer.port), timeout=60)


def test_many_idle_connections_delay_nobody_and_are_served_when_they_ask(scorer):
    allow_open_files()
    with ExitStack() as stack:
        idle = [stack.enter_context(connect(scorer)) for _ in range(1_500)]
        answers = {scorer.predict(RECORD).status_code for _ in range(30)}
        for client in idle[::100]:
            client.sendall(request())
            answers.add(int(answer_to(client).split()[1]))

    assert answers == {200}


@pytest.mark.parametrize("step", [1, 7], ids=["byte by byte", "in pieces"])
def test_request_in_pieces_is_answered_and_so_is_the_next(scorer, step):
    sent = request()
    with connect(scorer) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            for start in range(0, len(sent), step):
                client.sendall(sent[start : start + step])

            assert answer_to(client) == b"HTTP/1.1 200 OK"


def test_many_large_bodies_at_once_are_all_answered(scorer):
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(scorer)) for _ in range(24)]
        for client in clients:
            client.sendall(LARGE)

        assert {answer_to(client) for client in clients} == {b"HTTP/1.1 200 OK"}


def test_requests_sent_at_once_are_answered_one_after_the_other(scorer):
    paths = [b"/version", b"/predict", b"/nowhere", b"/predict"]
    pipelined = b"".join(request().replace(b"/predict", path) for path in paths) + CHUNKED + LARGE
    with connect(scorer) as client:
        client.sendall(pipelined + request()[:30])
        statuses = [answer_to(client)[9:12] for _ in range(6)]
        client.sendall(request()[30:])

        assert statuses == [b"405", b"200", b"404", b"200", b"200", b"200"]
        assert answer_to(client) == b"HTTP/1.1 200 OK"


def test_expect_continue_is_answered_before_the_body(scorer):
    whole = request(BODY, None, "Expect: 100-continue")
    with connect(scorer) as client:
        client.sendall(whole[: -len(BODY)])
        assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(BODY)

        assert answer_to(client) == b"HTTP/1.1 200 OK"


GET = b"GET /version HTTP/1.1\r\n"
MALFORMED = {
    "no Host": (GET + b"\r\n", 400),
    "two Hosts": (GET + b"Host: x\r\nHost: y\r\n\r\n", 400),
    "a Host that is none": (GET + b"Host: hidden/x\r\n\r\n", 400),
    "no request line": (b"hidden\r\n\r\n", 400),
    "unknown version": (b"GET / HTTP/9.9\r\nHost: hidden\r\n\r\n", 400),
    "header name with a bracket": (request(BODY, None, "hid(den): 1"), 400),
    "two lengths": (request(BODY, None, "Content-Length: 7"), 400),
    "negative length": (request(BODY, -3), 400),
    "length with a sign": (request().replace(b"Length: ", b"Length: +"), 400),
    "long line": (b"GET /" + b"hidden" * 30_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
    "many headers": (request(BODY, None, *(f"H{n}: hidden" for n in range(200))), 431),
    "large body in chunks": (
        CHUNKED_HEAD + b"989680\r\n" + b" " * 10_000_000 + b"\r\n0\r\n\r\n",
        413,
    ),
}


@pytest.mark.parametrize(("sent", "status"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_request_is_refused_and_not_logged(scorer, sent, status):
    with connect(scorer) as client:
        with suppress(ConnectionError):  # it may be refused before all of it was sent
            client.sendall(sent)

        assert int(answer_to(client).split()[1]) == status
    assert "hid" not in scorer.log()


def test_http_1_0_needs_no_host(scorer):
    with connect(scorer) as client:
        client.sendall(b"GET /version HTTP/1.0\r\n\r\n")

        assert answer_to(client) == b"HTTP/1.0 200 OK"


@pytest.mark.parametrize(
    "sent",
    [
        request(BODY[:-1] + b" }", len(BODY) + 9),
        CHUNKED_HEAD + b"%x\r\n%s" % (len(BODY), BODY[:9]),
        table(3)[:-12],
    ],
    ids=["length", "chunked", "table"],
)
def test_body_that_ends_too_early_is_not_scored(scorer, sent):
    with connect(scorer) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)

        assert b" 200 " not in client.recv(65536)


STYLES = b"GET /static/page.css HTTP/1.1\r\nHost: x\r\n\r\n"
STYLES = b"GET /static/page.css HTTP/1.1\r\nHost: x\r\n\r\n"
UNREAD = {
    "a table": table(9_000),
    "a table in a file": table(40_000, "text/csv"),
    "many tables": 20 * table(1_800),
    "many files": 2_000 * STYLES,
}


@pytest.mark.parametrize("sent", UNREAD.values(), ids=UNREAD.keys())
def test_clients_that_read_no_response_delay_nobody(scorer, sent):
    with ExitStack() as stack:
        for _ in range(24):
            deaf = stack.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            deaf.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 88)
            deaf.connect(("127.0.0.1", scorer.port))
            deaf.sendall(sent)
        answers = {scorer.predict(RECORD).status_code for _ in range(30)}
        with connect(scorer) as client:
            client.sendall(table(1_800))

            assert answer_to(client) == b"HTTP/1.1 200 OK"
    assert answers == {200}


def test_table_that_is_read_late_is_whole_and_the_next_request_is_answered(scorer):
    with connect(scorer) as late:
        late.sendall(table(40_000, "text/csv"))
        late.recv(1, socket.MSG_PEEK)
        assert scorer.predict(RECORD).status_code == 200

        assert rows_of(late) == 40_000
        late.sendall(request())
        assert answer_to(late) == b"HTTP/1.1 200 OK"


def test_sigterm_waits_for_a_late_reader_and_not_for_idle_connections(scorer):
    with requests.Session() as idle, connect(scorer) as silent, connect(scorer) as late:
        assert scorer.predict(RECORD, idle).status_code == 200
        late.sendall(table(40_000, "text/csv"))
        late.recv(1, socket.MSG_PEEK)
        os.kill(scorer.process.pid, signal.SIGTERM)
        scorer.wait_until(lambda: "Shutting down granian" in scorer.log())
        assert rows_of(late) == 40_000
        assert silent.fileno() > 0
        scorer.process.wait_until_ended(60)
    assert "Killing" not in scorer.log()
