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
    outputs = [output["name"] for output in said["outputs"]]
    assert outputs == ["probability", "prediction", "decided_by"]
    assert said["versions"] == [version_name(1)]
    assert client.get("/v2").json["name"] == "nightcatch-scorer"
    assert client.get("/v2/health/live").status_code == 200


@pytest.mark.parametrize("data", [[1, -1, None, None], [[1, -1], [None, None]]])
def test_a_tensor_flat_or_nested_is_answered_row_by_row(client, data):
    body = tensor(data, [2, 2], id="mine")
    said = client.post("/v2/models/sites/infer", json=body).json

    assert (said["model_name"], said["model_version"]) == ("sites", version_name(1))
    assert said["id"] == "mine"
    probability, label, decided_by = said["outputs"]
    assert decided_by["data"] == ["model"] * len(label["data"])
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
    csv = client.post("/v2/models/sites/infer", data=b"x", content_type="text/csv")
    assert csv.status_code == 415


def column(name, data, **members):
    return {"name": name, "shape": [len(data)], "datatype": "INT8", "data": data, **members}


def test_a_bad_value_of_a_column_is_pointed_at_where_the_client_sent_it(client):
    body = {"inputs": [column("b", [1, 5]), column("a", [1, 1])]}
    (error,) = json.loads(client.post("/v2/models/sites/infer", json=body).data)["errors"]

    assert (error["pointer"], error["field"]) == ("#/inputs/0/data/1", "b")


def test_an_absent_id_may_be_null_and_no_content_type_is_json(client):
    body = json.dumps(tensor([1, 1], [1, 2], id=None)).encode()
    for path in ("infer", f"versions/{version_name(1)}/infer"):
        response = client.post(f"/v2/models/sites/{path}", data=body)
        assert response.status_code == 200
        assert json.loads(response.data)["id"]


def test_a_version_that_is_not_in_production_is_not_found(client):
    for path in ("", "/ready"):
        known = f"/v2/models/sites/versions/{version_name(1)}{path}"
        assert client.get(known).status_code == 200
        assert client.get(f"/v2/models/sites/versions/1{path}").status_code == 404


@pytest.mark.parametrize(
    ("inputs", "binary", "json_length"),
    [
        ([column("a", [1])], b"", None),
        ([column("a", [1]), column("a", [1])], b"", None),
        ([column("a", [1]), column("b", [1, 1])], b"", None),
        ([column("a", [1], parameters={"binary_data_size": 1}), column("b", [1])], b"1", 0),
        ([{"name": "X", "shape": [1, 2], "datatype": "INT8"}], b"", None),
        ([{"name": "X", "shape": [1, 2], "datatype": "BF16", "data": [1, 1]}], b"", None),
        ([{"name": "X", "shape": [1, 2], "datatype": "INT8", "parameters": 1}], b"", None),
        *(
            (
                [
                    {
                        "name": "X",
                        "shape": [1, 2],
                        "datatype": datatype,
                        "parameters": {"binary_data_size": size},
                    }
                ],
                binary,
                json_length,
            )
            for datatype, size, binary, json_length in (
                ("FP32", 8, b"1" * 7, 0),  # fewer bytes than declared
                ("FP32", 8, b"1" * 9, 0),  # more
                ("FP32", 7, b"1" * 7, 0),  # not a whole number of values
                ("FP32", 0, b"", 0),
                ("FP32", -8, b"", 0),
                ("FP32", "8", b"1" * 8, 0),
                ("FP32", 8, b"1" * 8, "-1"),
                ("FP32", 8, b"1" * 8, "x"),
                ("FP32", 8, b"1" * 8, 10**6),
                ("FP32", 8, b"1" * 8, "\u0661"),
                ("BYTES", 8, b"\xff" * 8, 0),  # a length that no body has
                ("BYTES", 3, b"\0" * 3, 0),  # cut off within a length
            )
        ),
    ],
)
def test_tensors_that_break_the_protocol_are_refused(client, inputs, binary, json_length):
    header = json.dumps({"inputs": inputs}).encode()
    length = len(header) if json_length == 0 else json_length
    headers = {} if length is None else {"Inference-Header-Content-Length": str(length)}
    for model in ("sites", "urls"):
        url = f"/v2/models/{model}/infer"
        response = client.post(url, data=header + binary, headers=headers)
        assert response.status_code == 422, response.data
