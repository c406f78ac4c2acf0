import selectors
import socket
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from include.services.scorer.serving import response_buffer
from include.services.scorer.serving.connection import Client
from include.services.scorer.serving.response_buffer import Untaken

MANY = bytes(range(256)) * 60_000  # more than the buffers of both sides hold


@dataclass(eq=False)
class Conn:
    sock: Client


@pytest.fixture
def sockets():
    """A connection as the service has it, and its other end."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        address = listener.getsockname()
        far = stack.enter_context(socket.create_connection(address, timeout=30))
        accepted, _ = listener.accept()
        near = Client(accepted.family, accepted.type, accepted.proto, accepted.detach())
        yield Conn(stack.enter_context(near)), far


@pytest.fixture
def poller():
    with selectors.DefaultSelector() as poller:
        yield poller


def receive(far, n_bytes):
    with far.makefile("rb") as file:
        return file.read(n_bytes)


def send_on(poller, ended):
    """Do what the worker's loop does, until `ended` holds something or nothing more happens."""
    while not ended and (events := poller.select(30)):
        for key, _ in events:
            key.data(key.fileobj)


def answer_from_memory(client):
    client.sendall(b"head ")
    client.sendall(MANY)


def answer_from_file(client):
    client.sendall(b"head ")
    with tempfile.TemporaryFile() as file:
        file.write(b"left out" + MANY)
        assert client.sendfile(file, 8) == len(MANY)


def answer_from_file_after_all(client):
    client.sendall(MANY)
    answer_from_file(client)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (answer_from_memory, b"head " + MANY),
        (answer_from_file, b"head " + MANY),
        (answer_from_file_after_all, MANY + b"head " + MANY),
    ],
)
def test_what_is_taken_late_is_sent_whole_and_in_order(sockets, poller, answer, expected):
    (conn, far), ended = sockets, []
    answer(conn.sock)
    assert conn.sock.untaken is not None
    with ThreadPoolExecutor() as pool:
        received = pool.submit(receive, far, len(expected))
        Untaken(ended.append).send(poller, conn, lambda: ended.append("sent"))
        send_on(poller, ended)

    assert ended == ["sent"]
    assert received.result() == expected
    assert conn.sock.untaken is None
    assert not poller.get_map()


def test_an_answer_that_fits_leaves_nothing_to_send(sockets):
    conn, far = sockets
    conn.sock.sendall(b"head ")
    conn.sock.sendall(b"body")

    assert conn.sock.untaken is None
    assert receive(far, 9) == b"head body"


def test_a_client_that_has_gone_is_given_up(sockets, poller):
    (conn, far), ended = sockets, []
    answer_from_memory(conn.sock)
    Untaken(ended.append).send(poller, conn, lambda: ended.append("sent"))
    far.close()
    send_on(poller, ended)

    assert ended == [conn]
    assert not poller.get_map()


@pytest.mark.parametrize(
    ("changed", "dropped"),
    [
        ({}, False),
        ({"_TIMEOUT_S": 0.0}, True),
        ({"_TIMEOUT_WITH_MANY_S": 0.0}, False),
        ({"_TIMEOUT_WITH_MANY_S": 0.0, "_MANY_BYTES": len(MANY) // 2}, True),
    ],
    ids=["at once", "late", "few", "many"],
)
def test_who_takes_nothing_is_given_up(sockets, poller, monkeypatch, changed, dropped):
    (conn, _), ended = sockets, []
    for name, value in changed.items():
        monkeypatch.setattr(response_buffer, name, value)
    answer_from_memory(conn.sock)
    waiting = Untaken(ended.append)
    waiting.send(poller, conn, lambda: ended.append("sent"))
    waiting.drop_late(poller)

    assert ended == ([conn] if dropped else [])
