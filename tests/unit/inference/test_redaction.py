"""A redacted URL keeps its shape and loses what may be secret."""

import csv
import gzip

import pandas as pd
import pytest

from include.inference.redaction import redact_text, redact_url
from include.inference.traffic_record import TrafficRecord, lines_of
from include.pipelines.urls import PIPELINE
from include.pipelines.urls.records import URL
from include.validation.categories import categorise, shares
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, in_production


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        (
            "https://bank.example/reset/8f3aB2c?token=abc123&lang=en",
            "https://bank.example/reset/0x0xX0x?token=xxx000&lang=xx",
        ),
        ("https://ann:pw@bank.example:8443/login", "https://bank.example:8443/login"),
        (
            "http://a.example/wp-content/plugins/index.php",
            "http://a.example/wp-content/plugins/index.php",
        ),
        ("https://a.example/users/john-smith/?x", "https://a.example/users/xxxx-xxxxx/?x"),
        ("https://a.example/phone/06-12-34-56-78", "https://a.example/phone/00-00-00-00-00"),
        ("https://a.example/#john.doe@b.invalid", "https://a.example/#xxxx.xxx@x.xxxxxxx"),
        ("https://a.example/#/reset/k1k2k3?code=k1", "https://a.example/#/reset/x0x0x0?code=x0"),
        ("https://a.example/?k3k4k5k6&k5k6k7=1", "https://a.example/?x0x0x0x0&x0x0x0=0"),
        ("https://a.example/%256a%256f%2568%256e", "https://a.example/xxxx"),
        ("https://a.example/?q=%D0%B8%D0%B2%D0%B0%D0%BD%201", "https://a.example/?q=xxxx%200"),
        ("hxxps://bad[.]example/id/4711", "https://bad.example/id/0000"),
        (
            "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa.example%2Fdoc%2F4711"
            "&data=05%7C01%7Cuser%40company.example",
            "https://a.example/doc/0000",
        ),
        ("a.example", "a.example"),
    ],
)  # fmt: skip
def test_what_is_left_of_a_url(url, kept):
    assert redact_url(url) == kept
    assert redact_url(kept) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("analyst", "analyst"),
        ("audit 2026", "audit 2026"),
        ("ann@corp.example, by mail", "xxx@xxxx.xxxxxxx, by mail"),
        ("ticket https://a.example/ab12cd/#x", "ticket https://a.example/xx00xx/#x"),
        ("case 7f3b9c2e", "case 0x0x0x0x"),
    ],
)
def test_what_is_left_of_free_text(text, kept):
    assert redact_text(text) == kept


def test_a_line_names_redacted_inputs_as_such_and_what_holds_no_secret_stays():
    urls = in_production("urls", onnx_graphs.text_classifier(), **TEXT)
    sites = in_production("sites", onnx_graphs.logistic())
    sent = {"url": "https://a.example/?token=k1k2"}
    of_url = TrafficRecord("a" * 32, urls.pointer, urls.manifest, [sent], [0.5])
    of_site = TrafficRecord("a" * 32, sites.pointer, sites.manifest, [{"a": 1, "b": None}], [0.5])
    (line,) = lines_of(of_url, is_redacted=True)
    (hashed,) = lines_of(of_url, b"a key", is_redacted=True)
    (numbers,) = lines_of(of_site, is_redacted=True)
    harmless = of_url._replace(items=[{"url": "https://a.example/login"}])
    (plain,) = lines_of(harmless, is_redacted=True)

    assert '"redacted_inputs":{"url":"https://a.example/?token=x0x0"}' in line
    assert '"inputs"' not in line + hashed
    assert "inputs_hmac" in hashed
    assert "inputs_hmac" not in line
    assert '"inputs":{"a":1,"b":null}' in numbers
    assert '"inputs":{"url":"https://a.example/login"}' in plain


def records(urls):
    frame = pd.DataFrame({URL: list(urls)})
    empty = {field.name: None for field in PIPELINE.columns if field.name not in frame}
    return frame.assign(_id="x", **empty)


def check_drift(now, then):
    """Every watched column of redacted URLs lies as far from the reference as of the others."""
    reference = PIPELINE.watched(records(then))
    figures = []
    for urls in (now, map(redact_url, now)):
        watched = PIPELINE.watched(records(urls))
        figures.append(
            {
                name: shares(*categorise(watched[name], reference[name])).kl
                for name in ("suffix", "length", "depth", "home_page", "number_host")
            }
        )
    plain, redacted = figures

    assert redacted == pytest.approx(plain, abs=0.01)


def test_drift_of_simulated_urls_is_that_of_the_urls_as_they_were_sent():
    then, now = ([each[URL] for each in PIPELINE.simulate(2_000, seed)] for seed in (1, 2))

    check_drift(now, then)


def test_drift_of_real_urls_is_that_of_the_urls_as_they_were_sent(data_dir):
    def urls_of(name):
        with gzip.open(data_dir / name, "rt", newline="") as file:
            return [row["url"] for row in csv.DictReader(file)]

    check_drift(urls_of("urls_dev.csv.gz")[::3], urls_of("urls_train.csv.gz")[::10])
