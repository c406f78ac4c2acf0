"""The page of the scorer, as its forms send it: without a script, and by whom it may be sent."""

import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from include.contract.lists import DecisionList
from include.inference.listed import ListLookup
from include.pipelines.sites.records import FIELDS
from include.registry.lists import list_entry
from include.services.scorer.desk.links import KEPT_DAYS, ResultLinks
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, app_of, following

BAD = "http://bad.example/login"
SAFE_LINK = "https://eur01.safelinks.protection.outlook.com/?url=http%3A%2F%2Fbad.example%2F"
MAIL = f"""From: "Parcels" <parcels@a.example>
Subject: Your parcel
Content-Type: text/html; charset=utf-8

<p>Your parcel waits: <a href="{BAD}?id=7&amp;x=1">https://www.example.org/</a>
 or hxxp://bad[.]example/a; <a href="{SAFE_LINK}">here</a>. Terms: https://c.example/t</p>
"""


@dataclass
class Followed:
    """Stands where a ListFollower stands."""

    current: ListLookup | None = None


class Clock:
    """The application's time, which a test may change."""

    later = timedelta()

    def __call__(self):
        return datetime.now(UTC) + self.later


@pytest.fixture(scope="module")
def followers():
    return {
        "sites": following("sites", onnx_graphs.logistic([-0.2] * len(FIELDS)), inputs=FIELDS),
        "urls": following("urls", onnx_graphs.text_classifier(), **TEXT),
    }


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sites():
    return Followed()


@pytest.fixture
def client(followers, clock, sites):
    links = ResultLinks(b"a secret of a deployment")
    return app_of(followers, now=clock, links=links, lists={"urls": sites}).test_client()


def page_of(client, text, status=200, **headers):
    answer = client.post("/", data={"text": text}, headers=headers)

    assert answer.status_code == status
    return unescape(answer.text).partition('id="answer"')[2].partition('class="models"')[0]


def predictions(client, text):
    answer = client.post("/", data={"text": text}, headers={"Accept": "application/json"})
    return answer.json


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        pytest.param(f"{BAD}\nhttps://a.example/", [BAD, "https://a.example/"], id="lines"),
        pytest.param("a.example\n\nb.example", ["a.example", "b.example"], id="hosts"),
        pytest.param(f"See {BAD}, or (a[.]example).", [BAD, "a.example"], id="prose"),
        pytest.param(json.dumps([BAD, "a.example"]), [BAD, "a.example"], id="JSON"),
        pytest.param(f"[x]({BAD}) [y](http://b.example)", [BAD, "http://b.example"], id="Markdown"),
        pytest.param(f"url,by\n{BAD},ann\na.example,bob", [BAD, "a.example"], id="CSV"),
        pytest.param(
            MAIL,
            [
                f"{BAD}?id=7&x=1",
                "http://bad.example/",
                "https://www.example.org/",
                "http://bad.example/a",
                "https://c.example/t",
            ],
            id="e-mail",
        ),
    ],
)
def test_the_urls_of_a_text_are_found(client, text, urls):
    assert [each["scored_url"] for each in predictions(client, text)["predictions"]] == urls


def test_one_url_of_a_text_is_explained_with_what_was_read(client):
    shown = page_of(client, f"Look: {SAFE_LINK}")

    assert '<strong class="phishing">Phishing</strong>' in shown
    assert '<strong class="domain">bad.example</strong>' in shown
    assert "Found in the text." in shown
    assert f"Sent was <code>{SAFE_LINK}</code>" in shown
    assert "out of a link of Safe Links" in shown
    assert "From 50 % on it is called Phishing" in shown
    assert "hxxp://bad[.]example/" in shown
    assert 'href="http://bad' not in shown


def test_a_record_is_described_by_a_form_without_a_script(client):
    record = {field.name: str(field.allowed[0]) for field in FIELDS} | {"Redirect": ""}
    answer = client.post("/", data={"pipeline": "sites", **record})
    shown = unescape(answer.text)

    assert answer.status_code == 200
    assert "Age of the domain (the domain is younger than six months): raises the odds" in shown
    assert '"value": null' in shown.partition("The response as JSON")[2]


def test_one_bad_row_refuses_that_row_and_says_why(client):
    text = f"{BAD}\nnot-a-host\nhttps://a.example/\n"
    found = predictions(client, text)

    assert [each["prediction"] for each in found["predictions"]] == ["Phishing", "Legitimate"]
    assert found["refused"]["rows"] == 1
    assert "not-a-host" in found["refused"]["errors"][0]["detail"]
    assert found["refused"]["errors"][0]["line"] == 2
    shown = page_of(client, text)
    assert "2 checked" in shown
    assert "Line 2: 'not-a-host' is no host" in shown
    assert "1 is refused; the others are checked" in shown


@pytest.mark.parametrize(
    ("rows", "n_scored", "refused"),
    [
        ("1,1\n1,9\n1,1\n9,1\n", 2, [(3, "b"), (5, "a")]),
        ('1,1\n"1\n",1\n1\n1,1,1\n', 2, [(5, None), (6, None)]),
        ("9,9\n", 0, [(2, "a")]),
        ("1,9\n" * 150 + "1,1\n", 1, [(2, "b")] * 100),
    ],
    ids=["cells", "lengths, row by row", "all", "more than are named"],
)
def test_bad_rows_of_a_file_are_left_out_by_line(rows, n_scored, refused):
    client = app_of({"ab": following("ab", onnx_graphs.logistic())}).test_client()
    sent = {"file": (io.BytesIO(f"a,b\n{rows}".encode()), "a.csv")}
    found = client.post("/", data=sent, headers={"Accept": "application/json"}).json

    assert found["rows"] == len(found["predictions"]) == n_scored
    assert [(e["line"], e.get("column")) for e in found["refused"]["errors"]] == refused


def test_an_e_mail_is_a_file_too(client):
    sent = {"file": (io.BytesIO(MAIL.encode()), "mail.eml")}
    found = client.post("/", data=sent, headers={"Accept": "application/json"})

    assert found.json["rows"] == 5
    assert found.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("text", "status", "why"),
    [
        ("", 422, "nothing was pasted"),
        ("a.example\n" * 10_001, 422, "10,001 lines are more than 10,000: check them as a file"),
        ("no link here", 422, "there is no URL in this text"),
        ("{", 400, "not JSON"),
        ('{"record": {"having_IP_Address": 1}}', 422, "the column is missing"),
        ("hello", 422, "is no host"),
        ("[1, 2]", 422, "a record is an object"),
    ],
)
def test_a_text_that_holds_nothing_is_refused_with_a_page(client, text, status, why):
    assert why in page_of(client, text, status)


def test_a_list_and_a_local_address_give_their_reason(client, sites):
    entry = list_entry(
        "block", "host", "a.example", reason="a campaign", author="ann",
        added_at="2026-11-21T02:06:00+00:00",
    )  # fmt: skip
    sites.current = ListLookup(DecisionList("urls", 1, (entry,)))

    listed, local = page_of(client, "http://a.example/x"), page_of(client, "http://192.168.1.1/")

    assert "ann blocks the host a.example since 2026-11-21: a campaign" in listed
    assert "decided by the block list" in listed
    assert "did not decide" in listed
    assert "one's own machine or network" in local


def link_in(shown):
    return shown.partition('href="/r/')[2].partition('"')[0]


def test_a_link_shows_its_result_again_at_every_scorer_with_the_secret(client, followers):
    token = link_in(page_of(client, BAD))
    other = app_of(
        followers, now=lambda: datetime.now(UTC), links=ResultLinks(b"a secret of a deployment")
    )
    reader = other.test_client()
    shown = reader.get(f"/r/{token}").text

    assert '<strong class="phishing">Phishing</strong>' in shown
    assert f">{BAD}</textarea>" in shown
    assert BAD not in token
    as_json = reader.get(f"/r/{token}", headers={"Accept": "application/json"}).json
    assert as_json["prediction"] == "Phishing"


def test_a_link_that_was_changed_is_of_another_deployment_or_old_shows_nothing(
    client, followers, clock
):
    token = link_in(page_of(client, BAD))
    others = app_of(followers, links=ResultLinks(b"another secret of another")).test_client()
    changed = token[:-5] + ("A" if token[-5] != "A" else "B") + token[-4:]

    assert client.get(f"/r/{changed}").status_code == 404
    assert others.get(f"/r/{token}").status_code == 404
    clock.later = timedelta(days=KEPT_DAYS, minutes=1)
    assert client.get(f"/r/{token}").status_code == 404


def test_no_secret_no_links(followers):
    client = app_of(followers).test_client()

    assert "/r/" not in page_of(client, BAD)
    assert client.get("/r/x").status_code == 404


def test_a_result_that_is_too_long_for_a_link_has_none(client):
    long = BAD + "?" + "".join(f"{n * n % 9973:x}" for n in range(3000))

    assert "/r/" not in page_of(client, long)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_form_of_another_site_is_not_scored(client, headers, status):
    answer = client.post("/", data={"text": BAD}, headers=headers)

    assert answer.status_code == status
    assert ("<article" in answer.text) == (status == 200)
