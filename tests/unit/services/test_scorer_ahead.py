"""Questions that are scored together are answered as if each had been asked by itself."""

import json
from types import SimpleNamespace

import pytest

from include.services.scorer import gunicorn_conf
from include.services.scorer.ahead import EXTENSION, Ahead
from include.services.scorer.catalogue import Catalogue
from include.services.scorer.settings import Limits
from tests import graphs
from tests.answering import TEXT, app_of, following, in_force, without_ids

BODIES = {
    "a record": {"record": {"a": 1, "b": -1}},
    "another record": {"record": {"a": -1, "b": None}},
    "a URL": {"url": "http://bad.example/"},
    "a pipeline": {"pipeline": "sites", "record": {"a": 0, "b": 1}},
    "wrong value": {"record": {"a": 7, "b": 1}},
    "missing column": {"record": {"a": 1}},
    "unknown pipeline": {"pipeline": "nowhere", "record": {"a": 1, "b": 1}},
    "several": {"records": [{"a": 1, "b": 1}, {"a": 1, "b": -1}]},
    "no object": [1],
}
SCORED = ["a record", "another record", "a URL", "a pipeline"]


def spelled(name):
    return json.dumps(BODIES[name]).encode()


@pytest.fixture
def followers():
    return {
        "sites": following("sites", graphs.logistic()),
        "urls": following("urls", graphs.text_classifier(), **TEXT),
    }


@pytest.fixture
def app(followers):
    return app_of(followers)


@pytest.fixture
def ahead(app):
    return app.extensions[EXTENSION]


def ask(app, name):
    """The status and the answer to a body, asked at the place of the same name."""
    response = app.test_client().post(
        "/predict",
        data=spelled(name),
        content_type="application/json",
        environ_base={"gunicorn.socket": name},
    )
    return response.status_code, without_ids(response.get_json())


def test_what_was_scored_together_is_answered_as_before(app, ahead):
    alone = {name: ask(app, name) for name in BODIES}
    ahead.score((name, spelled(name)) for name in BODIES)

    assert {name: ask(app, name) for name in BODIES} == alone
    assert [alone[name][0] for name in SCORED] == [200] * len(SCORED)


def test_only_single_items_without_a_fault_are_scored_and_once(ahead):
    ahead.score((name, spelled(name)) for name in BODIES)
    taken = [name for name in BODIES if ahead.take(name, spelled(name))]

    assert taken == SCORED
    assert ahead.take("a record", spelled("a record")) is None


def test_the_version_that_scored_is_the_one_that_is_named(app, ahead, followers):
    ahead.score((name, spelled(name)) for name in SCORED)
    before = followers["sites"].in_force
    followers["sites"].in_force = in_force("sites", graphs.constant(0.25))
    _, scored_before = ask(app, "a record")
    _, scored_after = ask(app, "a record")

    assert scored_before["probability"] != 0.25
    assert scored_before["model"]["serial"] == before.pointer.serial
    assert scored_after["probability"] == 0.25


def test_a_score_is_for_its_body_at_its_place_until_it_is_forgotten(ahead):
    ahead.score([("here", spelled("a record")), ("there", spelled("a record"))])

    assert ahead.take("here", spelled("another record")) is None
    assert ahead.take("elsewhere", spelled("a record")) is None
    ahead.forget()
    assert ahead.take("there", spelled("a record")) is None


def test_an_item_without_an_answer_costs_the_others_none(app, ahead, followers):
    followers["sites"].in_force = in_force("sites", graphs.linear((0.2, -0.4), 0.6))
    ahead.score((name, spelled(name)) for name in SCORED)
    answers = {name: ask(app, name) for name in SCORED}

    assert answers.pop("a record")[0] == 422  # 1.2 is no probability
    assert {status for status, _ in answers.values()} == {200}


def test_the_worker_is_shown_what_its_application_has(app, ahead):
    with_it, without = SimpleNamespace(wsgi=app), SimpleNamespace(wsgi=SimpleNamespace())
    without.wsgi.extensions = {}
    gunicorn_conf.post_worker_init(with_it)
    gunicorn_conf.post_worker_init(without)

    assert isinstance(with_it.ahead, Ahead)
    assert without.ahead is None


def test_without_a_model_nothing_is_scored():
    empty = Ahead(Catalogue({}), Limits())
    empty.score([("here", spelled("a record"))])

    assert empty.take("here", spelled("a record")) is None
