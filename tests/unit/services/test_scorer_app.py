"""The HTTP answers of DESIGN.md, and a problem for whatever a client does wrong."""

import gzip
import io
import itertools
import json
import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.contract.verdicts import Thresholds
from include.services.scorer.settings import Limits
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, Following, app_of, in_production
from tests.support.signed_versions import version_name

LIMITS = Limits(json_bytes=20_000, upload_bytes=100_000, records=50, csv_rows=5_000)
SITES = {"pipeline": "sites", "version": version_name(1), "serial": 7}


def client_of(followers, limits=LIMITS):
    app = app_of(followers, limits)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app.test_client()


@pytest.fixture
def sites():
    return client_of(
        {"sites": Following(in_production("sites", onnx_graphs.logistic((2.0, -1.0))))}
    )


@pytest.fixture
def both():
    return client_of(
        {
            "sites": Following(in_production("sites", onnx_graphs.logistic((2.0, -1.0)))),
            "urls": Following(in_production("urls", onnx_graphs.text_classifier(), **TEXT)),
        }
    )


def upload(client, body, accept="application/json", **form):
    data = {"file": (io.BytesIO(body), "sites.csv"), **form}
    return client.post("/predict", data=data, headers={"Accept": accept})


def problem_of(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    problem = json.loads(answer.data)
    assert problem["status"] == status
    assert problem["title"]
    return problem


def test_one_record_gets_one_answer(sites):
    answer = sites.post("/predict", json={"record": {"a": 1, "b": -1}}).json

    assert answer.pop("id")
    assert answer == {
        "prediction": "Phishing",
        "confidence": pytest.approx(0.952574),
        "probability": pytest.approx(0.952574),
        "decided_by": "model",
        "model": SITES,
    }


def test_confidence_is_of_the_label_that_is_given(sites):
    answer = sites.post("/predict", json={"record": {"a": -1, "b": 1}}).json

    assert answer["prediction"] == "Legitimate"
    assert answer["probability"] == pytest.approx(0.047426)
    assert answer["confidence"] == pytest.approx(0.952574)


def test_records_are_answered_in_order_with_ids_of_their_own(sites):
    records = [{"a": 1, "b": -1}, {"a": -1, "b": 1}, {"a": None, "b": None}]
    answer = sites.post("/predict", json={"records": records}).json

    assert [entry["prediction"] for entry in answer["predictions"]] == [
        "Phishing",
        "Legitimate",
        "Phishing",
    ]
    assert len({entry["id"] for entry in answer["predictions"]}) == 3
    assert answer["model"] == SITES


@pytest.mark.parametrize(
    ("probability", "verdict", "confidence"),
    [(0.81, "Phishing", 0.81), (0.7, "Suspicious", 0.7), (0.41, "Suspicious", 0.41),
     (0.39, "Legitimate", 0.61)],
)  # fmt: skip
def test_the_thresholds_of_the_manifest_decide(probability, verdict, confidence):
    graph, thresholds = onnx_graphs.constant(probability), Thresholds(0.8, 0.4)
    client = client_of({"sites": Following(in_production("sites", graph, thresholds=thresholds))})
    answer = client.post("/predict", json={"record": {"a": 1, "b": 1}}).json

    assert (answer["prediction"], answer["confidence"]) == (verdict, pytest.approx(confidence))
    assert f'{{pipeline="sites",verdict="{verdict}"}} 1.0' in client.get("/metrics").text


def test_urls_are_answered_by_the_pipeline_that_reads_text(both):
    one = both.post("/predict", json={"url": "http://bad.example/"}).json
    many = both.post("/predict", json={"urls": ["http://a.example/", "http://bad.example/"]}).json

    assert (one["url"], one["prediction"]) == ("http://bad.example/", "Phishing")
    assert one["model"]["pipeline"] == "urls"
    assert [entry["prediction"] for entry in many["predictions"]] == ["Legitimate", "Phishing"]
    assert [entry["url"] for entry in many["predictions"]][1] == "http://bad.example/"
    assert both.post("/predict", json={"record": {"a": 1, "b": 1}}).json["model"] == SITES


def test_urls_are_a_404_where_no_pipeline_reads_them(sites):
    problem = problem_of(sites.post("/predict", json={"url": "http://a.example/"}), 404)

    assert "a URL" in problem["detail"]


def test_a_pipeline_without_a_model_is_a_503():
    client = client_of(
        {"sites": Following(in_production("sites", onnx_graphs.logistic())), "urls": Following()}
    )
    answer = client.post("/predict", json={"url": "http://a.example/"})

    assert "urls" in problem_of(answer, 503)["detail"]
    assert answer.headers["Retry-After"]
    assert client.post("/predict", json={"record": {"a": 1, "b": 1}}).status_code == 200
    problem_of(client.get("/health/ready"), 503)


def test_a_pipeline_can_be_asked_for(both):
    body = {"record": {"a": 1, "b": 1}, "pipeline": "sites"}

    assert both.post("/predict", json=body).json["model"] == SITES
    problem_of(both.post("/predict", json={**body, "pipeline": "urls"}), 404)
    problem_of(both.post("/predict", json={**body, "pipeline": "none"}), 404)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"record": {"a": 1}}, {"pointer": "#/record/b", "field": "b", "rule": "missing"}),
        (
            {"records": [{"a": 1, "b": 1}, {"a": 2, "b": 1}]},
            {"pointer": "#/records/1/a", "field": "a", "rule": "allowed"},
        ),
        (
            {"record": {"a": 1, "b": 1, "x/~y": 1}},
            {"pointer": "#/record/x~1~0y", "field": "x/~y", "rule": "unknown"},
        ),
        ({"records": [3]}, {"pointer": "#/records/0", "rule": "type"}),
    ],
)
def test_a_bad_record_is_a_422_that_points_at_the_field(sites, body, error):
    problem = problem_of(sites.post("/predict", json=body), 422)
    (found,) = problem["errors"]

    assert found.pop("detail")
    assert found == error


@pytest.mark.parametrize("item", [1, None, "", ["x"], "\ud800"])
def test_a_bad_url_is_a_422_that_points_at_it(both, item):
    (error,) = problem_of(both.post("/predict", json={"urls": ["http://x/", item]}), 422)["errors"]

    assert error["pointer"] == "#/urls/1"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"record": {"a": 1' + b"9" * 5000 + b"}}", 400),
        (b"[]", 422),
        (b"null", 422),
        (b"{}", 422),
        (b'{"records": []}', 422),
        (b'{"records": {}}', 422),
        (b'{"records": [], "record": {}}', 422),
        (b'{"other": 1}', 422),
        (b'{"record": {"a": 1, "a": 1, "b": 1}}', 422),
        (b'{"record": {"a": NaN, "b": 1}}', 422),
        (b'{"record": {"a": -Infinity, "b": 1}}', 422),
        (b'{"record": {"a": 1e999, "b": 1}}', 422),
        (b'{"record": {"a": 1, "b": 1}, "pipeline": 3}', 422),
        (b'{"record": {"a": 1, "b": 1}, "pipeline": "\\ud800"}', 404),
        (b'{"records": ' + b"[" * 9000, 422),
        (b'{"records": ' + b"[" * 900 + b"]" * 900 + b"}", 422),
        (b'{"records": [' + b"1," * 50 + b"1]}", 422),
        (b" " * 20_001, 413),
    ],
)
def test_a_hostile_body_is_a_4xx(sites, body, status):
    problem_of(sites.post("/predict", data=body, content_type="application/json"), status)


def test_a_body_of_another_type_is_a_415(sites):
    body = json.dumps({"record": {"a": 1, "b": 1}}).encode()

    problem_of(sites.post("/predict", data=body, content_type="text/plain"), 415)
    problem_of(sites.post("/predict", data=body), 415)
    packed = {"data": gzip.compress(body), "content_type": "application/json"}
    problem_of(sites.post("/predict", **packed, headers={"Content-Encoding": "gzip"}), 415)


def test_other_routes_and_methods_are_problems(sites):
    problem_of(sites.get("/nothing"), 404)
    answer = sites.get("/predict")

    problem_of(answer, 405)
    assert "POST" in answer.headers["Allow"]


CSV = b"name,a,b\n=cmd,1,-1\nplain,-1,1\n"


def test_a_table_is_answered_as_json(sites):
    answer = upload(sites, CSV).json

    assert [entry["prediction"] for entry in answer["predictions"]] == ["Phishing", "Legitimate"]
    assert answer["model"] == SITES
    assert answer["rows"] == 2
    assert answer["by_label"] == {"Phishing": 1, "Suspicious": 0, "Legitimate": 1}
    assert answer["ignored_columns"] == ["name"]


def test_a_table_is_answered_as_csv_with_the_columns_that_were_sent(sites):
    answer = upload(sites, CSV, "text/csv")
    header, first, second = answer.text.splitlines()

    assert answer.mimetype == "text/csv"
    assert header == "name,a,b,prediction,confidence,probability,decided_by,model_version,id"
    assert first.startswith(f"'=cmd,1,-1,Phishing,0.952574,0.952574,model,{version_name(1)},")
    assert second.startswith("plain,-1,1,Legitimate,0.952574,0.047426,")


def test_a_table_is_answered_as_html_without_running_what_it_holds(sites):
    body = b"name,a,b\n<script>alert(1)</script>,1,-1\n" + b"x,-1,1\n" * 1000
    answer = upload(sites, body, "text/html,application/xhtml+xml,*/*;q=0.8")

    assert answer.mimetype == "text/html"
    assert "<script>" not in answer.text
    assert "1,001 checked" in answer.text
    assert "501 rows are shown" in answer.text  # 500 of each verdict: none of the few is left out
    assert answer.text.index('<tr class="is-phishing">') < answer.text.index("95.3 %")
    assert answer.text.count("<tr class=") == 501
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_table_of_urls_goes_to_the_pipeline_that_reads_text(both):
    answer = upload(both, b"url,source\nhttp://bad.example/,x\nhttp://a.example/,y\n").json

    assert [entry["prediction"] for entry in answer["predictions"]] == ["Phishing", "Legitimate"]
    assert answer["model"]["pipeline"] == "urls"


@pytest.mark.parametrize("accept", ["application/json", "text/csv", "text/html"])
def test_a_bad_table_is_a_422_whatever_is_accepted(sites, accept):
    answer = upload(sites, b"a,b\n" + b"1,1\n" * 4990 + b"1,9\n", accept)
    (error,) = problem_of(answer, 422)["errors"]

    assert (error["line"], error["column"], error["rule"]) == (4992, "b", "allowed")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"a\n1\n", 422),
        (b"", 422),
        (b'a,b\n"', 400),
        (b"a,b\n" + b"1,1\n" * 5001, 422),
        (b"a,b\n" + b"1,1\n" * 30_000, 413),
        (b"\x00" * 100, 422),
        (bytes(random.Random(1).randbytes(50_000)), 422),
    ],
    ids=["column", "empty", "quote", "rows", "bytes", "zeros", "noise"],
)
def test_a_hostile_table_is_a_4xx(sites, body, status):
    problem_of(upload(sites, body), status)


def test_a_body_that_is_too_large_is_told_the_limit(sites):
    table = problem_of(upload(sites, b"a,b\n" + b"1,1\n" * 30_000), 413)
    record = problem_of(
        sites.post("/predict", data=b" " * 20_001, content_type="application/json"), 413
    )

    assert "may have 100000 bytes" in table["detail"]
    assert "may have 20000 bytes" in record["detail"]


def test_a_form_without_a_file_is_a_422(sites):
    answer = sites.post("/predict", data={"x": "y"}, content_type="multipart/form-data")

    assert "'file'" in problem_of(answer, 422)["detail"]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/json; charset=utf-8", "application/json"),
        ("text/csv;header=present, application/json;q=0.5", "text/csv"),
        ("text/html;level=1;q=0.2, text/csv;charset=utf-8;q=0.7", "text/csv"),
    ],
)
def test_an_accept_with_parameters_selects_the_media_type(sites, accept, media_type):
    answer = upload(sites, CSV, accept)

    assert (answer.status_code, answer.mimetype) == (200, media_type)


def test_an_unknown_accept_is_a_406(sites):
    problem_of(upload(sites, CSV, "image/png"), 406)


def test_health_version_and_page_name_the_model(sites):
    assert sites.get("/health/live").json == {"status": "live"}
    ready = {"status": "ready", "models": [SITES], "waiting": []}
    assert sites.get("/health/ready").json == ready
    version = sites.get("/version").json
    assert version["build"] == "abc"
    assert version["models"][0]["version"] == version_name(1)
    assert version["models"][0]["approved_by"] == "ann"
    assert version_name(1) in sites.get("/").text


def test_metrics_count_what_happened(sites):
    sites.post("/predict", json={"records": [{"a": 1, "b": -1}, {"a": -1, "b": 1}]})
    sites.post("/predict", json={"record": {}})
    sites.get("/nothing")
    metrics = sites.get("/metrics").text

    for line in (
        'nightcatch_requests_total{method="POST",route="/predict",status="200"} 1.0',
        'nightcatch_requests_total{method="POST",route="/predict",status="422"} 1.0',
        'nightcatch_requests_total{method="any",route="unknown",status="404"} 1.0',
        'nightcatch_predictions_total{pipeline="sites",verdict="Phishing"} 1.0',
        'nightcatch_predictions_total{pipeline="sites",verdict="Legitimate"} 1.0',
        f'nightcatch_model_info{{pipeline="sites",version="{version_name(1)}"}} 1.0',
        'nightcatch_model_serial{pipeline="sites"} 7.0',
        'nightcatch_model_age_seconds{pipeline="sites"} 78887.0',
    ):
        assert line in metrics, line


class AlternatingVersions:
    """Stands where a Follower stands that puts another version in production at every look."""

    def __init__(self, *versions):
        self._versions = itertools.cycle(versions)

    @property
    def in_production(self):
        return next(self._versions)


@pytest.mark.parametrize("is_table", [False, True], ids=["records", "table"])
def test_a_request_ends_on_the_model_it_began_with(is_table):
    low, high = (in_production("sites", onnx_graphs.constant(value)) for value in (0.1, 0.9))
    high = replace(high, pointer=replace(high.pointer, serial=8))
    client = client_of({"sites": AlternatingVersions(low, high)})
    for _ in range(4):
        if is_table:
            rows = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
            body = b"a,b\n" + b"".join(b"%d,%d\n" % row for row in rows for _ in range(500))
            answer = upload(client, body).json
        else:
            answer = client.post("/predict", json={"records": [{"a": 1, "b": 1}] * 3}).json
        expected = 0.1 if answer["model"]["serial"] == 7 else 0.9

        assert {entry["probability"] for entry in answer["predictions"]} == {expected}


CONTENT_TYPES = st.sampled_from(
    [
        "application/json",
        "application/json; charset=utf-16",
        "application/problem+json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=x",
        "multipart/form-data; boundary=" + "x" * 300,
        "application/x-www-form-urlencoded",
        "text/csv",
        ";",
        "",
    ]
)
ACCEPTS = st.sampled_from(["", "*/*", "text/html;q=x", ";q=1,,", "text/*", "application/json"])
PART = b'--x\r\nContent-Disposition: form-data; name="file"%b\r\n\r\na,b\n1,1\n\r\n--x--'
BODIES = st.binary(max_size=300) | st.sampled_from(
    [
        PART % b'; filename="f"',
        PART % b"",
        b"--x\r\n\r\n--x--",
        b"--x\r\n" * 3000,
        b'{"records": [{"a": 1, "b": 1}]}',
        b'{"records": [{"a": 1, "b": 1e400}], "pipeline": null}',
    ]
)


@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(CONTENT_TYPES, ACCEPTS, BODIES)
def test_whatever_is_sent_is_answered_below_500(sites, content_type, accept, body):
    headers = {"Content-Type": content_type, "Accept": accept}
    answer = sites.post("/predict", data=body, headers=headers)

    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert answer.content_type == "application/problem+json"


class Replaced:
    """A model whose successor comes into production while it scores."""

    def __init__(self, model, replace):
        self._model = model
        self._replace = replace

    def __getattr__(self, name):
        return getattr(self._model, name)

    def score(self, matrix):
        self._replace()
        return self._model.score(matrix)


def test_a_request_is_answered_wholly_by_the_model_it_began_with():
    first, second = (in_production("sites", onnx_graphs.constant(value)) for value in (0.1, 0.9))
    second = replace(second, pointer=replace(second.pointer, serial=8))
    followed = Following()
    model = Replaced(first.model, lambda: setattr(followed, "in_production", second))
    followed.in_production = replace(first, model=model)
    client = client_of({"sites": followed})
    one = client.post("/predict", json={"record": {"a": 1, "b": 1}}).json
    followed.in_production = replace(first, model=model)
    rows = [f"{a},{b}" for a in (-1, 0, 1) for b in (-1, 0, 1)] * 5_000
    table = upload(
        client_of({"sites": followed}, Limits()), "\n".join(["a,b", *rows]).encode()
    ).json

    assert (one["probability"], one["model"]["serial"]) == (0.1, 7)
    assert {entry["probability"] for entry in table["predictions"]} == {0.1}
    assert (len(table["predictions"]), table["model"]["serial"]) == (45_000, 7)
    assert client.post("/predict", json={"record": {"a": 1, "b": 1}}).json["model"]["serial"] == 8
