"""The inputs that people of the field met, where they are present."""

import json
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def field_dir():
    """The folder of the field's inputs; without one the test is skipped."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "field"
    folder = Path(os.environ.get("NIGHTCATCH_FIELD_DIR", beside))
    if not (folder / "README.md").exists():
        pytest.skip("the field's inputs were not tried: set NIGHTCATCH_FIELD_DIR to their folder")
    return folder


@pytest.fixture
def field_urls(field_dir):
    """Return the URLs of a case's request."""

    def read(case):
        (request,) = (field_dir / case).glob("*.json")
        return json.loads(request.read_text("utf-8"))["urls"]

    return read
