"""Plain JSON requests skip Flask, and get the very response that Flask would give."""

import json

import pytest

from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.auth.rate_limit import RateLimiter
from include.services.scorer.settings import Limits, RateLimit
from tests.support import onnx_graphs
from tests.support.api_keys import write_keys
from tests.support.scorer_app import app_of, following, without_ids

RECORD = {"a": 1, "b": -1}
THROUGH_FLASK = "application/json; charset=utf-8"
BODIES = {
    "record": json.dumps({"record": RECORD}),
    "records": json.dumps({"records": [RECORD, {"a": -1, "b": None}]}),
    "pipeline": json.dumps({"pipeline": "sites", "record": RECORD}),
    "unknown pipeline": json.dumps({"pipeline": "nowhere", "record": RECORD}),
    "a URL nobody reads": json.dumps({"url": "http://a.example/"}),
    "wrong value": json.dumps({"record": {"a": 7, "b": 1}}),
    "missing column": json.dumps({"record": {"a": 1}}),
    "member twice": '{"record": {"a": 1, "a": 1, "b": 1}}',
    "not JSON": "{",
    "empty": "",
}


@pytest.fixture
def app():
    return app_of({"sites": following("sites", onnx_graphs.logistic())})


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_response_is_the_one_that_flask_gives(app, body):
    client = app.test_client()
    short = client.post("/predict", data=body, content_type="application/json")
    through_flask = client.post("/predict", data=body, content_type=THROUGH_FLASK)

    assert short.status_code == through_flask.status_code
    assert without_ids(short.json) == without_ids(through_flask.json)
    names = {name for name, _ in short.headers}
    assert names == {name for name, _ in through_flask.headers}
    assert short.content_type == through_flask.content_type


@pytest.mark.parametrize(
    ("asked", "goes_through_flask"),
    [
        ({}, False),
        ({"content_type": THROUGH_FLASK}, True),
        ({"query_string": {"explain": "true"}}, True),
        ({"headers": {"Origin": "https://app.example"}}, False),
        ({"headers": {"Content-Encoding": "gzip"}}, True),
        ({"method": "PUT"}, True),
        ({"path": "/explain"}, True),
    ],
)
def test_all_that_is_unusual_goes_through_flask(app, asked, goes_through_flask):
    reached = []
    app.before_request(lambda: reached.append(True))
    app.test_client().open(
        **{
            "path": "/predict",
            "method": "POST",
            "data": BODIES["record"],
            "content_type": "application/json",
            **asked,
        }
    )

    assert bool(reached) is goes_through_flask


def test_a_body_beyond_the_limit_is_not_read():
    followers = {"sites": following("sites", onnx_graphs.logistic())}
    client = app_of(followers, Limits(json_bytes=100)).test_client()
    answer = client.post("/predict", data=b" " * 101, content_type="application/json")

    assert answer.status_code == 413


def test_a_request_counts_once_against_the_limit(tmp_path):
    keys = ApiKeys(write_keys(tmp_path / "keys", ann="first key"))
    limiter = RateLimiter(tmp_path / "limits", RateLimit(1.0, 2), lambda: 0.0)
    app = app_of(
        {"sites": following("sites", onnx_graphs.logistic())}, access=Access(keys, limiter)
    )
    client, headers = app.test_client(), {"X-API-Key": "first key"}
    bad = client.post("/predict", json={"record": {}}, headers=headers)
    good = client.post("/predict", json={"record": RECORD}, headers=headers)
    beyond = client.post("/predict", json={"record": RECORD}, headers=headers)

    assert [answer.status_code for answer in (bad, good, beyond)] == [422, 200, 429]
    assert client.post("/predict", json={"record": RECORD}).status_code == 401
