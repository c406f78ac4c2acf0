"""What a form may hold: one file, with or without a file name; and whether reasons are wanted."""

import io

import pytest

from tests.support import onnx_graphs
from tests.support.scorer_app import app_of, following

TABLE = b"a,b\n1,-1\n"


@pytest.fixture
def client():
    return app_of({"sites": following("sites", onnx_graphs.logistic())}).test_client()


def test_one_of_two_files_is_never_dropped(client):
    files = [(io.BytesIO(TABLE), "one.csv"), (io.BytesIO(TABLE), "two.csv")]

    refused = client.post("/predict", data={"file": files})

    assert refused.status_code == 422
    assert "several files" in refused.json["detail"]


def test_a_part_without_a_file_name_is_read(client):
    body = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\na,b\r\n1,-1\r\n\r\n--x--\r\n'

    scored = client.post("/predict", data=body, content_type="multipart/form-data; boundary=x")

    assert scored.status_code == 200
    assert len(scored.json["predictions"]) == 1


@pytest.mark.parametrize(
    ("query", "explained"),
    [("?explain=1", True), ("?explain=True", True), ("?explain=false", False), ("", False)],
)
def test_reasons_are_given_when_wanted(client, query, explained):
    scored = client.post(f"/predict{query}", json={"record": {"a": 1, "b": -1}})

    assert scored.status_code == 200
    assert ("explanation" in scored.json) is explained


def test_another_value_is_refused(client):
    refused = client.post("/predict?explain=yes", json={"record": {"a": 1, "b": -1}})

    assert refused.status_code == 422
    assert "explain" in refused.json["detail"]
