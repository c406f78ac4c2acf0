"""Whatever is sent is answered: a verdict, or a problem that is the client's; never a 5xx."""

import gzip
import hashlib
import io
import json

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.settings import Limits
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, app_of, following

LIMITS = Limits(json_bytes=300_000, upload_bytes=300_000, records=50, csv_rows=500)
ROUTES = ["/predict", "/predict?explain=true", "/explain", "/feedback", "/v2/models/sites/infer"]
URLS = ["/predict", "/explain", "/v2/models/urls/infer"]


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "keys").write_text(f"ann {hashlib.sha256(b'secret').hexdigest()}\n")
    app = app_of(
        {
            "sites": following("sites", onnx_graphs.logistic()),
            "urls": following("urls", onnx_graphs.text_classifier(), **TEXT),
        },
        LIMITS,
        access=Access(ApiKeys(folder / "keys")),
        outbox=DeliveryQueue(folder / "outbox", 10**6),
    )
    app.config["PROPAGATE_EXCEPTIONS"] = False
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = "secret"
    return client


def check(answer):
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400 and answer.mimetype != "text/html":
        assert answer.content_type == "application/problem+json"
        assert answer.json["status"] == answer.status_code
        assert answer.json["detail"]
    return answer


fuzz = settings(
    max_examples=120,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
NUMBERS = (
    st.integers()
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.sampled_from([10**400, -(10**40), 1e308, 5e-324, 2**63, -0.0, 2.0**-149])
)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text(st.characters(), max_size=8)
NAMES = st.text(max_size=4)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
RECORDS = st.fixed_dictionaries({"a": VALUES, "b": VALUES}, optional={"c": VALUES}) | VALUES
BODIES = st.one_of(
    VALUES,
    st.builds(lambda kind, item: {kind: item}, st.sampled_from(["record", "url"]), RECORDS),
    st.builds(
        lambda kind, items: {kind: items},
        st.sampled_from(["records", "urls", "feedback"]),
        st.lists(RECORDS, max_size=4) | VALUES,
    ),
    st.fixed_dictionaries({"record": RECORDS, "pipeline": VALUES}),
)
TENSORS = st.fixed_dictionaries(
    {
        "inputs": st.lists(
            st.fixed_dictionaries(
                {
                    "name": st.just("X") | VALUES,
                    "shape": st.lists(st.integers(-2, 3), max_size=3) | VALUES,
                    "datatype": st.sampled_from(["FP32", "INT64", "BYTES"]) | VALUES,
                    "data": st.lists(NUMBERS, max_size=6) | VALUES,
                }
            ),
            max_size=2,
        )
        | VALUES
    },
    optional={"id": VALUES, "outputs": VALUES, "parameters": VALUES},
)


@pytest.mark.parametrize("route", ROUTES)
@fuzz
@given(body=BODIES)
def test_any_json_is_answered(client, route, body):
    check(client.post(route, data=json.dumps(body), content_type="application/json"))


@pytest.mark.parametrize("model", ["sites", "urls", "nobody"])
@fuzz
@given(body=TENSORS)
def test_any_tensor_is_answered(client, model, body):
    check(client.post(f"/v2/models/{model}/infer", json=body))


@fuzz
@given(body=st.binary(max_size=200), kind=st.sampled_from(["json", "text", ""]))
@example(body=b"[" * 200_000, kind="json")
@example(body=b'{"record":' * 20_000, kind="json")
@example(body=b'{"record": {"a": 1, "a": 2, "b": 1}}', kind="json")
@example(body=b'{"record": {"a": NaN, "b": -Infinity}}', kind="json")
@example(body=b'{"record": {"a": 1' + b"0" * 100_000 + b', "b": 1}}', kind="json")
@example(body=b'\xff\xfe{"record": {}}', kind="json")
@example(body=b'{"url": "\\ud800"}', kind="json")
@example(body=gzip.compress(b" " * 10_000_000), kind="json")
def test_any_bytes_are_answered(client, body, kind):
    types = {"json": "application/json", "text": "text/plain", "": None}
    for route in ROUTES:
        check(client.post(route, data=body, content_type=types[kind]))


@fuzz
@given(text=st.text(st.characters(), max_size=200) | st.from_regex(r"[a-z]+://.{0,80}"))
def test_any_text_is_an_address_or_refused(client, text):
    for route in URLS[:2]:
        check(client.post(route, data=json.dumps({"url": text}), content_type="application/json"))


PASTED = st.lists(
    st.text(max_size=20)
    | st.sampled_from(["http://a.example/", "hxxp://b[.]example", "<a href=", "[", "{", "url", ","])
    | st.sampled_from(
        ["From: a@b.example", "Subject: x", "\n", "a,b", "1,1", '{"records": [{', "\0"]
    )
).map("".join)


@fuzz
@given(text=PASTED, accept=st.sampled_from(["text/html", "text/csv", "application/json"]))
@example(text="http://a.example/ " * 20_000, accept="text/html")
@example(text='[{"a": 1, "b": 1}, {"a": [], "b": {}}]', accept="text/html")
@example(text='["a.example", ""]', accept="text/html")
def test_any_pasted_text_is_answered(client, text, accept):
    check(client.post("/", data={"text": text}, headers={"Accept": accept}))


@fuzz
@given(fields=st.dictionaries(st.sampled_from(["a", "b", "pipeline", "c"]), st.text(max_size=5)))
def test_any_record_of_the_page_is_answered(client, fields):
    check(client.post("/", data=fields))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"record": {"a": 1}}, 422),
        ({"record": {"a": 1, "b": 1, "c": 1}}, 422),
        ({"record": {"a": "1", "b": 1}}, 422),
        ({"record": {"a": 5, "b": 1}}, 422),
        ({"record": {"a": 10**400, "b": 1}}, 422),
        ({"record": {f"column {n}": 1 for n in range(10_000)}}, 422),
        ({"records": [{"a": 1, "b": 1}] * 51}, 422),
        ({"record": {"a": None, "b": None}}, 200),
    ],
    ids=["missing", "unknown", "type", "range", "huge", "columns", "records", "imputed"],
)  # fmt: skip
def test_what_is_wrong_is_named(client, body, status):
    answer = check(client.post("/predict", json=body))

    assert answer.status_code == status


def upload(client, body, accept, name="file", route="/predict"):
    form = {name: (io.BytesIO(body), "sites.csv")}
    return client.post(route, data=form, headers={"Accept": accept})


CELLS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(["1", "-1", "?", ""])
TABLES = st.builds(
    lambda header, rows, comma, ending: ending.join(comma.join(row) for row in [header, *rows]),
    st.sampled_from([["a", "b"], ["b", "x", "a"], ["url"], ["a", "a"], ["é", "a", "b"]])
    | st.lists(CELLS, max_size=4),
    st.lists(st.lists(CELLS, min_size=1, max_size=3), max_size=5),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
)


@fuzz
@given(table=TABLES, encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_any_table_is_answered(client, table, encoding):
    for accept in ("application/json", "text/csv", "text/html"):
        check(upload(client, table.encode(encoding), accept))
        check(upload(client, table.encode(encoding), accept, route="/"))


@fuzz
@given(body=st.binary(max_size=300), accept=st.sampled_from(["text/csv", "text/html", "*/*", "x"]))
@example(body=b",".join(b"c%d" % n for n in range(20_000)) + b"\n", accept="text/csv")
@example(body=b"a" * 250_000, accept="text/csv")
@example(body=b'a,b\n"' + b"\n" * 100_000, accept="text/csv")
@example(body=b"a,b\n" + b"1,1\n" * 501, accept="text/html")
@example(body=b"a,b\n" + b"," * 100_000, accept="text/csv")
@example(body=b"\x00" * 1000, accept="text/csv")
@example(body=gzip.compress(b"a,b\n" + b"1,1\n" * 100_000), accept="text/csv")
def test_any_file_is_answered(client, body, accept):
    check(upload(client, body, accept))
    check(upload(client, body, accept, route="/"))


@fuzz
@given(body=st.binary(max_size=300), boundary=st.text("abc", min_size=1, max_size=3))
def test_any_form_is_answered(client, body, boundary):
    content_type = f"multipart/form-data; boundary={boundary}"
    body = body.replace(b"\xff", f"--{boundary}".encode())
    check(client.post("/predict", data=body, content_type=content_type))
    check(client.post("/", data=body, content_type=content_type))


def test_a_form_of_too_many_parts_is_refused(client):
    form = {f"part {n}": "x" for n in range(2_000)}
    answer = client.post("/predict", data=form, content_type="multipart/form-data")

    assert check(answer).status_code == 413
