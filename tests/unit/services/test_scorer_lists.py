"""An entry of a list, or a local address, decides before the model; its probability stays."""

import io
from dataclasses import dataclass

import pytest

from include.contract.lists import DecisionList
from include.inference.listed import ListLookup
from include.inference.traffic_record import lines_of
from include.registry.lists import list_entry
from tests.support.onnx_graphs import text_classifier
from tests.support.scorer_app import TEXT, app_of, following

AT = "2026-11-21T02:06:00+00:00"
BAD, GOOD = "http://bad.example/login", "https://good.example/"
LOCAL = "http://192.168.1.1/admin"


@dataclass
class Followed:
    """Stands where a ListFollower stands."""

    current: ListLookup | None = None


def lookup(*entries):
    made = [
        list_entry(action, "host", host, reason="a test", author="ann", added_at=AT, **more)
        for action, host, more in entries
    ]
    return ListLookup(DecisionList("urls", 1, tuple(made)))


@pytest.fixture
def scorer():
    notes, sites = [], Followed()
    lists = {"urls": sites}
    served = {"urls": following("urls", text_classifier(), **TEXT)}
    client = app_of(served, note=notes.append, lists=lists).test_client()
    return client, sites, notes


def verdict_of(client, url, path="/predict"):
    found = client.post(path, json={"url": url}).get_json()
    return found["prediction"], found["decided_by"], found["probability"]


def test_the_model_decides_without_a_list(scorer):
    client, _, _ = scorer

    assert verdict_of(client, BAD) == ("Phishing", "model", 0.9)
    assert verdict_of(client, GOOD) == ("Legitimate", "model", 0.1)


@pytest.mark.parametrize("path", ["/predict", "/explain"])
def test_an_entry_decides_and_the_probability_stays(scorer, path):
    client, sites, _ = scorer
    sites.current = lookup(("allow", "bad.example", {}), ("block", "good.example", {}))

    assert verdict_of(client, BAD, path) == ("Legitimate", "allow list", 0.9)
    assert verdict_of(client, GOOD, path) == ("Phishing", "block list", 0.1)
    assert verdict_of(client, "hxxp://bad[.]example/x", path)[1] == "allow list"


def test_an_expired_entry_does_nothing(scorer):
    client, sites, _ = scorer
    sites.current = lookup(("allow", "bad.example", {"expires_at": "2026-11-21T23:59:59+00:00"}))

    assert verdict_of(client, BAD) == ("Phishing", "model", 0.9)


@pytest.mark.parametrize("url", [LOCAL, "http://localhost:8080/", "http://router.lan/login"])
def test_a_local_address_is_a_rule_which_a_list_comes_before(scorer, url):
    client, sites, _ = scorer
    assert verdict_of(client, url)[:2] == ("Legitimate", "local address")

    sites.current = lookup(("block", url, {}))
    assert verdict_of(client, url)[:2] == ("Phishing", "block list")


HANDS_ON = f"https://good.example/go?to={BAD}"


@pytest.mark.parametrize("path", ["/predict", "/explain"])
def test_a_url_that_hands_on_one_called_phishing_is_suspicious(scorer, path):
    client, sites, _ = scorer
    assert verdict_of(client, HANDS_ON, path) == ("Suspicious", "embedded url", 0.1)

    sites.current = lookup(("allow", "bad.example", {}))
    assert verdict_of(client, HANDS_ON, path) == ("Legitimate", "model", 0.1)
    sites.current = lookup(("allow", "good.example", {}))
    assert verdict_of(client, HANDS_ON, path) == ("Legitimate", "allow list", 0.1)


def test_a_url_that_hands_on_a_blocked_one_is_suspicious(scorer):
    client, sites, _ = scorer
    url = "https://good.example/go?to=https://fine.example/"
    assert verdict_of(client, url) == ("Legitimate", "model", 0.1)

    sites.current = lookup(("block", "fine.example", {}))
    assert verdict_of(client, url) == ("Suspicious", "embedded url", 0.1)


def test_what_is_phishing_by_itself_stays_so_whatever_it_hands_on(scorer):
    client, _, _ = scorer

    assert verdict_of(client, f"{BAD}?to=https://good.example/")[:2] == ("Phishing", "model")


def test_the_page_says_what_a_url_hands_on(scorer):
    client, _, _ = scorer

    page = client.post("/", data={"text": HANDS_ON}).get_data(as_text=True)

    assert "decided by the URL that it hands on" in page
    assert "hxxp://bad[.]example/login" in page


def test_confidence_is_that_of_the_verdict_given(scorer):
    client, sites, _ = scorer
    sites.current = lookup(("allow", "bad.example", {}), ("block", "good.example", {}))

    confidences = [
        client.post("/predict", json={"url": url}).get_json()["confidence"] for url in (BAD, GOOD)
    ]

    assert confidences == [0.1, 0.1]


def test_many_urls_each_have_their_own_decision_and_are_logged_with_it(scorer):
    client, sites, notes = scorer
    sites.current = lookup(("allow", "bad.example", {}))

    found = client.post("/predict", json={"urls": [BAD, GOOD, LOCAL]}).get_json()["predictions"]

    assert [each["decided_by"] for each in found] == ["allow list", "model", "local address"]
    lines = list(lines_of(notes[-1]))
    assert ['"decided_by":"allow list"' in line for line in lines] == [True, False, False]


@pytest.mark.parametrize("accept", ["text/csv", "application/json", "text/html"])
def test_rows_of_a_file_are_decided_on(scorer, accept):
    client, sites, notes = scorer
    sites.current = lookup(("allow", "bad.example", {}))
    table = f"url\n{BAD}\n{GOOD}\n{LOCAL}\n".encode()

    response = client.post(
        "/predict", data={"file": (io.BytesIO(table), "a.csv")}, headers={"Accept": accept}
    )

    text = response.get_data(as_text=True)
    assert response.status_code == 200
    assert "allow list" in text
    assert "local address" in text
    metrics = client.get("/metrics").get_data(as_text=True)
    assert 'nightcatch_predictions_total{pipeline="urls",verdict="Legitimate"} 3.0' in metrics
    assert '"decided_by":"allow list"' in next(iter(lines_of(notes[-1])))


@pytest.mark.parametrize("accept", ["text/csv", "application/json", "text/html"])
def test_a_row_that_hands_on_phishing_is_suspicious(scorer, accept):
    client, _, _ = scorer
    table = f"url\n{HANDS_ON}\n".encode()

    response = client.post(
        "/predict", data={"file": (io.BytesIO(table), "a.csv")}, headers={"Accept": accept}
    )

    assert "embedded url" in response.get_data(as_text=True)
    metrics = client.get("/metrics").get_data(as_text=True)
    assert 'nightcatch_predictions_total{pipeline="urls",verdict="Suspicious"} 1.0' in metrics


def test_a_row_of_an_inference_request_is_decided_on(scorer):
    client, sites, _ = scorer
    sites.current = lookup(("allow", "bad.example", {}))
    tensor = {"name": "url", "shape": [1, 1], "datatype": "BYTES", "data": [BAD]}

    outputs = client.post("/v2/models/urls/infer", json={"inputs": [tensor]}).get_json()["outputs"]

    assert ["Legitimate"] in [output["data"] for output in outputs]
