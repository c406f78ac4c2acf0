"""Slices of both pipelines: every record is in one part of each way to part them, in words."""

import pandas as pd
import pytest

from include import pipelines


def of(name, **columns):
    return pipelines.get(name).slices(pd.DataFrame(columns)).to_dict("list")


def test_sites_are_parted_by_what_their_columns_mean():
    records = pd.DataFrame(pipelines.get("sites").simulate(50, 0))
    records.loc[3, "SSLfinal_State"] = None
    parts = pipelines.get("sites").slices(records)

    assert set(parts["having_IP_Address"]) <= {
        "an IP address instead of a domain name",
        "a domain name",
    }
    assert parts.loc[3, "SSLfinal_State"] == "missing"
    assert parts.notna().all(axis=None)


@pytest.mark.parametrize(
    ("url", "tld", "length", "page"),
    [
        pytest.param("https://www.example.com/", ".com", "up to 25 characters", None, id="com"),
        pytest.param("http://ab.org/x", "other original", "up to 25 characters", "a path"),
        pytest.param(
            "http://shop.co.uk/" + "p" * 30, "of a country", "26 to 50 characters", "a path"
        ),
        pytest.param("evil.top/" + "p" * 60, "new generic", "51 to 75 characters", "a path"),
        pytest.param("http://10.0.0.1/" + "p" * 90, "none: an IP address", None, "a path"),
    ],
)
def test_urls_are_parted_by_their_strings(url, tld, length, page):
    parts = of(
        "urls", url=[url], source=["feed"], first_seen=[pd.Timestamp("2026-05-01", tz="UTC")]
    )

    assert parts["top-level domain"] == [tld]
    assert length is None or parts["length"] == [length]
    assert page is None or parts["page"] == [page]


@pytest.mark.parametrize(
    ("url", "purpose", "site"),
    [
        ("https://www.paypal.com/signin", "a log-in page", "a brand's own"),
        ("https://login.example.org/", "a log-in page", ""),
        ("https://bank.example.org/account/login.php", "a log-in page", ""),
        ("https://blog.example.org/blogging-in", "", ""),
        ("https://evil-paypal.github.io/signin", "a log-in page", "a hosting platform"),
        ("https://mail.google.com/", "", "a brand's own"),
        ("https://ann.substack.com/p/one", "", "a hosting platform"),
    ],
)
def test_pages_that_matter_most_are_slices(url, purpose, site):
    parts = of("urls", url=[url], source=["feed"], first_seen=pd.to_datetime([None], utc=True))

    assert (parts["purpose"], parts["site"]) == ([purpose], [site])


def test_rare_sources_of_urls_are_one_slice():
    sources = [*(f"list-{number}" for number in range(12) for _ in range(3)), "rare", "rarer"]
    parts = of(
        "urls",
        url=["a.com"] * len(sources),
        source=sources,
        first_seen=pd.to_datetime([None] * len(sources), utc=True),
    )

    assert parts["source"][-2:] == ["others", "others"]
    assert parts["source"][:-2] == sources[:-2]


def test_the_last_months_of_urls_are_told_apart():
    months = [f"2026-{month:02d}-03" for month in range(1, 7)]
    parts = of(
        "urls",
        url=["a.com"] * 7,
        source=["feed"] * 6 + [None],
        first_seen=pd.to_datetime([*months, None], utc=True),
    )

    assert parts["first seen"] == [
        "earlier", "earlier", "2026-03", "2026-04", "2026-05", "2026-06", "not known",
    ]  # fmt: skip
    assert parts["source"] == ["feed"] * 6 + ["unknown"]
