"""The Labels page in a browser, over a real MongoDB, bucket and feed server."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pymongo
import pytest
from fastapi import Depends, HTTPException
from fastapi.testclient import TestClient

from include import pipelines
from include.ingest.feeds.fetch import Target
from include.ingest.feeds.pull import Collector
from include.ingest.feeds.settings import FeedSettings
from include.registry.follow.verify import TrustedKeys
from include.run.label_opinion import RecordOpinion
from include.stores.objects import ObjectStore
from include.web.labels.app import Wiring, labels_app
from tests.support.feed_server import FeedServer
from tests.support.signed_versions import Signer, promote, url_version
from tests.support.web_pages import serving

URLS = pipelines.get("urls")
OWN = {"X-NightCatch": "labels"}
HOSTILE = "https://www.paypal.com/<script>document.title='owned'</script>"
# Doubtful: pages of a site that everybody uses, and one that is stored as legitimate.
DOUBTFUL = (
    "https://www.paypal.com/signin",
    HOSTILE,
    "https://user@xn--pypal-4ve.com:8443/login?next=%2Fhome",
    "https://www.chase.com/a/" + "long" * 80,
)


@dataclass(frozen=True)
class Desk:
    """A page, and what lies behind it."""

    database: pymongo.database.Database
    collector: Collector
    feeds: FeedServer
    wiring: Wiring

    def pull(self, name, urls, label="phishing", at=None):
        feed = FeedSettings(
            name, f"{self.feeds.url}/{name}", "list", label, f"licence of {name}", "none", "here",
            enabled=True, allow_private=True,
        )  # fmt: skip
        self.feeds.contents[f"/{name}"] = "".join(f"{url}\n" for url in urls).encode()
        at = at or datetime.now(UTC) - timedelta(days=2)
        return self.collector.pull(feed, Target(f"{self.feeds.url}/{name}", {}), at)

    def app(self, guards=()):
        return labels_app(self.wiring, guards)

    def client(self, guards=()):
        return TestClient(self.app(guards))

    def held(self, url):
        return self.database["held_labels"].find_one({"record.url": url})

    def stored(self, url):
        return {each["label"]: each for each in self.database["urls"].find({"url": url})}


@pytest.fixture(scope="module")
def bucket_store(s3):
    name = f"labels-{secrets.token_hex(6)}"
    s3.client().create_bucket(Bucket=name)
    store = ObjectStore(s3.client(), name)
    yield store
    for key in list(store.keys_under("")):
        store.delete(key)
    s3.client().delete_bucket(Bucket=name)


@pytest.fixture(scope="module")
def ask_model(bucket_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    trainer, approver = (Signer.new(folder, name) for name in ("trainer", "approver"))
    promote(bucket_store, url_version(1, ["https://xn--pypal-4ve.com/"]), trainer, approver)
    trusted = TrustedKeys(approver.trusted, trainer.trusted, 50_000_000)
    return RecordOpinion(lambda: bucket_store, lambda: trusted)


def refused():
    raise HTTPException(403, "You may not decide")


@pytest.fixture
def desk(database, feed_server, tmp_path, ask_model):
    wiring = Wiring(
        database=lambda: database,
        pipelines={name: pipelines.get(name) for name in pipelines.names()},
        ask_model=ask_model,
        may_decide=lambda: True,
        reviewer=lambda: "ann",
    )
    made = Desk(database, Collector(database, URLS, tmp_path), feed_server, wiring)
    made.pull("good", [DOUBTFUL[2], "https://other.xn--pypal-4ve.com/"], "legitimate")
    made.pull("partner", [*DOUBTFUL, *(f"http://a{n}.example/" for n in range(30))])
    return made


def test_what_waits_is_taken_apart_and_shown_with_all_that_is_known_of_it(desk):
    key = desk.held(DOUBTFUL[2])["_id"]
    page = desk.client().get("/urls", params={"entry": key}).text

    assert "Waiting: 4" in page
    assert (
        '<span class="muted">https://user@</span><strong>xn--pypal-4ve.com</strong>'
        ":8443/login?next=%2Fhome"
    ) in page
    assert "Its host reads as" in page
    assert "(licence of partner)" in page and "legitimate by good" in page
    assert "Phishing, probability of phishing 0.900" in page
    assert "other." in page and "licence of good" in page
    assert 'href="/dags/change_list" data-top' in page
    assert 'href="http' not in page


def test_a_decision_needs_the_page_a_right_and_the_state_that_was_seen(desk):
    held = desk.held(DOUBTFUL[0])
    body = {"id": held["_id"], "verdict": "confirm", "reason": "seen", "seen": "waiting"}
    client, reader = (
        desk.client(),
        TestClient(
            labels_app(
                Wiring(**{**vars(desk.wiring), "reviewer": refused, "may_decide": lambda: False}),
                (),
            )
        ),
    )

    foreign = [{}, {**OWN, "Sec-Fetch-Site": "cross-site"}, {**OWN, "Sec-Fetch-Site": "same-site"}]
    assert {
        client.post("/urls/decide", json=body, headers=each).status_code for each in foreign
    } == {403}
    assert reader.post("/urls/decide", json=body, headers=OWN).status_code == 403
    assert "data-verdict" not in reader.get("/urls").text
    assert desk.held(DOUBTFUL[0])["state"] == "waiting"
    assert client.post("/urls/decide", json=body, headers=OWN).json()["state"] == "confirmed"
    again = client.post("/urls/decide", json=body, headers=OWN)
    assert (again.status_code, again.json()["detail"]) == (
        409,
        "ann changed it to confirmed meanwhile",
    )
    assert client.post("/urls/decide", json={**body, "reason": ""}, headers=OWN).status_code == 422


@pytest.mark.parametrize("code", [401, 403])
def test_nothing_is_served_to_whom_a_guard_refuses(desk, code):
    def refuse():
        raise HTTPException(code)

    client = desk.client([Depends(refuse)])
    paths = ("/", "/urls", "/urls/feeds", "/urls/upload", "/-/labels.js")
    found = [client.get(path).status_code for path in paths]
    found += [
        client.post(f"/urls/{path}", headers=OWN).status_code
        for path in ("decide", "decide-all", "accept", "upload?name=a&digest=b")
    ]

    assert found == [code] * len(found)


def test_a_reviewer_decides_by_keyboard_and_undoes(desk, chromium):
    first, second = DOUBTFUL[0], HOSTILE
    with serving(desk.app()) as address:
        chromium.problems.clear()
        chromium.show_at(1280, 900)
        chromium.open(f"{address}/urls")
        chromium.page.fill("#why", "a phishing kit")
        chromium.page.locator("h1").click()
        opened = desk.database["held_labels"].find_one(sort=[("held_at", 1), ("_id", 1)])
        chromium.page.keyboard.press("p")
        chromium.wait_for("document.querySelector('#said [data-undo]')")
        stored = desk.stored(opened["record"]["url"])[1]
        assert (stored["reviewed_by"], stored["sources"][0]["name"]) == ("ann", "partner")
        chosen = desk.database["held_labels"].find_one({"_id": opened["_id"]})
        assert chosen["decision_reason"] == "a phishing kit"
        chromium.page.keyboard.press("u")
        chromium.wait_for("document.getElementById('said').textContent.startsWith('Waits again')")
        assert 1 not in desk.stored(opened["record"]["url"])
        key = desk.held(second)["_id"]
        chromium.open(f"{address}/urls?entry={key}")
        assert chromium.run("document.title") == "Labels: urls"
        chromium.page.keyboard.press("l")
        chromium.wait_for("document.querySelector('#said [data-undo]')")
        assert desk.stored(second)[0]["sources"][0]["name"] == "review"
        assert chromium.run("document.querySelectorAll('main script, main img').length") == 0
        assert first not in chromium.run(
            "[...document.querySelectorAll('a')].map((each) => each.href)"
        )
        assert chromium.problems == []


UPLOAD = f"""url,label,first_seen
http://a.example/1,1,2026-11-01
javascript:alert(1),1,2026-11-01
http://b.example/{HOSTILE},0,2026-11-01
http://c.example/1,maybe,2026-11-01
"""


def test_an_uploaded_file_shows_its_bad_cells_and_loads_its_good_rows(desk, chromium, tmp_path):
    (tmp_path / "mine.csv").write_text(UPLOAD)
    before = desk.database["urls"].count_documents({})
    with serving(desk.app()) as address:
        chromium.problems.clear()
        for width, scheme in ((390, "dark"), (1280, "light")):
            chromium.show_at(width, 900, scheme)
            chromium.open(f"{address}/urls/upload")
            chromium.page.set_input_files("#file", tmp_path / "mine.csv")
            chromium.page.click("#upload [type=submit]")
            chromium.wait_for("document.getElementById('load')")
            assert chromium.run("document.documentElement.scrollWidth") <= width
            assert chromium.axe_violations() == {}
        cells = "[...document.querySelectorAll('.bad-cell')].map((each) => each.textContent)"
        assert chromium.run(cells) == ["javascript:alert(1)", "maybe"]
        assert desk.database["urls"].count_documents({}) == before
        chromium.page.click("#load")
        chromium.wait_for("document.getElementById('loaded')")
        assert "Loaded 2 records of mine.csv" in chromium.run("document.body.innerText")
        assert chromium.run("document.title") == "Labels: urls"
        assert chromium.problems == []
    landed = desk.stored("http://a.example/1")[1]
    assert (landed["source"], landed["loaded_from"]) == ("upload by ann", "upload by ann: mine.csv")
    assert desk.database["urls"].count_documents({}) == before + 2


def test_quarantined_lines_are_fixed_on_the_page_and_loaded(desk, chromium, tmp_path):
    (tmp_path / "mine.csv").write_text(UPLOAD)
    field = "#shown input[aria-label='{} of line {}']"
    with serving(desk.app()) as address:
        chromium.problems.clear()
        chromium.show_at(390, 900)
        chromium.open(f"{address}/urls/upload")
        chromium.page.set_input_files("#file", tmp_path / "mine.csv")
        chromium.page.click("#upload [type=submit]")
        chromium.page.click("#load")
        chromium.page.click("#fix")
        chromium.wait_for("document.getElementById('said').textContent === 'No line was changed.'")
        assert chromium.run("document.documentElement.scrollWidth") <= 390
        assert chromium.axe_violations() == {}
        chromium.page.fill(field.format("url", 3), 'http://d.example/?q="1,2"')
        chromium.page.fill(field.format("label", 5), "phishing?")
        chromium.page.click("#fix")
        chromium.page.click("#load")
        chromium.wait_for("document.body.innerText.includes('Loaded 1 records of fixed lines')")
        chromium.page.fill(field.format("label", 3), "0")
        chromium.page.click("#fix")
        chromium.page.click("#load")
        chromium.wait_for("document.body.innerText.includes('0 lines are quarantined')")
        assert chromium.problems == []
    first, second = (
        desk.stored('http://d.example/?q="1,2"')[1],
        desk.stored("http://c.example/1")[0],
    )
    assert first["loaded_from"] == "upload by ann: fixed lines of mine.csv"
    assert f"{second['first_seen']:%Y-%m-%d}" == "2026-11-01"


def test_what_is_no_upload_is_refused_with_the_reason(desk):
    client = desk.client()

    def send(body, pipeline="urls", path="/preview", **query):
        query = {"name": "a.csv", **query}
        answer = client.post(f"/{pipeline}/upload{path}", content=body, params=query, headers=OWN)
        return answer.status_code, answer.text

    assert send(b"x" * 10_000_001)[0] == 413
    assert "unpack it first" in send(b"\x1f\x8b" + b"x" * 99)[1]
    assert "a.csv" in send(b"<!DOCTYPE html><html></html>")[1]
    assert "changed since" in send(b"http://a.example/", path="", digest="0")[1]
    assert client.post("/urls/upload/preview?name=a", content=b"x").status_code == 403
    columns = [field.name for field in pipelines.get("sites").inputs]
    values = ["1"] * len(columns)
    sheet = "\n".join(
        [",".join([*columns, "Result"]), ",".join([*values, "1"]), ",".join(["7", *values])]
    )
    status, page = send(sheet.encode(), "sites")
    assert (status, page.count("bad-cell")) == (200, 1)
    assert f"{columns[0]}: 7 is none of" in page


def test_the_pages_fit_and_break_no_rule_of_accessibility(desk, chromium):
    decided = {
        "id": desk.held(DOUBTFUL[0])["_id"],
        "verdict": "reject",
        "reason": "ours",
        "seen": "",
    }
    desk.client().post("/urls/decide", json=decided, headers=OWN)
    group = "feed=partner&reason=a+page+of+a+site+that+nearly+everybody+uses"
    paths = ("", f"?{group}", "?state=decided", "/feeds", "/upload")
    with serving(desk.app()) as address:
        for width, scheme in ((1280, "light"), (390, "dark")):
            for path in paths:
                chromium.problems.clear()
                chromium.show_at(width, 900, scheme)
                chromium.open(f"{address}/urls{path}")
                assert chromium.problems == []
                assert chromium.run("document.documentElement.scrollWidth") <= width, (path, width)
                assert chromium.axe_violations() == {}, (path, width, scheme)
