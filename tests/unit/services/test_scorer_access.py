"""Request ids, keys, foreign origins, and what the log may say."""

import hashlib
import json

import pytest

from include.errors import SettingMissingError
from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from tests.support import onnx_graphs
from tests.support.api_keys import write_keys
from tests.support.scorer_app import app_of, following

BODY = {"record": {"a": 1, "b": -1}}


def client_of(access):
    return app_of(
        {"sites": following("sites", onnx_graphs.logistic())}, access=access
    ).test_client()


def status(client, **headers):
    return client.post("/predict", json=BODY, headers=headers).status_code


@pytest.fixture
def keys_file(tmp_path):
    return write_keys(tmp_path / "keys", ann="first key", bob="second")


def test_either_of_several_keys_opens_the_door_and_nothing_else_does(keys_file):
    client = client_of(Access(ApiKeys(keys_file)))
    bearer = {"Authorization": "Bearer first key"}

    assert status(client, **bearer) == 200
    assert status(client, **{"X-API-Key": "second"}) == 200
    for wrong in ({}, {"X-API-Key": ""}, {"X-API-Key": "\xff"}, {"Authorization": "Basic second"}):
        answer = client.post("/predict", json=BODY, headers=wrong)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.content_type == "application/problem+json"
    tensors = {"inputs": [{"name": "X", "shape": [1, 2], "datatype": "FP32", "data": [1, 1]}]}
    assert client.post("/v2/models/sites/infer", json=tensors).status_code == 401


@pytest.mark.parametrize("path", ["/", "/health/ready", "/version", "/metrics", "/openapi.json"])
def test_looking_needs_no_key(keys_file, path):
    assert client_of(Access(ApiKeys(keys_file))).get(path).status_code == 200


def test_keys_change_while_the_service_runs(keys_file):
    client = client_of(Access(ApiKeys(keys_file)))
    assert status(client, **{"X-API-Key": "second"}) == 200
    write_keys(keys_file, ann="first key", carl="third one")

    assert status(client, **{"X-API-Key": "second"}) == 401
    assert status(client, **{"X-API-Key": "third one"}) == 200


@pytest.mark.parametrize("content", ["", "# nobody\n", "half a li", b"\xff\xfe", None], ids=repr)
def test_no_key_is_valid_once_the_file_has_none(keys_file, content, caplog):
    keys = ApiKeys(keys_file)
    if content is None:
        keys_file.unlink()
    else:
        keys_file.write_bytes(content if isinstance(content, bytes) else content.encode())

    assert keys.owner_of("first key") is None
    assert keys.owner_of("second") is None
    assert keys.faults == 1
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    keys.owner_of("second")
    assert len(caplog.records) == 1  # once for each change of the file


def test_a_broken_line_revokes_its_own_key_only(keys_file, caplog):
    keys = ApiKeys(keys_file)
    first, second = keys_file.read_text().splitlines()[1:]
    carl = f"carl {hashlib.sha256(b'third').hexdigest()}"
    keys_file.write_text(f"{first}\n{second[:-1]}\n{carl}\n")

    assert [keys.owner_of(key) for key in ("first key", "second", "third")] == ["ann", None, "carl"]
    assert keys.faults == 1
    assert "line 2" in caplog.text
    assert second[-64:-1] not in caplog.text
    write_keys(keys_file, ann="first key", bob="second")
    assert keys.owner_of("second") == "bob"
    assert keys.faults == 0


def test_a_name_given_twice_has_no_key(keys_file):
    keys_file.write_text(keys_file.read_text() + f"bob {hashlib.sha256(b'other').hexdigest()}\n")
    keys = ApiKeys(keys_file)

    assert [keys.owner_of(key) for key in ("first key", "second", "other")] == ["ann", None, None]


def test_metrics_count_the_faults_of_the_file_of_keys(keys_file):
    client = client_of(Access(ApiKeys(keys_file)))

    assert b"nightcatch_api_key_faults 0.0" in client.get("/metrics").data
    keys_file.unlink()
    assert b"nightcatch_api_key_faults 1.0" in client.get("/metrics").data


@pytest.mark.parametrize("content", [None, "", "ann secret", "# nobody\n"])
def test_a_bad_file_of_keys_ends_the_start(tmp_path, content):
    path = tmp_path / "keys"
    if content is not None:
        path.write_text(content)

    with pytest.raises(SettingMissingError, match="keys"):
        ApiKeys(path)


def test_a_request_keeps_its_id_when_it_is_a_plain_one():
    client = client_of(Access())
    kept = client.post("/predict", json=BODY, headers={"X-Request-ID": "order-7"})
    made = client.post("/predict", json=BODY, headers={"X-Request-ID": "a b"})

    assert kept.headers["X-Request-ID"] == "order-7"
    assert len(made.headers["X-Request-ID"]) == 32
    assert len(client.get("/nothing").headers["X-Request-ID"]) == 32


def test_the_log_names_the_request_and_not_what_was_sent(keys_file):
    lines = []
    client = client_of(Access(ApiKeys(keys_file), write_log=lines.append))
    headers = {"X-API-Key": "second", "X-Request-ID": "order-7"}
    client.post("/predict?secret=1", json={"record": {"a": "secret"}}, headers=headers)
    client.open("/secret", method='SECRET"')
    first, second = map(json.loads, lines)

    assert first.pop("ms") >= 0
    assert (first["request_id"], first["route"], first["status"]) == ("order-7", "/predict", 422)
    assert (first["client"], second["client"], second["route"]) == ("bob", None, "unknown")
    assert b"secret" not in b"".join(lines)
    assert all(line.endswith(b"}\n") for line in lines)


def test_foreign_pages_read_nothing_unless_their_origin_is_listed():
    listed, foreign = {"Origin": "https://app.example"}, {"Origin": "https://evil.example"}
    closed = client_of(Access())
    opened = client_of(Access(cors_origins=frozenset({"https://app.example"})))

    def allowed(client, headers):
        answer = client.post("/predict", json=BODY, headers=headers)
        preflight = client.options("/predict", headers=headers)
        return {a.headers.get("Access-Control-Allow-Origin") for a in (answer, preflight)}

    assert allowed(closed, listed) == {None}
    assert allowed(opened, foreign) == {None}
    assert allowed(opened, listed) == {"https://app.example"}
    assert "Origin" in opened.get("/version").headers["Vary"]
