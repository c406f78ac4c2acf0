"""Attacks by a page of another origin, open in the browser of somebody who reaches the service."""

import pytest

from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from tests.support import onnx_graphs
from tests.support.api_keys import write_keys
from tests.support.scorer_app import app_of, following

LISTED, FOREIGN = "https://app.example", "https://evil.example"
RECORD = {"record": {"a": 1, "b": -1}}
FOREIGN_ORIGINS = [FOREIGN, "null", "https://app.example.evil.example", "http://app.example", "*"]


@pytest.fixture(params=["open", "with keys"])
def client(request, tmp_path):
    keys = None if request.param == "open" else ApiKeys(write_keys(tmp_path / "keys", ann="key"))
    access = Access(keys, cors_origins=frozenset({LISTED}))
    client = app_of(
        {"sites": following("sites", onnx_graphs.logistic())}, access=access
    ).test_client()
    client.environ_base["HTTP_X_API_KEY"] = "key"
    return client


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
@pytest.mark.parametrize("path", ["/version", "/metrics", "/", "/static/page.css", "/nowhere"])
def test_it_reads_no_response(client, origin, path):
    headers = client.get(path, headers={"Origin": origin}).headers

    assert not [name for name, _ in headers if name.startswith("Access-Control-")]
    # A cache must not give one origin's response to another, whoever asked first.
    assert "Origin" in headers["Vary"]


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_its_preflight_is_not_granted(client, origin):
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}

    assert "Access-Control-Allow-Origin" not in client.options("/predict", headers=asked).headers


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_form_that_needs_no_preflight_is_not_scored(client, content_type):
    answer = client.post(
        "/predict", json=RECORD, content_type=content_type, headers={"Origin": FOREIGN}
    )

    assert answer.status_code == 415


def test_no_cookie_and_no_credential_of_the_browser_opens_anything(client):
    headers = client.post("/predict", json=RECORD, headers={"Origin": LISTED}).headers

    assert headers["Access-Control-Allow-Origin"] == LISTED
    assert "Access-Control-Allow-Credentials" not in headers
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_it_shows_no_page_of_the_service_in_a_frame(client, path):
    policy = client.get(path).headers["Content-Security-Policy"]

    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy


def test_private_counters_need_a_key(tmp_path):
    keys = ApiKeys(write_keys(tmp_path / "keys", ann="key"))
    access = Access(keys, are_metrics_private=True)
    client = app_of(
        {"sites": following("sites", onnx_graphs.logistic())}, access=access
    ).test_client()
    statuses = [
        client.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code
        for key in ("", "bad", "key")
    ]

    assert statuses == [401, 401, 200]
    assert client.head("/metrics").status_code == 401
    assert client.get("/health/live").status_code == 200
