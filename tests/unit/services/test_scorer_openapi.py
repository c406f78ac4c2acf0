"""What /openapi.json says of the service is true of it."""

import hashlib

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from include.pipelines.sites.records import FIELDS
from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, app_of, following
from tests.support.signed_versions import version_name


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("openapi")
    (folder / "keys").write_text(f"ann {hashlib.sha256(b'secret').hexdigest()}\n")
    fields = {
        "access": Access(ApiKeys(folder / "keys")),
        "outbox": DeliveryQueue(folder / "outbox", 10**6),
    }
    followers = {
        "sites": following("sites", onnx_graphs.logistic([-0.2] * len(FIELDS)), inputs=FIELDS),
        "urls": following("urls", onnx_graphs.text_classifier(), **TEXT),
    }
    client = app_of(followers, **fields).test_client()
    client.environ_base["HTTP_X_API_KEY"] = "secret"
    return client


@pytest.fixture(scope="module")
def document(client):
    return client.get("/openapi.json").json


def schema(document, *path):
    """A schema of the document that resolves its own references."""
    found = document["paths"]
    for part in path:
        found = found[part]
    return {**found, "components": document["components"]}


def body_schema(document, path):
    content = document["paths"][path]["post"]["requestBody"]["content"]
    return {**content["application/json"]["schema"], "components": document["components"]}


def answer_schema(document, path, status, media_type):
    answer = document["paths"][path]["post"]["responses"][str(status)]["content"]
    return {**answer[media_type]["schema"], "components": document["components"]}


def questions(document):
    """Every path that takes JSON, with its examples."""
    for path, methods in document["paths"].items():
        if "requestBody" in methods.get("post", {}):
            media = methods["post"]["requestBody"]["content"]["application/json"]
            for example in media["examples"].values():
                yield path, example["value"]


def test_it_is_openapi_3_1_with_sound_schemas_and_no_dangling_reference(document):
    assert document["openapi"] == "3.1.0"
    names = document["components"]["schemas"]

    def check(node):
        if isinstance(node, dict):
            if "$ref" in node:
                assert node["$ref"].removeprefix("#/components/schemas/") in names
            for child in node.values():
                check(child)
        elif isinstance(node, list):
            for child in node:
                check(child)

    check(document)
    for one in names.values():
        Draft202012Validator.check_schema(one)


def test_every_described_route_is_there_and_every_route_is_described(client, document):
    routes = {rule.rule for rule in client.application.url_map.iter_rules()}
    described = {path.replace("{", "<").replace("}", ">") for path in document["paths"]}
    pages = {"/", "/r/<token>", "/docs", "/openapi.json", "/static/<path:filename>"}

    assert described == routes - pages


def test_the_meaning_of_an_input_is_the_manifests(document):
    record = document["components"]["schemas"]["Record_sites"]

    assert record["properties"]["age_of_domain"]["enum"] == [-1, 1, None]
    assert "younger than six months" in record["properties"]["age_of_domain"]["description"]
    assert len(record["required"]) == len(FIELDS)


def test_examples_are_valid_and_answered_as_described(client, document):
    met = set()
    for path, example in questions(document):
        jsonschema.validate(example, body_schema(document, path))
        target = path.replace("{model_name}", "sites").replace("{version}", version_name(1))
        answer = client.post(target, json=example)
        met.add(path)

        status = 202 if path == "/feedback" else 200
        assert answer.status_code == status, (path, answer.text)
        jsonschema.validate(answer.json, answer_schema(document, path, status, "application/json"))
    assert met >= {"/predict", "/explain", "/feedback"}


VALUES = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=3)
TEXTS = VALUES | st.sampled_from(["a.example/x", "hxxp://a[.]example"])
RECORDS = st.one_of(
    st.fixed_dictionaries({field.name: st.sampled_from([-1, 1, None]) for field in FIELDS}),
    st.fixed_dictionaries(
        {field.name: st.sampled_from(field.allowed) for field in FIELDS}
        | {"Redirect": st.integers(-1, 2) | st.floats(0, 1) | st.booleans()}
    ),
    st.dictionaries(st.text(max_size=3), VALUES, max_size=3),
    VALUES,
)
BODIES = st.one_of(
    RECORDS.map(lambda record: {"record": record}),
    st.lists(RECORDS, max_size=3).map(lambda records: {"records": records, "pipeline": None}),
    TEXTS.map(lambda url: {"url": url}),
    st.lists(TEXTS, max_size=3).map(lambda urls: {"urls": urls}),
    st.dictionaries(st.sampled_from(["url", "urls", "record", "pipeline", "x"]), VALUES),
    VALUES,
)


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(body=BODIES)
def test_what_the_schema_allows_is_answered_and_only_that(client, document, body):
    answer = client.post("/predict", json=body)
    is_valid = Draft202012Validator(body_schema(document, "/predict")).is_valid(body)

    assert answer.status_code < 500
    media_type = answer.mimetype
    jsonschema.validate(
        answer.json, answer_schema(document, "/predict", answer.status_code, media_type)
    )
    if answer.status_code == 404:  # a pipeline may be asked for by a name that none has
        assert body.get("pipeline") is not None
    elif is_valid and answer.status_code == 422:  # JSON Schema cannot tell what a browser opens
        assert {error["rule"] for error in answer.json["errors"]} == {"url"}
    else:
        assert is_valid == (answer.status_code == 200)


def test_the_document_is_there_before_any_model_is(client):
    empty = app_of({}).test_client()

    assert empty.get("/openapi.json").json["paths"]["/predict"]
    assert empty.get("/docs").status_code == 200
