"""CloudEvents as their specification wants them."""

import json
import re
from datetime import datetime

import pytest

from include.contract.pointer import Pointer
from include.notify.events import (
    EventReceiver,
    decision_event,
    parse_event,
    rejection_event,
)
from tests.support.receivers import http_receiver
from tests.support.signed_versions import version_name

REQUIRED = {"specversion", "id", "source", "type"}


def pointer(number, serial):
    at = "2026-11-21T02:06:00+00:00"
    return Pointer("sites", version_name(number), serial, "ab" * 32, "ann", at, "a test", "run-1")


EVENTS = {
    "promoted": decision_event("nightcatch", pointer(2, 2), pointer(1, 1)),
    "rolled_back": decision_event("nightcatch", pointer(1, 3), pointer(2, 2)),
    "rejected": rejection_event(
        "nightcatch", "sites", version_name(3), "run-3", ["too bad"], "2026-11-21T02:06:00+00:00"
    ),
}


@pytest.mark.parametrize("decision", EVENTS)
def test_an_event_is_a_cloud_event_in_structured_json(decision):
    with http_receiver("/events") as posts:
        EventReceiver(posts.url).send(EVENTS[decision])
    ((_, headers, body),) = posts.got
    document = json.loads(body)

    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert document.keys() >= REQUIRED
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in document)
    assert all(document[name] and isinstance(document[name], str) for name in REQUIRED)
    assert document["specversion"] == "1.0"
    assert document["type"] == f"com.nightcatch.model.{decision}"
    assert document["source"] == "s3://nightcatch/models/sites/"
    assert document["subject"] == document["data"]["version"]
    assert datetime.fromisoformat(document["time"]).tzinfo is not None
    assert document["datacontenttype"] == "application/json"
    assert parse_event(body) == EVENTS[decision]


def test_each_decision_has_an_id_of_its_own_and_keeps_it():
    again = decision_event("nightcatch", pointer(2, 2), pointer(1, 1))

    assert again.to_json() == EVENTS["promoted"].to_json()
    assert len({event.id for event in EVENTS.values()}) == len(EVENTS)


def test_the_first_version_of_all_is_promoted():
    event = decision_event("nightcatch", pointer(1, 1), None)

    assert event.type == "com.nightcatch.model.promoted"
    assert event.data["previous_version"] is None
