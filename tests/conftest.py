"""Real servers for every room of tests: started once per session, on free ports, in a tmp dir."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from include.stack.mongo import MongoServer
from include.stack.seaweed import SeaweedServer
from tests.support.browser import Browser, open_browser

# The same examples each time, and no failure because the machine had other work to do.
settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real mongod (replica set); tests use databases of their own."""
    server = MongoServer(tmp_path_factory.mktemp("mongo"))
    server.start()
    yield server.url
    server.kill()


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
    """The name of a bucket of the test's own, gone afterwards: each takes seven of few volumes."""
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
