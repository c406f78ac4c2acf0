"""Requests that write take turns; those that read wait for nobody."""

import asyncio

import pytest

from plugins.one_writer import OneWriter, needs_turns


class HeldApplication:
    """An ASGI application whose answers wait until they are let go."""

    def __init__(self):
        self.begun, self.let_go = [], asyncio.Event()

    async def __call__(self, scope, receive, send):
        self.begun.append(scope["path"])
        await self.let_go.wait()
        if scope["path"] == "/broken":
            raise RuntimeError


async def ask(app, method, path):
    await app({"type": "http", "method": method, "path": path}, None, None)


async def begun_at_once(*requests):
    """What had begun before anything was answered, and in the end."""
    application = HeldApplication()
    app = OneWriter(application)
    asked = [asyncio.create_task(ask(app, *request)) for request in requests]
    await asyncio.sleep(0)
    before = list(application.begun)
    application.let_go.set()
    await asyncio.gather(*asked, return_exceptions=True)
    return before, application.begun


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_second_who_writes_waits_and_is_answered(method):
    before, after = asyncio.run(begun_at_once((method, "/1"), (method, "/2"), ("POST", "/3")))

    assert before == ["/1"]
    assert after == ["/1", "/2", "/3"]


def test_who_reads_waits_for_nobody():
    before, _ = asyncio.run(begun_at_once(("POST", "/1"), ("GET", "/2"), ("HEAD", "/3")))

    assert before == ["/1", "/2", "/3"]


def test_a_request_that_fails_leaves_its_turn_to_the_next():
    _, after = asyncio.run(begun_at_once(("POST", "/broken"), ("POST", "/2")))

    assert after == ["/broken", "/2"]


def test_only_sqlite_needs_turns():
    assert needs_turns("sqlite:////state/airflow.db?timeout=60")
    assert not needs_turns("postgresql+psycopg2://airflow@postgres/airflow")
