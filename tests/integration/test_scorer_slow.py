"""Clients that send a byte now and then keep nobody waiting, and none is kept waiting by them."""

import json
import os
import signal
import socket
from contextlib import ExitStack
from http.client import HTTPResponse

import pytest
import requests

from tests.integration.test_scorer import RECORD, Site
from tests.support.scorer_process import ScorerProcess

N_THREADS = 8  # of all workers
BODY = b'{"record": {"a": 1, "b": 1}}'


@pytest.fixture(scope="module")
def scorer(s3, tmp_path_factory):
    """One service for all tests here; the last one ends it."""
    folder = tmp_path_factory.mktemp("slow")
    site = Site(s3, s3.bucket, folder)
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
BEYOND_ALL = b"Content-Length: " + 19 * b"9"
MANY_DIGITS = request().replace(b"Content-Length: ", b"Content-Length: " + 20 * b"0")
BEGINNINGS = {
    "no byte": b"",
    "half a head": request()[:40],
    "half a body": request()[:-5],
    "half a body, its length in many digits": MANY_DIGITS[:-5],
    "a length beyond all": CHUNKED_HEAD.replace(b"Transfer-Encoding: chunked", BEYOND_ALL),
    "half a large body": request(b" " * 200_000, 500_000),
    "a body of unknown length": CHUNKED_HEAD,
}


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS.keys())
def test_slow_clients_keep_nobody_waiting(scorer, beginning):
    with ExitStack() as stack:
        for _ in range(3 * N_THREADS):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", scorer.port)))
            slow.sendall(beginning)
        answers = {scorer.predict(RECORD).status_code for _ in range(30)}

    assert answers == {200}


@pytest.mark.parametrize("step", [1, 7], ids=["byte by byte", "in pieces"])
def test_a_request_in_pieces_is_answered_and_so_is_the_next(scorer, step):
    asked = request()
    with socket.create_connection(("127.0.0.1", scorer.port), timeout=30) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            for start in range(0, len(asked), step):
                client.sendall(asked[start : start + step])

            assert answer_to(client) == b"HTTP/1.1 200 OK"


def test_a_request_that_does_not_become_whole_is_given_up(scorer):
    with socket.create_connection(("127.0.0.1", scorer.port), timeout=60) as client:
        client.sendall(BEGINNINGS["half a body"])

        assert answer_to(client) == b"HTTP/1.1 408 Request Timeout"
        assert client.recv(1) == b""


def test_large_bodies_are_answered_though_threads_read_them(scorer):
    large = request(BODY[:-1] + b" " * 400_000 + b"}")
    with ExitStack() as stack:
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", scorer.port), timeout=30))
            for _ in range(3 * N_THREADS)
        ]
        for client in clients:
            client.sendall(large)

        assert {answer_to(client) for client in clients} == {b"HTTP/1.1 200 OK"}


@pytest.mark.parametrize(
    ("asked", "first_line"),
    [
        (CHUNKED, b"HTTP/1.1 200 OK"),
        (MANY_DIGITS, b"HTTP/1.1 200 OK"),
        (request(BODY, None, "Expect: 100-continue"), b"HTTP/1.1 100 Continue"),
        (request(b"{"), b"HTTP/1.1 400 BAD REQUEST"),
    ],
    ids=["chunked", "many digits", "expect", "not JSON"],
)
def test_odd_requests_are_answered(scorer, asked, first_line):
    with socket.create_connection(("127.0.0.1", scorer.port), timeout=30) as client:
        client.sendall(asked)

        assert answer_to(client) == first_line


@pytest.mark.parametrize(
    ("asked", "status", "name"),
    [
        (b"GET /" + b"hidden" * 30_000, 414, "limit request line"),
        (b"\r\n\r\n", 400, "invalid request line"),
        (b"hidden\r\n\r\n", 400, "invalid request line"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, "invalid http version"),
        (request(BODY, None, "hid(den): 1"), 400, "invalid header name"),
        (request(BODY, None, "Content-Length: 7"), 400, "invalid header"),
        (request(BODY, None, "Expect: hidden"), 417, "expectation failed"),
        (request(BODY, None, *(f"H{n}: hidden" for n in range(200))), 431, "limit request headers"),
    ],
)
def test_what_is_no_request_is_told_as_a_problem_and_is_in_no_log(scorer, asked, status, name):
    with socket.create_connection(("127.0.0.1", scorer.port), timeout=30) as client:
        client.sendall(asked)
        response = HTTPResponse(client)
        response.begin()
        problem = json.load(response)

        assert response.status == problem["status"] == status
        assert response.getheader("Content-Type") == "application/problem+json"
        assert problem["detail"] == f"This cannot be read as a request: {name}."
        assert client.recv(1) == b""
    assert f"A request could not be read: {name}" in scorer.log()
    assert "hid" not in scorer.log()


def test_clients_that_take_their_time_to_hang_up_keep_nobody_waiting(scorer):
    with ExitStack() as stack:
        for _ in range(3 * N_THREADS):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", scorer.port)))
            slow.sendall(request(BODY, None, "Connection: close"))
            assert answer_to(slow) == b"HTTP/1.1 200 OK"
        last = slow  # told the end last of all
        answers = {scorer.predict(RECORD).status_code for _ in range(30)}
        last.settimeout(30)

        assert answers == {200}
        assert last.recv(1) == b""  # our side is closed
        last.send(b"x")  # theirs may still speak


def test_requests_sent_at_once_are_answered_one_after_the_other(scorer):
    paths = [b"/version", b"/predict", b"/nowhere", b"/predict"]
    asked = b"".join(request().replace(b"/predict", path) for path in paths)
    with socket.create_connection(("127.0.0.1", scorer.port), timeout=30) as client:
        client.sendall(asked + request()[:30])
        first_lines = [answer_to(client)[9:12] for _ in paths]
        client.sendall(request()[30:])

        assert first_lines == [b"405", b"200", b"404", b"200"]
        assert answer_to(client) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize(
    "first",
    [CHUNKED, request(BODY[:-1] + b" " * 200_000 + b"}"), request() + CHUNKED],
    ids=["unknown length", "large", "both kinds"],
)
def test_what_follows_a_request_that_a_thread_reads_is_answered(scorer, first):
    last = request(b"{")
    with socket.create_connection(("127.0.0.1", scorer.port), timeout=30) as client:
        client.sendall(first + request() + last[:40])
        first_lines = {answer_to(client) for _ in range(first.count(b"POST") + 1)}
        client.sendall(last[40:])

        assert first_lines == {b"HTTP/1.1 200 OK"}
        assert answer_to(client) == b"HTTP/1.1 400 BAD REQUEST"


TABLE = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    b"a,b\n%s\r\n--x--\r\n"
)


def table(n_rows, accept="application/json"):
    """A question whose answer is some forty times as long."""
    asked = request(TABLE % (n_rows * b",\n"), None, f"Accept: {accept}")
    return asked.replace(b"Type: application/json", b"Type: multipart/form-data; boundary=x")


def rows_of(client):
    """How many rows an answer in CSV has; one that was cut is an error."""
    response = HTTPResponse(client)
    response.begin()
    return response.read().count(b"\r\n") - 1


STYLES = b"GET /static/page.css HTTP/1.1\r\nHost: x\r\n\r\n"
UNTAKEN = {
    "a table": table(9_000),
    "a table in a file": table(40_000, "text/csv"),
    "many tables": 100 * table(1_800),
    "many files": 2_000 * STYLES,
}


@pytest.mark.parametrize("asked", UNTAKEN.values(), ids=UNTAKEN.keys())
def test_clients_that_take_no_answer_keep_no_table_waiting(scorer, asked):
    with ExitStack() as stack:
        for _ in range(3 * N_THREADS):
            deaf = stack.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            deaf.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 88)
            deaf.connect(("127.0.0.1", scorer.port))
            deaf.sendall(asked)
        answers = {scorer.predict(RECORD).status_code for _ in range(30)}
        health = {scorer.status("/health/live") for _ in range(10)}
        with socket.create_connection(("127.0.0.1", scorer.port), timeout=25) as client:
            client.sendall(table(1_800))

            assert answer_to(client) == b"HTTP/1.1 200 OK"
    assert answers == health == {200}


def test_a_table_that_is_taken_late_is_whole_and_the_next_question_is_answered(scorer):
    with socket.create_connection(("127.0.0.1", scorer.port), timeout=30) as late:
        late.sendall(table(40_000, "text/csv"))
        late.recv(1, socket.MSG_PEEK)
        assert scorer.predict(RECORD).status_code == 200

        assert rows_of(late) == 40_000
        late.sendall(request())
        assert answer_to(late) == b"HTTP/1.1 200 OK"


def test_clients_that_take_no_answer_keep_nobody_waiting(scorer):
    with ExitStack() as stack:
        for _ in range(3):
            deaf = stack.enter_context(socket.create_connection(("127.0.0.1", scorer.port)))
            deaf.settimeout(1.0)
            with pytest.raises(TimeoutError):
                while True:  # until neither side's buffers hold more
                    deaf.sendall(1000 * request())
        answers = {scorer.predict(RECORD).status_code for _ in range(30)}

    assert answers == {200}


def test_sigterm_waits_for_who_takes_an_answer_and_not_for_who_asks_nothing(scorer):
    address = ("127.0.0.1", scorer.port)
    with (
        requests.Session() as idle,
        socket.create_connection(address) as silent,
        socket.create_connection(address, timeout=30) as late,
    ):
        assert scorer.predict(RECORD, idle).status_code == 200
        late.sendall(table(40_000, "text/csv"))
        late.recv(1, socket.MSG_PEEK)
        os.kill(scorer.process.pid, signal.SIGTERM)
        assert rows_of(late) == 40_000
        scorer.wait_until(lambda: scorer.log().count("Worker exiting") == 2)

        assert silent.fileno() > 0
    scorer.process.wait_until_ended(60)
    assert "SIGKILL" not in scorer.log()
