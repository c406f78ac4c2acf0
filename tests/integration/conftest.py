"""Neighbours that fail: an S3 server that a test may stop, and a proxy that spoils its answers."""

import secrets

import pytest

from include.stack.seaweed import SeaweedServer
from tests.support.s3_fault_proxy import FaultProxy


@pytest.fixture
def own_s3(tmp_path):
    """A server that the test may stop."""
    server = SeaweedServer(tmp_path / "s3", secrets.token_hex(10), secrets.token_hex(20))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def proxy(s3):
    """A proxy before the server that all tests share."""
    opened = FaultProxy(s3.endpoint_url)
    yield opened
    opened.close()
