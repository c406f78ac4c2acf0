"""Schemathesis reads /openapi.json and asks whatever it allows and forbids."""

import hashlib

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from include.pipelines.sites.records import FIELDS
from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.settings import Limits
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, app_of, following

HEADERS = {"X-API-Key": "secret"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemathesis")
    (folder / "keys").write_text(f"ann {hashlib.sha256(b'secret').hexdigest()}\n")
    app = app_of(
        {
            "sites": following("sites", onnx_graphs.logistic([-0.2] * len(FIELDS)), inputs=FIELDS),
            "urls": following("urls", onnx_graphs.text_classifier(), **TEXT),
        },
        Limits(records=4),
        access=Access(ApiKeys(folder / "keys")),
        outbox=DeliveryQueue(folder / "outbox", 10**6),
    )
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


ASKED = [
    "POST /predict",
    "POST /explain",
    "POST /feedback",
    "POST /v4/threatMatches:find",
    "POST /v2/models/{model_name}/infer",
    "POST /v2/models/{model_name}/versions/{version}/infer",
]
LOOKED_AT = [
    "GET /admission",
    "GET /models/{pipeline}/report",
    "GET /v2/models/{model_name}",
    "GET /v2/models/{model_name}/ready",
    "GET /v2/models/{model_name}/versions/{version}",
    "GET /v2/models/{model_name}/versions/{version}/ready",
    "GET /health/live",
    "GET /health/ready",
    "GET /version",
    "GET /metrics",
    "GET /v2",
    "GET /v2/health/live",
    "GET /v2/health/ready",
]


def try_out(api, route, mode, max_examples):
    method, path = route.split()

    @settings(
        max_examples=max_examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=api[path][method].as_strategy(generation_mode=mode))
    def ask(case):
        case.call_and_validate(checks=CHECKS, headers=HEADERS)

    ask()


def test_no_route_is_left_out(api):
    assert {each.ok().label for each in api.get_all_operations()} == {*ASKED, *LOOKED_AT}


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize("route", ASKED)
def test_every_answer_is_one_that_the_document_describes(api, route, mode, is_full_run):
    try_out(api, route, mode, max_examples=50 if is_full_run else 8)


@pytest.mark.parametrize("route", LOOKED_AT)
def test_every_look_is_answered_as_the_document_describes(api, route):
    try_out(api, route, GenerationMode.POSITIVE, max_examples=3)
