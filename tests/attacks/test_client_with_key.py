"""Attacks of a client that may ask: small requests that cost much, and large ones that cost all."""

import gc
import json
import time
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from include.features.urls import N_COLUMNS
from include.services.scorer.auth.access import Access
from include.services.scorer.auth.api_keys import ApiKeys
from include.services.scorer.auth.rate_limit import RateLimiter
from include.services.scorer.settings import Limits, RateLimit
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue
from tests.support import onnx_graphs
from tests.support.api_keys import write_keys
from tests.support.scorer_app import TEXT, app_of, following
from tests.support.scorer_bucket import ScorerBucket
from tests.support.scorer_process import ScorerProcess, workers_of

JSON = "application/json"
MAIL = "From: a@a.example\nTo: b@b.example\n"
PASTED = "application/x-www-form-urlencoded"
FORM = "multipart/form-data; boundary=x"
# The larger request is so many times as long as the smaller one. A cost that grows with the square
# of the length is 16 times as high as a linear one.
TIMES = 16
SLACK = 4
ATTEMPTS = 4  # a busy machine disturbs some of them


def fill(text, n):
    """`text` again and again, up to `n` characters."""
    return (text * (n // len(text) + 1))[:n]


def wrapped(n):
    """A link that leads to a link that leads to a link ..."""
    url = "http://a.example/"
    while len(longer := "https://www.google.com/url?q=" + quote(url, safe="")) < n:
        url = longer
    return url


# Text to be read as a URL, by its length.
URLS = {
    "letters beyond ASCII in a label": lambda n: "http://" + fill("ü", n),
    "labels beyond ASCII": lambda n: "http://" + fill("üß.", n) + "com",
    "punycode": lambda n: "http://xn--" + fill("a9", n) + ".com",
    "punycode labels": lambda n: "http://" + fill("xn--80ak6aa92e.", n) + "com",
    "escapes in the host": lambda n: "http://" + fill("%C3%BC", n) + ".com/",
    "escapes in the path": lambda n: "http://a.example/" + fill("%25", n),
    "dots": lambda n: "http://a" + fill(".", n),
    "labels": lambda n: "http://" + fill("a.", n) + "com",
    "ideographic dots": lambda n: "http://" + fill("a。", n) + "com",
    "wrappers": wrapped,
    "links in a query": lambda n: "https://www.google.com/url?" + fill("q=http%253A%252F%252F", n),
    "stars of URLDefense": lambda n: "https://urldefense.com/v3/__http:" + fill("**A", n) + "__;Kw",
    "quotes": lambda n: fill('"', n) + "http://a.example/",
    "pairs": lambda n: fill("('`", n) + "http://a.example/",
    "blanks": lambda n: "http://a.example/" + fill(" ", n) + "x",
    "line ends": lambda n: "http://a.example/" + fill("\n", n) + "x",
    "line ends and blanks": lambda n: "http://a.example/" + fill("\n \t h", n),
    "invisible letters": lambda n: fill("\u200b", n) + "http://a.example/",
    "defanged dots": lambda n: "hxxp://a" + fill("[.]a", n),
    "open brackets": lambda n: "hxxp://a" + fill("[", n),
    "marks of dots": lambda n: "hxxp://a" + fill(" (dot) ", n),
    "defanged schemes": lambda n: fill("hxxp[:]//", n),
    "escaped dots": lambda n: fill("a\\.", n) + "com",
    "user names": lambda n: "http://" + fill("a@", n) + "b.example",
    "colons": lambda n: "http://a" + fill(":", n),
    "slashes": lambda n: "http:" + fill("/\\", n) + "a.example",
    "digits": lambda n: "http://" + fill("1", n),
    "IPv6": lambda n: "http://[" + fill("1:", n) + "]/",
    "folders": lambda n: "http://a.example" + fill("/..", n) + fill("/a", n),
    "parameters": lambda n: "http://a.example/?" + fill("a=b&", n),
    "words": lambda n: "http://a.example/" + fill("login-", n),
}


def url_body(text):
    return json.dumps({"url": text}).encode()


def table(text):
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    return head + text + b"\r\n--x--\r\n"


def records(member):
    return lambda n: ("/predict", JSON, b'{"records": [' + fill(member, n).encode() + b"]}")


def column(cell):
    return lambda n: ("/predict", FORM, table(b"note,a,b\n" + fill(cell, n).encode()))


def tensor(n_bytes, datatype, **fields):
    size = {"binary_data_size": n_bytes}
    inputs = [{"name": "X", "shape": [1], "datatype": datatype, "parameters": size, **fields}]
    return json.dumps({"inputs": inputs}).encode()


def binary(datatype, element):
    def request(n):
        block = element * (n // len(element))
        head = tensor(len(block), datatype)
        length = {"Inference-Header-Content-Length": str(len(head))}
        return "/v2/models/sites/infer", "application/octet-stream", head + block, length

    return request


def pasted(text, before=""):
    """A text in the box of the page, which `before` makes HTML or an e-mail."""
    return lambda n: ("/", PASTED, b"text=" + quote(before + fill(text, n // 2)).encode())


# Path, type and body of a request, by its length; some have headers too.
BODIES = {
    "JSON depth": lambda n: ("/predict", JSON, b"[" * n),
    "JSON depth of objects": lambda n: ("/predict", JSON, b'{"a":' * (n // 5)),
    "empty records": records("{},"),
    "lists": records("[[]],"),
    "long key": lambda n: ("/predict", JSON, b'{"%s": 1}' % (b"k" * n)),
    "many keys": lambda n: (
        "/predict",
        JSON,
        json.dumps({"record": {f"k{i}": 1 for i in range(n // 12)}}).encode(),
    ),
    "key given twice": records('{"a":1,"a":1},'),
    "escapes": lambda n: ("/predict", JSON, b'{"url": "%s"}' % (b"\\u00fc" * (n // 6))),
    "long numbers": records('{"a":' + 4_000 * "1" + "},"),
    "one long number": lambda n: ("/predict", JSON, b'{"record": {"a": %s}}' % (b"1" * n)),
    "JSON blanks": lambda n: ("/predict", JSON, b" " * n),
    "feedback": lambda n: (
        "/feedback",
        JSON,
        json.dumps({"feedback": [{"id": "x", "label": "y", "source": "z"}] * (n // 45)}).encode(),
    ),
    "page of comments": pasted("<!--", "<a>"),
    "page of open links": pasted("<a href='http://a.example", "<a>"),
    "page of instructions": pasted("<?", "<a>"),
    "page of ends": pasted("</a", "<a>"),
    "page of one tag": pasted("x", "<html><a "),
    "page of references": pasted("&#x", "<a>"),
    "text of one URL": pasted("http://a.example "),
    "text of no URL": pasted("http://a..b/% "),
    "text of brackets": pasted("(", "a b http://a.example/"),
    "mail of lines": pasted("\n", MAIL + "\n"),
    "mail of parts": pasted("--b\n\n\n", MAIL + "Content-Type: multipart/mixed; boundary=b\n\n"),
    "mail of parts in parts": pasted("Content-Type: multipart/mixed; boundary=bb\n\n--bb\n", MAIL),
    "mail of quotes": pasted(';\\"', MAIL + 'Content-Type: text/plain; a="'),
    "mail in punycode": pasted("a9", MAIL + "Content-Type: text/plain; charset=punycode\n\n"),
    "mail of mails": pasted("Content-Type: message/rfc822\n\n", MAIL),
    "wide rows": column("1," * 300 + "\n"),
    "wide header": lambda n: ("/predict", FORM, table(fill("c,", n).encode())),
    "long cells": column("x" * 50_000 + ",1,1\n"),
    "quoted quotes": column('"' + '""' * 1_000 + '",1,1\n'),
    "cells of many lines": column('"' + "\n" * 1_000 + '",1,1\n'),
    "one row of many cells": column('"x\n",'),
    "open quote": column('"x,1,1\n'),
    "blank rows": column("\n"),
    "carriage returns": column("x,1,1\r"),
    "other encodings": lambda n: (
        "/predict",
        FORM,
        table(("a,b\n" + fill("\u0a0a", n // 2)).encode("utf-16")),
    ),
    "nearly boundaries": lambda n: ("/predict", FORM, table(fill("\r\n--", n).encode())),
    "many dashes": lambda n: ("/predict", FORM, table(b"-" * n)),
    "no boundary": lambda n: ("/predict", FORM, b"\r" * n),
    "many parts": lambda n: (
        "/predict",
        FORM,
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n' * (n // 55) + b"--x--\r\n",
    ),
    "header of a part": lambda n: ("/predict", FORM, b"--x\r\n" + b"A: b\r\n" * (n // 6)),
    "tensor of nothing": binary("BYTES", b"\0\0\0\0"),
    "tensor of numbers": binary("FP32", b"\0\0\xc0\x7f"),
    "tensor as JSON": lambda n: (
        "/v2/models/sites/infer",
        JSON,
        tensor(0, "FP32", data=[[1]] * (n // 5), parameters={}),
    ),
    "many tensors": lambda n: (
        "/v2/models/sites/infer",
        JSON,
        json.dumps(
            {
                "inputs": [
                    {"name": f"i{i}", "datatype": "FP32", "shape": [0], "data": []}
                    for i in range(n // 64)
                ]
            }
        ).encode(),
    ),
}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scorer")
    app = app_of(
        {
            "sites": following("sites", onnx_graphs.logistic()),
            "urls": following("urls", onnx_graphs.logistic((0.01,) * N_COLUMNS), **TEXT),
        },
        access=Access(ApiKeys(write_keys(folder / "keys", ann="key"))),
        outbox=DeliveryQueue(folder / "outbox", 1_000_000),
    )
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = "key"
    gc.collect()
    gc.freeze()  # as the service does: else what the tests hold is looked through again and again
    yield client
    gc.unfreeze()


def cpu_seconds(client, path, content_type, body, headers=None):
    """What a request costs: the least of several times, as other work only adds to it."""
    times = []
    for _ in range(3):
        began = time.thread_time()
        response = client.post(path, data=body, content_type=content_type, headers=headers)
        times.append(time.thread_time() - began)
        assert response.status_code < 500 or response.status_code == 503
    return min(times)


def check_linear(client, request, n):
    ratios = []
    for _ in range(ATTEMPTS):
        small, large = (cpu_seconds(client, *request(size)) for size in (n, n * TIMES))
        ratios.append(large / max(small, 0.001))
        if ratios[-1] < TIMES * SLACK:
            return
    raise AssertionError(f"{TIMES} times the length costs {ratios} times as much")


@pytest.mark.parametrize("path", ["/predict", "/explain"])
@pytest.mark.parametrize("text", URLS.values(), ids=URLS.keys())
def test_time_for_a_url_grows_with_its_length_and_not_faster(client, path, text):
    check_linear(client, lambda n: (path, JSON, url_body(text(n))), 4_000)


@pytest.mark.parametrize("request_of", BODIES.values(), ids=BODIES.keys())
def test_time_for_a_body_grows_with_its_length_and_not_faster(client, request_of):
    check_linear(client, request_of, 60_000)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"<a href='http://&#{'9' * 5_000};'>&#{'9' * 5_000};</a>", id="number"),
        pytest.param(MAIL + "Content-Type: message/rfc822\n\n" * 3_000, id="mail-of-mails"),
        *(
            pytest.param(MAIL + f"Content-Type: text/plain; charset={codec}\n\n.a..", id=codec)
            for codec in ("idna", "undefined", "unicode_escape", "rot13", "zip", "%00")
        ),
    ],
)
def test_no_text_in_the_box_is_a_fault_of_the_service(client, text):
    assert client.post("/", data={"text": text}).status_code < 500


def test_reasons_that_would_take_long_are_cut_and_the_response_says_so(client):
    parts = "a/" * 500 + "?x=" + "b=&" * 300
    urls = [f"http://user:pw@a.b.evil{i}.example.co.uk:81/{parts}" for i in range(100)]
    answer = client.post("/explain", json={"urls": urls}).json
    explained = ["explanation" in entry for entry in answer["predictions"]]

    assert explained == sorted(explained, reverse=True)
    assert explained[0]
    assert answer["not_explained"] == explained.count(False) > 0


def limited(folder, **limits):
    """A client of ten requests at once, and one more each thousand seconds."""
    access = Access(
        ApiKeys(write_keys(folder / "keys", ann="key")),
        RateLimiter(folder / "limits", RateLimit(0.001, 10), lambda: 1_000_000.0),
    )
    app = app_of(
        {"sites": following("sites", onnx_graphs.logistic())}, Limits(**limits), access=access
    )
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = "key"
    return client


RECORD = {"a": 1, "b": -1}
HEAVY = {
    "many records": {"json": {"records": [RECORD] * 2_000}},
    "many bytes": {"data": b'{"record": {"a": 1, "b": 1}}' + b" " * 1_000_000},
    "many rows": {"data": table(b"a,b\n" + b"1,-1\n" * 2_000), "content_type": FORM},
    "reasons": {"json": {"records": [RECORD] * 20}, "path": "/explain"},
}


@pytest.mark.parametrize("heavy", HEAVY.values(), ids=HEAVY.keys())
def test_a_heavy_request_counts_for_many_against_the_rate_limit(tmp_path, heavy):
    client = limited(tmp_path)
    first = client.post(**{"path": "/predict", "content_type": JSON, **heavy})
    second = client.post("/predict", json={"record": RECORD})

    assert (first.status_code, second.status_code) == (200, 429)
    assert int(second.headers["Retry-After"]) > 0


@pytest.mark.parametrize("accept", ["text/csv", "application/json"])
def test_a_table_of_results_many_times_as_large_as_the_upload_is_refused(tmp_path, accept):
    client = limited(tmp_path, upload_bytes=400_000)
    body = table(b"a,b\n" + b"1,-1\n" * 60_000)
    answer = client.post(
        "/predict", data=body, content_type=FORM, headers={"Accept": accept}, buffered=True
    )

    assert answer.status_code == 413
    assert "in parts" in answer.json["detail"]
    assert client.application.extensions["nightcatch"].files.total == 0


def test_json_of_a_million_small_values_is_not_taken_apart(client):
    answer = client.post("/predict", data=b"[" + b"{}," * 600_000 + b"{}]", content_type=JSON)

    assert (answer.status_code, "values" in answer.json["detail"]) == (422, True)


def test_results_on_disk_are_counted_until_they_are_sent(tmp_path):
    client = limited(tmp_path, upload_bytes=1_000_000)
    files = client.application.extensions["nightcatch"].files
    body = table(b"a,b\n" + b"1,-1\n" * 15_000)
    # Room for this upload, and for no results.
    assert files.reserve("", files.max_bytes - 2 * len(body))
    refused = client.post("/predict", data=body, content_type=FORM)
    files.release("", files.max_bytes - 2 * len(body))

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert files.total == 0
    assert client.post("/predict", data=body, content_type=FORM).status_code == 200


MIB = 1024 * 1024
# docs/operate.md: what a worker takes beyond its models.
MEMORY_BYTES = 450 * MIB
FILE_BYTES = 24 * MIB


@pytest.fixture(scope="module")
def scorer(s3, module_bucket, tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    site = ScorerBucket(s3, module_bucket, folder)
    site.promote(90)
    env = {**site.env, "NIGHTCATCH_TRAFFIC_LOG": "inputs"}
    process = ScorerProcess(folder, env).start("/health/ready")
    process.wait_until(lambda: process.serials() == {1})
    process.rest_bytes = {pid: peak_bytes(pid) for pid in workers_of(process)}
    yield process
    process.kill()


def peak_bytes(pid):
    """The most memory that a process has had at once."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    (line,) = [each for each in status if each.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


# A cell, how often it stands in a row, and what comes between rows.
CELLS = st.sampled_from(
    ["", "1", "ab", "\u00fc\u00fc", '"a\nb"', '"\n"', '""', "x" * 90_000, "\u0a0a" * 40, "1.0000"]
)
WIDTHS = st.sampled_from([1, 30, 998, 100_000])
ENDS = st.sampled_from(["\n", "\r\n", "\r", ""])


@settings(
    max_examples=6,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    cell=CELLS, width=WIDTHS, end=ENDS, n_columns=WIDTHS, accept=st.sampled_from(["json", "html"])
)
@example(cell="ab", width=998, end="\n", n_columns=998, accept="html")
@example(cell='"a\nb"', width=998, end="\n", n_columns=998, accept="json")
@example(cell='"\n"', width=100_000, end="", n_columns=1, accept="json")
def test_memory_of_an_upload_is_bounded_whatever_it_holds(
    scorer, cell, width, end, n_columns, accept
):
    header = ",".join(["a", "b", *(f"c{i}" for i in range(min(n_columns, 1_200)))])
    rest = f",{cell}" * width + end
    # Rows differ, so that none is answered by the memory of another.
    rows = (f"1,-1,{number}{rest}" for number in range(FILE_BYTES // (len(rest) + 7)))
    body = table("".join([header, "\n", *rows]).encode())
    accepted = {"json": "application/json", "html": "text/html"}[accept]
    headers = {"Content-Type": FORM, "Accept": accepted}
    answer = requests.post(f"{scorer.url}/predict", data=body, headers=headers, timeout=300)

    assert answer.status_code in (200, 400, 413, 422)
    # One of the two requests that a worker scores at a time.
    more = [peak_bytes(pid) - rest for pid, rest in scorer.rest_bytes.items()]
    assert max(more) < MEMORY_BYTES // 2
