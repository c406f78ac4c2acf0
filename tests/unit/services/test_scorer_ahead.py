"""Questions that are scored together are answered as if each had been asked by itself."""

import json
from types import SimpleNamespace

import pytest

from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.auth.rate_limit import RateLimiter
from include.services.scorer.serving import gunicorn_conf
from include.services.scorer.serving.catalogue import Catalogue
from include.services.scorer.serving.micro_batch import EXTENSION, Ahead
from include.services.scorer.settings import Limits, RateLimit
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, app_of, following, in_production, without_ids
from tests.unit.services.test_scorer_access import write_keys

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


class Place:
    """Stands where the socket of a request stands."""


PLACES = {name: Place() for name in BODIES}


def spelled(name):
    return json.dumps(BODIES[name]).encode()


@pytest.fixture
def followers():
    return {
        "sites": following("sites", onnx_graphs.logistic()),
        "urls": following("urls", onnx_graphs.text_classifier(), **TEXT),
    }


@pytest.fixture
def app(followers):
    return app_of(followers)


@pytest.fixture
def ahead(app):
    found = app.extensions[EXTENSION]
    for place in PLACES.values():
        found.trusted_keys(place)
    return found


def asked(names):
    return [(PLACES[name], spelled(name)) for name in names]


def ask(app, name, **headers):
    """The status and the answer to a body, asked at its place."""
    response = app.test_client().post(
        "/predict",
        data=spelled(name),
        content_type="application/json",
        headers=headers,
        environ_base={"gunicorn.socket": PLACES[name]},
    )
    return response.status_code, without_ids(response.get_json())


def test_what_was_scored_together_is_answered_as_before(app, ahead):
    alone = {name: ask(app, name) for name in BODIES}
    ahead.score(asked(BODIES))

    assert {name: ask(app, name) for name in BODIES} == alone
    assert [alone[name][0] for name in SCORED] == [200] * len(SCORED)


def test_only_single_items_without_a_fault_are_scored_and_once(ahead):
    ahead.score(asked(BODIES))
    taken = [name for name in BODIES if ahead.take(PLACES[name], spelled(name))]

    assert taken == SCORED
    assert ahead.take(PLACES["a record"], spelled("a record")) is None


def test_the_version_that_scored_is_the_one_that_is_named(app, ahead, followers):
    ahead.score(asked(SCORED))
    before = followers["sites"].in_production
    followers["sites"].in_production = in_production("sites", onnx_graphs.constant(0.25))
    _, scored_before = ask(app, "a record")
    _, scored_after = ask(app, "a record")

    assert scored_before["probability"] != 0.25
    assert scored_before["model"]["serial"] == before.pointer.serial
    assert scored_after["probability"] == 0.25


def test_a_score_is_for_its_body_at_its_place_until_it_is_forgotten(ahead):
    here, there, elsewhere = list(PLACES.values())[:3]
    ahead.score([(here, spelled("a record")), (there, spelled("a record"))])

    assert ahead.take(here, spelled("another record")) is None
    assert ahead.take(elsewhere, spelled("a record")) is None
    ahead.forget()
    assert ahead.take(there, spelled("a record")) is None


def scored(app, ahead, name, key):
    """Whether a question is scored ahead, and the status that it is answered with then."""
    ahead.score(asked([name]))
    was_scored = bool(ahead.take(PLACES[name], spelled(name)))
    return was_scored, ask(app, name, **{"X-API-Key": key})[0]


def test_who_was_not_let_in_has_nothing_scored_ahead(followers, tmp_path):
    keys = ApiKeys(write_keys(tmp_path / "keys", ann="first key"))
    limiter = RateLimiter(tmp_path / "limits", RateLimit(1.0, 3), lambda: 0.0)
    app = app_of(followers, access=Access(keys, limiter))
    ahead = app.extensions[EXTENSION]
    wrong = [scored(app, ahead, "a record", "wrong key") for _ in range(2)]
    right = [scored(app, ahead, "a record", "first key") for _ in range(6)]

    assert wrong == [(False, 401), (False, 401)]
    assert right == [(False, 200), (True, 200), (True, 200), (True, 429)] + 2 * [(False, 429)]
    assert scored(app, ahead, "a URL", "wrong key") == (False, 401)


def test_an_item_without_an_answer_costs_the_others_none(app, ahead, followers):
    followers["sites"].in_production = in_production("sites", onnx_graphs.linear((0.2, -0.4), 0.6))
    ahead.score(asked(SCORED))
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
    empty.trusted_keys(PLACES["a record"])
    empty.score(asked(["a record"]))

    assert empty.take(PLACES["a record"], spelled("a record")) is None
