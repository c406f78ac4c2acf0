"""The Open Inference Protocol: metadata, readiness and inference."""

import json

import pytest

from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, Following, app_of, following
from tests.support.signed_versions import version_name


@pytest.fixture
def client():
    followers = {
        "sites": following("sites", onnx_graphs.logistic((2.0, -1.0))),
        "urls": following("urls", onnx_graphs.text_classifier(), **TEXT),
        "later": Following(),
    }
    return app_of(followers).test_client()


def tensor(data, shape, datatype="FP32", name="X", **members):
    entry = {"name": name, "shape": shape, "datatype": datatype, "data": data}
    return {"inputs": [entry], **members}


def test_a_model_names_its_tensors(client):
    said = client.get("/v2/models/sites").json

    assert said["inputs"] == [{"name": "X", "datatype": "FP32", "shape": [-1, 2]}]
    assert [output["name"] for output in said["outputs"]] == ["probability", "prediction"]
    assert said["versions"] == [version_name(1)]
    assert client.get("/v2").json["name"] == "nightcatch-scorer"
    assert client.get("/v2/health/live").status_code == 200


@pytest.mark.parametrize("data", [[1, -1, None, None], [[1, -1], [None, None]]])
def test_a_tensor_flat_or_nested_is_answered_row_by_row(client, data):
    body = tensor(data, [2, 2], id="mine")
    said = client.post("/v2/models/sites/infer", json=body).json

    assert (said["model_name"], said["model_version"]) == ("sites", version_name(1))
    assert said["id"] == "mine"
    probability, label = said["outputs"]
    assert probability["data"] == [pytest.approx(0.952574), 0.5]
    assert label == {
        "name": "prediction",
        "datatype": "BYTES",
        "shape": [2],
        "data": ["Phishing", "Phishing"],
    }


def test_only_the_outputs_that_are_asked_for_come_back(client):
    body = tensor(["http://a.example/"], [1], "BYTES", outputs=[{"name": "prediction"}])
    said = client.post("/v2/models/urls/infer", json=body).json

    assert [output["data"] for output in said["outputs"]] == [["Legitimate"]]


def test_readiness_is_told_by_model(client):
    assert client.get("/v2/models/sites/ready").json["ready"] is True
    assert client.get("/v2/models/later/ready").status_code == 503
    assert client.get("/v2/models/none/ready").status_code == 404
    assert client.get("/v2/health/ready").status_code == 503


def test_a_pipeline_without_an_approved_version_keeps_nobody_waiting():
    sites = following("sites", onnx_graphs.logistic((2.0, -1.0)))
    client = app_of({"sites": sites, "later": Following(is_awaited=False)}).test_client()
    alone = app_of({"later": Following(is_awaited=False)}).test_client()

    assert client.get("/health/ready").status_code == 200
    assert client.get("/health/ready").json["waiting"] == ["later"]
    assert alone.get("/health/ready").status_code == 503


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"inputs": []},
        {"inputs": [1]},
        tensor([1, 1], [1, 2], name="Y"),
        tensor([1, 1], [1, 2], datatype="BYTES"),
        tensor([1, 1], [2, 1]),
        tensor([1, 1, 1], [1, 2]),
        tensor([], [0, 2]),
        tensor("11", [1, 2]),
        tensor([[1], 1], [1, 2]),
        tensor([1, 5], [1, 2]),
        tensor([1, "1"], [1, 2]),
        tensor([1, 1], [1, 2], outputs=[{"name": "x"}]),
        tensor([1, 1], [1, 2], outputs={"name": "x"}),
        tensor([1, 1], [1, 2], id=3),
    ],
    ids=lambda body: json.dumps(body)[:60],
)
def test_a_bad_tensor_is_a_422_with_the_protocols_error(client, body):
    answer = client.post("/v2/models/sites/infer", json=body)
    problem = json.loads(answer.data)

    assert answer.status_code == 422
    assert problem["error"] == problem["detail"]


def test_a_bad_value_is_pointed_at(client):
    answer = client.post("/v2/models/sites/infer", json=tensor([1, 1, 1, 5], [2, 2]))
    (error,) = json.loads(answer.data)["errors"]

    assert (error["pointer"], error["field"]) == ("#/inputs/0/data/3", "b")
    assert client.post("/v2/models/sites/infer", data=b"x").status_code == 415
