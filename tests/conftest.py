"""Real servers for all tests: one of each per worker process, on free ports, in a tmp dir."""

import os
import secrets
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pymongo
import pytest
from hypothesis import HealthCheck, settings

from include.stack.mongo import MongoServer
from include.stack.seaweed import SeaweedServer
from tests.support.browser import Browser, open_browser
from tests.support.feed_server import FeedServer
from tests.support.leftover_processes import ended_with_this_process

# The same examples each time, and no failure because the machine had other work to do.
settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

# The longest files first, so that no worker is left with one of them at the end.
_LONGEST = ("tests/e2e/", "tests/integration/", "tests/dags/")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--all`: the tests marked `heavy`, and as many rounds of the others as make sense."""
    parser.addoption("--all", action="store_true", help="run the heavy tests too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the heavy tests out unless all are wanted; put the longest files first."""
    if not config.getoption("--all"):
        heavy = [item for item in items if item.get_closest_marker("heavy")]
        config.hook.pytest_deselected(items=heavy)
        items[:] = [item for item in items if item not in heavy]
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Have the servers of this run ended with it, however it ends."""
    if not hasattr(session.config, "workerinput"):
        opened = ExitStack()
        folder = session.config._tmp_path_factory.getbasetemp()  # as xdist itself reads it
        opened.enter_context(ended_with_this_process(folder))
        session.config.add_cleanup(opened.close)


@pytest.fixture(scope="session")
def is_full_run(request: pytest.FixtureRequest) -> bool:
    """Whether all tests are wanted: rounds of a race are many then, and few otherwise."""
    return bool(request.config.getoption("--all"))


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real mongod (replica set); tests use databases of their own."""
    server = MongoServer(tmp_path_factory.mktemp("mongo"))
    server.start()
    yield server.url
    server.kill()


@pytest.fixture
def database(mongo_url: str) -> Iterator[pymongo.database.Database[dict[str, Any]]]:
    """A MongoDB database of a test's own."""
    with pymongo.MongoClient[dict[str, Any]](mongo_url, tz_aware=True) as client:
        opened = client[f"test_{uuid.uuid4().hex}"]
        yield opened
        client.drop_database(opened)


@pytest.fixture
def feed_server() -> Iterator[FeedServer]:
    """A real HTTP server of feeds, with faults."""
    opened = FeedServer()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedServer]:
    """A real SeaweedFS with the bucket `nightcatch`; tests use key prefixes or own buckets."""
    server = SeaweedServer(
        tmp_path_factory.mktemp("s3"), secrets.token_hex(10), secrets.token_hex(20)
    )
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One headless browser for a module's tests."""
    with open_browser() as browser:
        yield browser


@pytest.fixture
def bucket(s3: SeaweedServer) -> Iterator[str]:
    """The name of a bucket of the test's own."""
    with _own_bucket(s3) as name:
        yield name


@pytest.fixture(scope="module")
def module_bucket(s3: SeaweedServer) -> Iterator[str]:
    """The name of a bucket of the module's own."""
    with _own_bucket(s3) as name:
        yield name


@contextmanager
def _own_bucket(s3: SeaweedServer) -> Iterator[str]:
    """Make a bucket that is gone afterwards: each takes seven of few volumes."""
    name = f"test-{secrets.token_hex(6)}"
    client = s3.client()
    client.create_bucket(Bucket=name)
    yield name
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
        for entry in page.get("Contents", ()):
            client.delete_object(Bucket=name, Key=entry["Key"])
    client.delete_bucket(Bucket=name)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of the real data sets; without one the test is skipped, and fails in CI."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("NIGHTCATCH_DATA_DIR", beside))
    if not (folder / "phishing_websites.csv").exists():
        if os.environ.get("CI"):
            pytest.fail("CI must run the tests of the real data: set NIGHTCATCH_DATA_DIR")
        pytest.skip("the tests of the real data did not run: set NIGHTCATCH_DATA_DIR")
    return folder
