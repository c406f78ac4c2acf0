"""What an answer should have been is taken from known clients, checked, and kept before the 202."""

import gzip
import hashlib
import json
import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from include.inference.prediction_ids import new_id
from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.serving.state import EXTENSION
from include.services.scorer.settings import Limits
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, app_of, following

KEY = {"X-API-Key": "secret"}
IN_10889 = "ffffffffffff"


@pytest.fixture
def outbox(tmp_path):
    return DeliveryQueue(tmp_path / "outbox", 10**6)


@pytest.fixture
def access(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"ann {hashlib.sha256(b'secret').hexdigest()}\n")
    return Access(ApiKeys(path))


@pytest.fixture
def client(outbox, access):
    followers = {
        "sites": following("sites", onnx_graphs.logistic()),
        "urls": following("urls", onnx_graphs.text_classifier(), **TEXT),
    }
    return app_of(followers, Limits(records=3), access=access, outbox=outbox).test_client()


def label(response_id=None, **changes):
    response_id = response_id or old_id("sites")
    return {"id": response_id, "label": "Phishing", "source": "analyst", **changes}


def old_id(pipeline, number=""):
    """An id of before the application's clock, which tests set."""
    return "019a0000b911" + new_id(pipeline)[12:] + number


def kept(outbox):
    found = {}
    for batch in outbox.waiting():
        lines = gzip.decompress(batch.path.read_bytes()).splitlines()
        found[batch.pipeline] = [json.loads(line) for line in lines]
    return found


def test_a_label_is_on_disk_when_it_is_accepted_and_says_who_gave_it(client, outbox):
    answer = client.post("/feedback", json=label(), headers=KEY)
    (lines,) = kept(outbox).values()
    (batch,) = outbox.waiting()

    assert (answer.status_code, answer.json) == (202, {"accepted": 1})
    assert lines[0].items() > {"label": "Phishing", "source": "analyst", "client": "ann"}.items()
    assert (batch.kind, batch.pipeline, batch.day) == ("feedback", "sites", lines[0]["time"][:10])


def test_labels_go_to_the_pipeline_that_gave_the_answer(client, outbox):
    answers = {"sites": old_id("sites", "-0"), "urls": old_id("urls", "-17")}
    body = {"feedback": [label(response_id) for response_id in answers.values()]}

    assert client.post("/feedback", json=body, headers=KEY).json == {"accepted": 2}
    assert {name: lines[0]["id"] for name, lines in kept(outbox).items()} == answers


@pytest.mark.parametrize(
    ("entry", "field", "rule"),
    [
        (label("0" * 32), "id", "id"),
        (label(old_id("sites") + "-01"), "id", "id"),
        (label(old_id("nobody")), "id", "id"),
        (label(IN_10889 + old_id("sites")[12:]), "id", "id"),
        (label(id=7), "id", "id"),
        (label(label="phishing"), "label", "allowed"),
        (label(label=["Phishing"]), "label", "allowed"),
        (label(source=""), "source", "length"),
        (label(source="x" * 101), "source", "length"),
        (label(source=None), "source", "length"),
        (label(source="a\nb"), "source", "type"),
        (label(comment="x" * 501), "comment", "length"),
        (label(comment=7), "comment", "length"),
        (label(comment="a\nb"), "comment", "type"),
        ({"id": "x"}, None, "type"),
        (7, None, "type"),
    ],
)
def test_a_broken_label_is_named_and_nothing_is_kept(client, outbox, entry, field, rule):
    answer = client.post("/feedback", json={"feedback": [label(), entry]}, headers=KEY)
    (fault,) = answer.json["errors"]

    assert answer.status_code == 422
    assert (fault.get("field"), fault["rule"]) == (field, rule)
    assert fault["pointer"] == "#/feedback/1" + (f"/{field}" if field else "")
    assert outbox.waiting() == []


@pytest.mark.parametrize(
    "body", [7, [], {"feedback": []}, {"feedback": [label()] * 4}, {"feedback": [label()], "x": 1}]
)
def test_a_body_that_is_no_feedback_is_refused(client, body):
    assert client.post("/feedback", json=body, headers=KEY).status_code == 422


def test_it_needs_a_key_also_where_scoring_needs_none(client, outbox):
    open_to_all = app_of({"sites": following("sites", onnx_graphs.logistic())}, outbox=outbox)
    answer = open_to_all.test_client().post("/feedback", json=label())

    assert client.post("/feedback", json=label()).status_code == 401
    assert answer.status_code == 403
    assert "NIGHTCATCH_API_KEYS_FILE" in answer.json["detail"]


def test_a_label_that_the_disk_does_not_take_is_not_accepted(access, tmp_path):
    full = DeliveryQueue(tmp_path / "full", 10)
    followers = {"sites": following("sites", onnx_graphs.logistic())}
    client = app_of(followers, access=access, outbox=full).test_client()
    answer = client.post("/feedback", json=label(), headers=KEY)

    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def test_traffic_that_makes_room_for_a_label_is_counted_as_dropped(access, tmp_path):
    queue = DeliveryQueue(tmp_path / "queue", 350)
    queue.add("traffic", "sites", "2026-11-21", [os.urandom(220).hex(), "{}"])
    followers = {"sites": following("sites", onnx_graphs.logistic())}
    client = app_of(followers, access=access, outbox=queue).test_client()

    assert client.post("/feedback", json=label(), headers=KEY).status_code == 202
    assert [batch.kind for batch in queue.waiting()] == ["feedback"]
    metrics = client.get("/metrics").text
    assert 'nightcatch_traffic_rows_total{outcome="dropped"} 2.0' in metrics


def test_the_id_of_an_answer_is_taken_back(client):
    scorer = client.application.extensions[EXTENSION]
    client.application.extensions[EXTENSION] = replace(scorer, now=lambda: datetime.now(UTC))
    said = client.post("/predict", json={"record": {"a": 1, "b": -1}}, headers=KEY).json

    assert client.post("/feedback", json=label(said["id"]), headers=KEY).status_code == 202
