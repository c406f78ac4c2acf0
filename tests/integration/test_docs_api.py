"""`docs/api.md`: each example is sent to a real scorer, each call of Airflow is one that it has."""

import csv
import hashlib
import importlib.util
import io
import json
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import pytest
import requests
import yaml

from include import pipelines
from include.features.feature_sets import URLS
from include.urls.reference.build import built_in_bytes
from tests.support import doc_pages, onnx_graphs
from tests.support.scorer_app import app_of
from tests.support.scorer_bucket import ScorerBucket
from tests.support.scorer_process import ScorerProcess, of_each_worker
from tests.support.signed_versions import Version, promote, version_name

PAGE = doc_pages.ROOT / "docs" / "api.md"
SCORER, AIRFLOW = "http://127.0.0.1:8000", "http://127.0.0.1:8080"
EXAMPLE = re.compile(r"^```sh\n(curl [^\n]*)\n```\n\n```(json|csv|text)\n(.*?)^```$", re.M | re.S)
CALLS = [line for block in doc_pages.blocks(PAGE, "sh") for line in block.splitlines()]
OPENAPI = "api_fastapi/core_api/openapi/v2-rest-api-generated.yaml"
SHOWN_VERSION = "20261121T020513Z-3f9a1c2b"  # of the pipeline `urls`
BAD = "http://suspicious-example.com/"


def words_of(call):
    """The `curl` of a line, as a shell would part it."""
    return shlex.split(call[call.index("curl ") :].partition(" | ")[0])


def asked(call):
    """Method, address, headers, body and form of a `curl` command."""
    words = iter(words_of(call)[1:])
    found = {"method": None, "headers": {}, "data": None, "form": []}
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            found["headers"][name] = value
        elif word in ("-d", "-X", "-F"):
            value = next(words)
            if word == "-F":
                found["form"].append(value.partition("=")[::2])
            else:
                found["data" if word == "-d" else "method"] = value
        elif word != "-s":
            assert word.startswith("http"), f"the test does not know {word}"
            found["url"] = word
    sends = found["data"] is not None or found["form"]
    found["method"] = found["method"] or ("POST" if sends else "GET")
    return found


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The files that the page lets its reader write."""
    folder = tmp_path_factory.mktemp("reader")
    for name, text in doc_pages.files_in(PAGE).items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def scorer(s3, bucket, tmp_path):
    """A scorer of both pipelines that knows the page's key."""
    site = ScorerBucket(s3, bucket, tmp_path)
    sites = {"model.onnx": onnx_graphs.logistic([-0.5] * 30), "report.html": b"<!doctype html>"}
    urls = {"model.onnx": onnx_graphs.text_classifier([BAD]), "reference.bin": built_in_bytes()}
    for number, (name, body) in enumerate({"sites": sites, "urls": urls}.items(), start=1):
        inputs = pipelines.get(name).inputs
        version = Featured(version_name(number), files=body, pipeline=name, inputs=inputs)
        promote(site.store, version, site.trainer, site.approver)
    keys = tmp_path / "keys"
    keys.write_text(f"ann {hashlib.sha256(b'a key').hexdigest()}\n")
    env = {"NIGHTCATCH_PIPELINES": "sites,urls", "NIGHTCATCH_API_KEYS_FILE": str(keys)}
    process = ScorerProcess(tmp_path, {**site.env, **env})
    process.start("/health/ready")
    process.wait_until(
        lambda: {status for status, _ in of_each_worker(process, "/models/sites/report")} == {200}
    )
    yield process
    process.kill()


class Featured(Version):
    """A version whose manifest names the features of a model of URLs."""

    def manifest(self, **changes):
        features = {"features": URLS.name} if self.pipeline == "urls" else {}
        return super().manifest(**features, **changes)


def send(scorer, call, files):
    """The answer to a `curl` command; a key is sent along, as a client of the page would."""
    it = asked(call)
    data, form = it["data"], [(name, value) for name, value in it["form"] if value[0] != "@"]
    if data and data[0] == "@":
        data = (files / data[1:]).read_text()
    parts = [
        (name, (files / value[1:]).read_bytes()) for name, value in it["form"] if value[0] == "@"
    ]
    headers = {"Authorization": "Bearer a key", **it["headers"]}
    url = it["url"].replace(SCORER, scorer.url).replace(SHOWN_VERSION, version_name(2))
    body = {"data": dict(form), "files": dict(parts)} if parts else {"data": data}
    return requests.request(it["method"], url, headers=headers, timeout=60, **body)


def shape(value):
    """A JSON value with what it holds replaced by what kind of thing that is."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value[:1]]
    return {bool: "boolean", str: "text", type(None): "any"}.get(type(value), "number")


def alike(shown, given):
    """Whether two shapes are one; what is null on either side may be anything."""
    if "any" in (shown, given):
        return True
    if isinstance(shown, dict) and isinstance(given, dict):
        return shown.keys() == given.keys() and all(alike(shown[k], given[k]) for k in shown)
    if isinstance(shown, list) and isinstance(given, list):
        return all(alike(*both) for both in zip(shown, given, strict=False))
    return shown == given


def check(call, kind, shown, answer):
    if kind == "json":
        expected = json.loads(shown)
        problem = answer.headers["Content-Type"] == "application/problem+json"
        assert answer.status_code == (expected["status"] if problem else answer.status_code)
        assert problem or answer.ok, answer.text
        assert alike(shape(expected), shape(answer.json())), f"{call}\n{answer.text}"
    elif kind == "csv":
        mine, theirs = (list(csv.reader(io.StringIO(text))) for text in (shown, answer.text))
        assert mine[0] == theirs[0]
        assert [len(row) for row in mine] == [len(row) for row in theirs]
    else:
        names = {re.match(r"[\w]+", line)[0] for line in shown.splitlines()}
        assert names <= set(re.findall(r"^\w+", answer.text, re.M))


def test_every_example_is_answered_as_the_page_shows(scorer, files):
    examples = EXAMPLE.findall(PAGE.read_text())
    for call, kind, shown in examples:
        check(call, kind, shown, send(scorer, call, files))
    shown_only = [call for call in CALLS if SCORER in call and call not in dict_of(examples)]
    for call in shown_only:
        assert send(scorer, call, files).status_code == 200, call

    assert len(examples) >= 18
    assert len(shown_only) == 4


def dict_of(examples):
    return {call: (kind, shown) for call, kind, shown in examples}


def test_the_page_has_every_route_of_the_service_and_an_example_of_it():
    rules = [rule for rule in app_of({}).url_map.iter_rules() if rule.endpoint != "static"]
    routes = {
        f"{method} {rule.rule.replace('<path:', '<')}"
        for rule in rules
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    table = set(re.findall(r"^\| `((?:GET|POST) /[^`]*)` \|", PAGE.read_text(), re.M))
    examples = [asked(call) for call in CALLS if SCORER in call]
    without = {
        route
        for route in routes
        if not any(matches(route, each["method"], each["url"]) for each in examples)
    }

    assert table == routes
    assert without == set()


def matches(route, method, url):
    known, path = route.split(" ")
    pattern = re.sub(r"[<{][^>}]*[>}]", "[^/]+", path)
    return known == method and re.fullmatch(pattern, urlsplit(url).path) is not None


@pytest.fixture(scope="module")
def airflow_api():
    package = importlib.util.find_spec("airflow").submodule_search_locations[0]
    return yaml.safe_load((Path(package) / OPENAPI).read_text())


@pytest.mark.parametrize("call", [c for c in CALLS if AIRFLOW in c and "/auth/token" not in c])
def test_airflow_has_each_call_and_takes_its_body_and_query(airflow_api, call):
    it = asked(call)
    paths, path = airflow_api["paths"], urlsplit(it["url"]).path
    routes = [path] if path in paths else [p for p in paths if matches(f"GET {p}", "GET", path)]
    (operation,) = (op for p in routes if (op := paths[p].get(it["method"].lower())))
    known = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}

    assert {part.partition("=")[0] for part in urlsplit(it["url"]).query.split("&")} <= {*known, ""}
    if it["data"]:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        components = {"components": airflow_api["components"]}
        jsonschema.validate(json.loads(it["data"]), {**components, **schema})
