"""The Models page over a real bucket: what it shows, refuses, and never runs."""

import json
import os
import re
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from queue import Queue

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from fastapi.testclient import TestClient

from include.contract import keys
from include.contract.approval_response import ApprovalResponse
from include.contract.first_documents import first_name, signed_first
from include.contract.manifest import describe_file
from include.contract.run_documents import Disagreements, Drawn, Replay, serialise
from include.registry.approve import approve
from include.registry.follow.verify import TrustedKeys
from include.registry.overview import VERSIONS_PER_PAGE, read_overview
from include.registry.publish import publish_version
from include.registry.responses import write_response
from include.registry.retention.sweep import clear
from include.stores.objects import ObjectStore
from include.web.models import Wiring, models_app
from include.web.plot import HEIGHT
from tests.support.signed_versions import Signer, Version, apply_gate, request, version_name
from tests.support.web_pages import serving, unreachable_store, unset_store

FIRST, SECOND, REJECTED, WAITING, NOT_EVALUATED = (version_name(number) for number in range(1, 6))
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
SINCE = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@dataclass(frozen=True)
class VersionsBucket:
    """A bucket with the keys of its trainer and approver."""

    store: ObjectStore
    trainer: Signer
    approver: Signer

    @property
    def trusted_keys(self):
        return TrustedKeys(self.approver.trusted, self.trainer.trusted, 50_000_000)

    def publish(
        self, name, verdicts=None, report=b"<h1>report</h1>", signer=None, metrics=None, **figures
    ):
        files = {"model.onnx": b"graph", keys.REPORT: report}
        test = {"recall": 0.951, "roc_auc": 0.9912, "review_recall": 0.98, "fpr": 0.0091}
        manifest = Version(name).manifest(
            files={file: describe_file(body) for file, body in files.items()},
            metrics={"test": {**test, **figures}, **(metrics or {})},
            model={"family": "LogisticRegression", "params": {}, "run_id": f"run:{name}"},
        )
        signer = signer or self.trainer
        publish_version(
            self.store, manifest, files, signing_key=signer.path, trusted=signer.trusted
        )
        if verdicts is not None:
            said = [
                {
                    "rule": "r",
                    "passed": passed is not False,
                    "evaluated": passed is not None,
                    "sentence": sentence,
                }
                for passed, sentence in verdicts
            ]
            apply_gate(self.store, manifest, said, signer)
        return manifest

    def note(self, name, document, content):
        key = keys.run_file("sites", f"run:{name}", document)
        if isinstance(content, dict):
            content = {"schema_version": 1, "version": name, **content}
        self.store.put(key, json.dumps(content).encode())

    def reject(self, name, by, at, reason):
        place = ("sites", f"run:{name}", name)
        write_response(
            self.store, ApprovalResponse(*place, False, by, at, reason), self.approver.key
        )

    def approve(self, name, run_id, **fields):
        asked = replace(request(name, run_id=run_id), **fields)
        return approve(self.store, asked, self.approver.key, self.approver.trusted)

    def client(self, waiting=None, guards=(), pipeline_guards=(), **changes):
        return TestClient(self.app(waiting or {}, guards, pipeline_guards, **changes))

    def app(self, waiting, guards=(), pipeline_guards=(), **changes):
        wiring = Wiring(
            store=lambda: self.store,
            trusted_keys=lambda: self.trusted_keys,
            pipelines={"sites": "sites by 30 properties", "urls": "URLs by their text"},
            waiting=lambda pipeline: waiting if pipeline == "sites" else {},
            today=lambda pipeline: None,
            runs=lambda pipeline: f"http://127.0.0.1:5001/#/experiments/1/runs?of={pipeline}",
            mlflow_url="http://127.0.0.1:5001",
        )
        return models_app(replace(wiring, **changes), guards, pipeline_guards)


@pytest.fixture
def versions_bucket(s3, bucket, tmp_path):
    store = ObjectStore(s3.client(), bucket)
    return VersionsBucket(store, Signer.new(tmp_path, "trainer"), Signer.new(tmp_path, "approver"))


def fill(versions_bucket):
    """Two versions approved, the first again; one rejected, one that waits, one never judged."""
    versions_bucket.publish(FIRST, [(True, "accuracy 0.951, at least 0.92")])
    versions_bucket.publish(SECOND, [(True, "accuracy 0.960, at least 0.92")], recall=0.96)
    verdicts = [(True, "fine"), (False, "accuracy 0.80, below 0.92"), (None, "too few rows")]
    versions_bucket.publish(REJECTED, verdicts, recall=0.8)
    versions_bucket.publish(WAITING, [(True, "accuracy 0.970, at least 0.92")], recall=0.97)
    versions_bucket.publish(NOT_EVALUATED)
    versions_bucket.approve(
        FIRST, f"run:{FIRST}", approved_by="the gate", reason="passed every rule"
    )
    versions_bucket.approve(SECOND, f"run:{SECOND}", approved_by="ann", reason="catches more")
    versions_bucket.approve(FIRST, "rollback__1", approved_by="bob", reason="flags our own page")
    return versions_bucket


@pytest.fixture(scope="module")
def busy(s3, tmp_path_factory):
    """For tests that read only."""
    name, folder = f"models-{secrets.token_hex(6)}", tmp_path_factory.mktemp("keys")
    client = s3.client()
    client.create_bucket(Bucket=name)
    store = ObjectStore(client, name)
    for day in ("2026-11-19", "2026-11-21"):
        store.put(keys.monitoring_report("sites", day), f"<h1>{day}</h1>".encode())
        store.put(keys.monitoring_findings("sites", day), b"{}")
    yield fill(VersionsBucket(store, Signer.new(folder, "trainer"), Signer.new(folder, "approver")))
    for prefix in ("models/", "runs/", "monitoring/"):
        clear(store, prefix)
    client.delete_bucket(Bucket=name)


def compared(versions_bucket):
    """Two versions with all that a comparison shows; one of them waits for a person."""

    def given(shift):
        rates = {"recall": 0.93 + shift, "recall_interval": [0.91 + shift, 0.95 + shift],
                 "fpr": 0.009, "fpr_interval": [0.006, 0.013]}  # fmt: skip
        part = {"name": "page", "value": "log-in", "recall_evaluated": True, **rates}
        return {"verdicts": {"given": [rates, rates]}, "slices": [part]}

    versions_bucket.publish(FIRST, [(True, "fine")], metrics=given(0.0))
    versions_bucket.approve(FIRST, f"run:{FIRST}")
    versions_bucket.publish(WAITING, [(True, "drift: none of 30 columns")], metrics=given(0.02))
    drawn = tuple(
        Drawn(f"{n:032x}", f"http://site{n}.example/{HOSTILE}", *verdicts, 0.95, 0.02, state, label)
        for n, verdicts, state, label in [
            *((n, ("Phishing", "Legitimate"), "decided", True) for n in range(9)),
            (9, ("Legitimate", "Phishing"), "waiting", None),
        ]
    )
    alerts = {"both": 40, "new": 9, "gone": 1}
    counts = {"Phishing": 49, "Suspicious": 11, "Legitimate": 940}
    known = {"n": 7, "challenger": 1, "champion": 2}
    figures = {
        "n": 1000, "n_changed": 12, "alerts": alerts, "reviewed": known, "allowed": known,
        "verdicts": {"challenger": counts, "champion": {**counts, "Phishing": 41}},
        "slices": [{"name": "page", "value": HOSTILE, "n": 5, "alerts": alerts}],
    }  # fmt: skip
    body = signed_first(
        Replay(7, figures, 1.0, FIRST), "sites", f"run:{WAITING}", Replay.NAME,
        versions_bucket.trainer.key,
    )  # fmt: skip
    key = keys.run_file("sites", f"run:{WAITING}", first_name(Replay.NAME))
    versions_bucket.store.put(key, body)
    versions_bucket.store.put(
        keys.disagreements("sites", WAITING, FIRST),
        serialise(Disagreements(WAITING, FIRST, drawn)),
    )
    return versions_bucket


def text_of(answer):
    """What a person reads, roughly: without tags, spaces run together."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_a_page_says_what_is_in_production_since_when_and_why(busy):
    shown = text_of(busy.client().get("/sites"))

    assert f"{FIRST} since 2026-11-21 02:06 UTC, serial 3" in shown
    assert "Approved by bob: flags our own page" in shown
    assert f"Roll back to {SECOND}" in shown
    for sent in ("the gate passed every rule", "ann catches more", "./nightcatch rollback"):
        assert sent in shown
    assert "The newest 3 of 3, each signed by an approver" in shown


def test_a_release_that_was_taken_back_says_by_what_and_why(versions_bucket):
    for name in (FIRST, SECOND):
        versions_bucket.publish(name, [(True, "accuracy 0.951, at least 0.92")])
        versions_bucket.approve(name, f"run:{name}", approved_by="the gate")
    why = f"took back {SECOND}: it raises twice the alerts"
    versions_bucket.approve(FIRST, "watch_release__2", approved_by="watch_release", reason=why)
    page = versions_bucket.client().get("/sites")

    assert f"Approved by watch_release: {why}" in text_of(page)
    assert '<a href="/dags/watch_release" data-top>watch_release</a>' in page.text
    assert "Roll back to" not in text_of(page), "nobody returns to it by one click"


def test_versions_that_are_not_approved_stand_there_with_their_verdicts(busy):
    shown = text_of(busy.client({f"run:{WAITING}": SINCE}).get("/sites"))

    assert "accuracy 0.80, below 0.92" in shown
    assert "Its run has been waiting for a person since 2026-11-21 03:00 UTC" in shown
    assert f"{NOT_EVALUATED} made 2026-11-21 02:05 not evaluated 95.1 %" in shown
    assert "Versions 1 to 5 of 5, newest first" in shown


def test_links_lead_to_run_question_docs_and_mlflow(busy):
    page = busy.client({f"run:{WAITING}": SINCE}).get("/sites").text

    for address in (
        f"/dags/train_sites/runs/run%3A{FIRST}",
        f"/dags/train_sites/runs/run%3A{FIRST}/plugin/run-data-docs",
        f"/dags/train_sites/runs/run%3A{WAITING}/required_actions",
        "/models/sites/runs",
    ):
        assert f'href="{address}" data-top' in page


def test_the_link_to_mlflow_opens_the_runs_where_they_are_tracked(busy):
    tracked = busy.client().get("/sites/runs", follow_redirects=False)
    untracked = busy.client(mlflow_url="").get("/sites/runs", follow_redirects=False)

    assert tracked.status_code == 307
    assert tracked.headers["location"] == "http://127.0.0.1:5001/#/experiments/1/runs?of=sites"
    assert untracked.status_code == 404


def test_links_respect_the_path_below_which_airflow_lives(busy):
    client = TestClient(busy.app({}), root_path="/air/models")
    page = client.get("/air/models/sites").text

    assert 'href="/air/dags/train_sites' in page
    assert 'src="/air/models/-/page.js"' in page


def test_every_figure_is_a_plot_and_a_row_of_the_table(busy):
    page = busy.client().get("/sites").text

    assert page.count('<svg class="plot" role="img"') == 4
    assert "Recall of 5 versions: from 95.1 % to 95.1 %" in page
    assert f"<title>{WAITING}: 97.0 %, not approved</title>" in page
    assert page.count("<polyline") == 4


def test_figures_that_read_the_same_are_drawn_at_one_height(versions_bucket):
    for name, roc_auc in ((FIRST, 0.99521), (SECOND, 0.99524)):
        versions_bucket.publish(name, roc_auc=roc_auc)

    page = versions_bucket.client().get("/sites").text
    (line,) = re.findall(r'of 2 versions: from 0.9952 to 0.9952.*?points="(.*?)"', page, re.DOTALL)

    assert len({point.split(",")[1] for point in line.split()}) == 1


def test_a_version_says_what_its_figures_mean(busy):
    page = busy.client().get(f"/sites/{FIRST}").text

    assert "<summary>What these figures mean</summary>" in page
    assert (
        "Recall with Suspicious: Share of the phishing rows that are called Phishing or Suspicious"
        in page
    )


def test_a_page_that_is_not_there_leads_back(busy):
    answer = busy.client().get(f"/sites/{version_name(99)}")

    assert answer.status_code == 404
    assert '<a href="/">All models</a>' in answer.text


def test_a_difference_of_a_few_rows_does_not_look_like_a_fall(versions_bucket):
    for name, recall in ((FIRST, 0.946), (SECOND, 0.945)):
        versions_bucket.publish(name, recall=recall)

    page = versions_bucket.client().get("/sites").text
    (line,) = re.findall(r'of 2 versions: from 94.6 % to 94.5 %.*?points="(.*?)"', page, re.DOTALL)
    heights = [float(point.split(",")[1]) for point in line.split()]

    assert 0 < heights[1] - heights[0] < 0.1 * HEIGHT


@pytest.mark.parametrize(
    ("version", "button", "despite"),
    [
        pytest.param(SECOND, "Roll back", False, id="back"),
        pytest.param(WAITING, "Promote", False, id="passed"),
        pytest.param(REJECTED, "Promote", True, id="rejected"),
    ],
)
def test_a_version_can_be_promoted_with_its_fields_filled_in(busy, version, button, despite):
    page = busy.client().get(f"/sites/{version}").text
    start = page.index('data-conf="') + len('data-conf="')
    conf = json.loads(page[start : page.index('"', start)].replace("&#34;", '"'))

    assert f'id="change-production">{button}' in page
    assert (conf["pipeline"], conf["version"], conf["reason"]) == ("sites", version, "")
    assert conf.get("despite_gate", False) is despite


def test_the_version_in_production_offers_nothing_to_promote(busy):
    assert 'id="change-production"' not in busy.client().get(f"/sites/{FIRST}").text


def test_a_version_that_waits_is_answered_where_it_was_asked(busy):
    page = busy.client({f"run:{WAITING}": SINCE}).get(f"/sites/{WAITING}").text

    assert "respond under Required Actions" in page
    assert "data-conf" not in page


def test_every_sentence_of_the_gate_is_on_the_version_s_page(busy):
    shown = text_of(busy.client().get(f"/sites/{REJECTED}"))

    assert "Not passed accuracy 0.80, below 0.92 Passed fine Not evaluated too few rows" in shown


def test_a_person_s_no_is_shown(versions_bucket):
    fill(versions_bucket)
    versions_bucket.reject(WAITING, "cy", "2026-11-21T04:00", "too many alarms")
    shown = text_of(versions_bucket.client().get("/sites"))

    assert "rejected by cy at 2026-11-21T04:00: too many alarms" in shown


def test_without_a_version_the_page_says_how_to_make_one(versions_bucket):
    answer = versions_bucket.client().get("/urls")

    assert answer.status_code == 200
    assert "No version is in production yet" in text_of(answer)
    assert 'href="/dags/train_urls"' in answer.text
    assert "<svg class" not in answer.text


def test_one_version_is_one_dot(versions_bucket):
    versions_bucket.publish(FIRST, [(True, "fine")])
    page = versions_bucket.client().get("/sites").text

    assert "Recall of 1 versions: 95.1 %" not in page
    assert "Recall of one version: 95.1 %" in page
    assert page.count('points="') == 4


def test_more_versions_than_fit_come_in_pages(versions_bucket):
    names = [version_name(number) for number in range(1, VERSIONS_PER_PAGE + 4)]
    for name in names:
        versions_bucket.publish(name)
    client = versions_bucket.client()
    first, last, beyond = (client.get("/sites", params={"page": n}).text for n in (1, 2, 3))

    assert names[-1] in first and names[2] not in first
    assert "Versions 31 to 33 of 33" in last and 'rel="prev"' in last
    assert "There is no page 3" in beyond
    older = read_overview(
        versions_bucket.store, "sites", versions_bucket.trusted_keys, page=2
    ).versions
    assert [kept.version for kept in older] == names[2::-1]


def test_the_report_is_served_alone_with_nothing_to_run_or_reach(busy):
    answer = busy.client().get(f"/sites/{FIRST}/report.html")
    policy = answer.headers["Content-Security-Policy"]

    assert (answer.status_code, answer.text) == (200, "<h1>report</h1>")
    assert policy.startswith("sandbox; default-src 'none'")
    assert "allow" not in policy and "script-src" not in policy


def test_the_page_of_a_watched_day_is_served_like_a_report_and_the_newest_is_found(busy):
    answer = busy.client().get("/sites/traffic", follow_redirects=False)
    followed = busy.client().get("/sites/traffic")

    assert answer.headers["location"] == "/sites/traffic/2026-11-21"
    assert (followed.status_code, followed.text) == (200, "<h1>2026-11-21</h1>")
    assert followed.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert 'href="/sites/traffic"' in busy.client().get("/sites").text
    assert "No traffic of urls was evaluated yet" in busy.client().get("/urls/traffic").text

    today = busy.client(today=lambda pipeline: f"<h1>{pipeline} so far</h1>")
    assert today.get("/sites/traffic").text == "<h1>sites so far</h1>"
    assert today.get("/sites/traffic/last").text == "<h1>2026-11-21</h1>"


def test_a_report_that_is_not_the_signed_one_is_not_served(versions_bucket):
    fill(versions_bucket)
    versions_bucket.store.put(keys.version_file("sites", FIRST, keys.REPORT), b"<h1>forged</h1>")
    answer = versions_bucket.client().get(f"/sites/{FIRST}/report.html")

    assert answer.status_code == 409
    assert "forged" not in answer.text
    assert "report.html: " in answer.text


def test_the_report_of_a_version_of_somebody_else_is_not_served(versions_bucket, tmp_path):
    versions_bucket.publish(FIRST, report=b"<h1>mine</h1>", signer=Signer.new(tmp_path, "stranger"))
    client = versions_bucket.client()

    assert client.get(f"/sites/{FIRST}/report.html").status_code == 409
    assert "not made by a trusted key" in client.get("/sites").text
    assert "No scorer loads it" in client.get(f"/sites/{FIRST}").text


def test_one_bad_object_hides_nothing_else(versions_bucket):
    fill(versions_bucket)
    versions_bucket.store.put(keys.history("sites", 2), b"{}")
    apply_gate(
        versions_bucket.store,
        versions_bucket.publish(REJECTED, recall=0.8),
        {"not": "a list"},
        versions_bucket.trainer,
    )
    apply_gate(
        versions_bucket.store,
        versions_bucket.publish(NOT_EVALUATED),
        b"\xff",
        versions_bucket.trainer,
    )
    versions_bucket.note(WAITING, "gate.json", [{"passed": True, "sentence": "who says so?"}])
    answer = versions_bucket.client().get("/sites")
    shown = text_of(answer)

    assert answer.status_code == 200
    assert "00000002.json is left out: sites: approved.json is malformed" in shown
    assert "malformed gate.json: verdicts" in shown
    assert "malformed gate.json is not a JSON object" in shown
    assert "gate.sig is of other verdicts" in shown
    assert "who says so?" not in shown
    assert "Approved by bob: flags our own page" in shown


def test_a_pointer_that_nobody_signed_is_not_in_production(versions_bucket):
    fill(versions_bucket)
    pointer = json.loads(versions_bucket.store.get(keys.approved("sites")))
    body = json.dumps({**pointer, "version": SECOND}).encode()
    versions_bucket.store.put(keys.approved("sites"), body)
    shown = text_of(versions_bucket.client().get("/sites"))

    assert "What is in production cannot be verified" in shown
    assert "No version is in production" in shown


@pytest.mark.parametrize(
    "address",
    [
        "/nowhere",
        "/..%2f..",
        "/sites/approved.json",
        "/sites/history",
        "/sites/..%2fapproved.json",
        f"/sites/{FIRST}/manifest.json",
        f"/sites/{FIRST}/model.joblib",
        f"/sites/{FIRST}/..%2f..%2fapproved.json",
        "/sites/20200101T000000Z-00000000",
        "/sites/20200101T000000Z-00000000/report.html",
        f"/urls/{FIRST}/report.html",
        "/sites/traffic/2026-11-20",
        "/sites/traffic/..%2ffindings.json",
        "/sites/traffic/2026-11-21%2ffindings.json",
        "/nobody/traffic",
        "/urls/traffic",
        "/-/..%2fmodels.py",
        "/-/page.html",
    ],
)
def test_nothing_else_is_served(busy, address):
    assert busy.client().get(address).status_code == 404


@pytest.mark.parametrize("code", [401, 403])
def test_nothing_is_served_to_whom_a_guard_refuses(busy, code):
    def refuse():
        raise HTTPException(code)

    client = busy.client(guards=[Depends(refuse)])
    paths = ("/", "/sites", f"/sites/{FIRST}", f"/sites/{FIRST}/report.html", "/-/page.css")
    paths += ("/sites/traffic", "/sites/traffic/2026-11-21")

    assert [client.get(path).status_code for path in paths] == [code] * len(paths)


def test_a_pipeline_is_shown_to_those_who_may_see_it(busy):
    def only_urls(asked: Request, pipeline: str):
        if pipeline != "urls":
            raise HTTPException(403)

    client = busy.client(pipeline_guards=[Depends(only_urls)])
    refused = ("/sites", f"/sites/{FIRST}", f"/sites/{FIRST}/report.html", "/sites/traffic")

    assert [client.get(path).status_code for path in refused] == [403] * len(refused)
    assert client.get("/urls").status_code == 200


@pytest.mark.parametrize("opener", [unset_store, unreachable_store])
@pytest.mark.parametrize("path", ["/sites", f"/sites/{FIRST}", f"/sites/{FIRST}/report.html"])
def test_without_s3_a_sentence_says_so(versions_bucket, opener, path):
    answer = versions_bucket.client(store=opener).get(path)

    assert answer.status_code == 503
    assert "The models cannot be read" in answer.text
    assert "scorers go on answering" in text_of(answer)


def test_the_pages_fit_and_break_no_rule_of_accessibility(busy, chromium):
    with serving(busy.app({f"run:{WAITING}": SINCE})) as address:
        for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
            for path in ("/sites", "/urls", f"/sites/{REJECTED}"):
                chromium.problems.clear()
                chromium.show_at(width, 900, scheme)
                chromium.open(address + path)
                assert chromium.problems == []
                assert chromium.run("document.documentElement.scrollWidth") <= width, (path, width)
                assert chromium.run("getComputedStyle(document.body).backgroundColor") == (
                    "rgb(255, 255, 255)" if scheme == "light" else "rgb(22, 29, 45)"
                )
                broken = chromium.axe_violations(exclude=["iframe"])
                assert broken == {}, (path, width, scheme)


def test_hostile_text_is_text_and_a_hostile_report_is_inert(versions_bucket, chromium):
    versions_bucket.publish(FIRST, [(False, HOSTILE)], report=f"<title>r</title>{HOSTILE}".encode())
    versions_bucket.publish(SECOND, [(True, HOSTILE)], report=f"<title>r</title>{HOSTILE}".encode())
    versions_bucket.approve(SECOND, "rollback__1", approved_by=HOSTILE, reason=HOSTILE)
    versions_bucket.reject(FIRST, HOSTILE, HOSTILE, HOSTILE)
    with serving(versions_bucket.app({})) as address:
        for path, title in (
            ("/sites", "Models: sites"),
            (f"/sites/{FIRST}", f"{FIRST}: sites"),
            (f"/sites/{SECOND}/report.html", "r"),
        ):
            chromium.open(address + path)
            assert chromium.run("document.title") == title
            assert chromium.run("document.querySelectorAll('main script, main img').length") == 0

        assert chromium.run("self.origin") == "null"


@pytest.mark.parametrize(
    ("state", "sent"), [("success", "It is in production now"), ("failed", "Not done, and nothing")]
)
def test_promote_asks_airflow_and_says_how_it_ended(busy, chromium, state, sent):
    asked = []
    app = busy.app({})

    @app.post("/api/v2/dags/approve_model/dagRuns")
    async def trigger(request: Request):
        asked.append(await request.json())
        return {"dag_run_id": "manual__1"}

    @app.patch("/api/v2/dags/approve_model")
    async def unpause(request: Request):
        asked.append(await request.json())
        return {}

    states = ["running", state]

    @app.get("/api/v2/dags/approve_model/dagRuns/manual__1")
    def look():
        return {"state": states.pop(0)}

    with serving(app) as address:
        chromium.show_at(1280, 900)
        chromium.open(f"{address}/sites/{SECOND}")
        chromium.run("document.getElementById('reason').focus()")
        chromium.page.keyboard.insert_text("flags fewer of our pages")
        chromium.page.keyboard.press("Tab")
        chromium.page.keyboard.press("Enter")
        chromium.wait_for("document.querySelector('#said a')")
        link = chromium.run("document.querySelector('#said a').getAttribute('href')")
        chromium.wait_for(f"document.getElementById('said').textContent.startsWith({sent!r})")
        back = chromium.run("document.querySelector('#said a:last-child').getAttribute('href')")

    assert (link, back) == ("/dags/approve_model/runs/manual__1", "/sites")
    conf = {"pipeline": "sites", "version": SECOND, "reason": "flags fewer of our pages"}
    assert asked == [{"logical_date": None, "conf": conf}, {"is_paused": False}]


def test_what_airflow_refuses_is_said(busy, chromium):
    app = busy.app({})

    @app.post("/api/v2/dags/approve_model/dagRuns")
    def refuse():
        raise HTTPException(403)

    with serving(app) as address:
        chromium.open(f"{address}/sites/{SECOND}")
        chromium.run("document.getElementById('reason').value = 'a reason'; 0")
        chromium.run("document.querySelector('#approve button').click()")
        chromium.wait_for("document.getElementById('said').textContent.includes('may not')")

        assert not chromium.run("document.querySelector('#approve button').disabled")


SHELL = """<!DOCTYPE html><html lang="en" class="dark"><title>Airflow</title>
<iframe src="/models/sites" sandbox="allow-scripts allow-same-origin allow-forms allow-downloads">
</iframe></html>"""


def test_inside_the_ui_a_link_opens_in_the_window_around_and_its_theme_is_followed(busy, chromium):
    asked = Queue()
    outer = FastAPI()
    outer.mount("/models", busy.app({}))

    @outer.get("/shell")
    def shell():
        return HTMLResponse(SHELL)

    @outer.get("/dags/{path:path}")
    def page_of_airflow(request: Request, path: str):
        asked.put((path, request.headers["Sec-Fetch-Dest"]))

    page = "document.querySelector('iframe').contentDocument"
    with serving(outer) as address:
        chromium.show_at(1280, 900, "light")
        chromium.open(f"{address}/shell")
        chromium.wait_for(f"{page}.documentElement.dataset.theme == 'dark'")
        chromium.run("document.documentElement.className = 'light'")
        chromium.wait_for(f"{page}.documentElement.dataset.theme == 'light'")
        link = f"{page}.querySelector('a[data-top][href*=runs]')"
        chromium.run(f"setTimeout(() => {link}.click()); 0")

        assert asked.get(timeout=600) == (f"train_sites/runs/run:{FIRST}", "document")
        chromium.page.wait_for_url("**/dags/**")


def test_two_versions_stand_side_by_side_with_what_decides(versions_bucket):
    client = compared(versions_bucket).client({f"run:{WAITING}": SINCE})
    shown = text_of(client.get("/sites/compare"))

    assert f"New: {WAITING}" in shown and f"Old: {FIRST}" in shown, "the one in production"
    assert "The new version is better after 9 labels: right on 9, wrong on 0" in shown
    assert "10 sites drawn at random" in shown and "9 decided, 1 in Labels" in shown
    assert "Recall 95.1 %" in shown and "93.0 to 97.0 %" in shown
    assert "page: log-in, recall 95.0 %" in shown and "+2.0 points" in shown
    assert "1,000 requests: 12 verdicts change" in shown
    assert "Phishing: 49, before 41" in shown
    assert "drift: none of 30 columns" in shown
    assert "Waiting for approval" in shown
    other_way = text_of(client.get("/sites/compare", params={"new": FIRST, "old": WAITING}))
    assert "Undecided after 0 labels" in other_way
    assert "were not replayed beside each other" in other_way


def test_what_cannot_be_compared_is_said(versions_bucket):
    client = versions_bucket.client()
    assert client.get("/sites/compare").status_code == 404
    versions_bucket.publish(FIRST, [(True, "fine")])
    assert "there is nothing to compare" in client.get("/sites/compare").text
    assert client.get("/nowhere/compare").status_code == 404
    for version in (SECOND, "..", HOSTILE):
        assert client.get("/sites/compare", params={"old": version}).status_code == 404
    versions_bucket.store.put(keys.version_file("sites", FIRST, keys.MANIFEST), b"{}")
    versions_bucket.publish(SECOND)
    shown = client.get("/sites/compare", params={"old": FIRST}).text
    assert "A version that cannot be verified is not compared" in shown


def test_disagreements_that_are_of_other_versions_are_not_shown(versions_bucket):
    compared(versions_bucket)
    body = versions_bucket.store.get(keys.disagreements("sites", WAITING, FIRST))
    versions_bucket.publish(SECOND)
    versions_bucket.store.put(keys.disagreements("sites", WAITING, SECOND), body)
    versions_bucket.store.put(keys.disagreements("sites", SECOND, FIRST), b"{")
    for pair in ({"new": WAITING, "old": SECOND}, {"new": SECOND, "old": FIRST}):
        shown = text_of(versions_bucket.client().get("/sites/compare", params=pair))
        assert "Undecided after 0 labels" in shown


def test_the_comparison_fits_breaks_no_rule_and_runs_nothing(versions_bucket, chromium):
    with serving(compared(versions_bucket).app({f"run:{WAITING}": SINCE})) as address:
        for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")):
            chromium.problems.clear()
            chromium.show_at(width, 900, scheme)
            chromium.open(f"{address}/sites/compare")
            chromium.run("document.querySelectorAll('details').forEach((d) => { d.open = true })")
            assert chromium.problems == []
            assert chromium.run("document.documentElement.scrollWidth") <= width
            assert chromium.axe_violations() == {}, (width, scheme)
            if shots := os.environ.get("SHOTS"):
                path = f"{shots}/compare-{width}-{scheme}.png"
                chromium.page.screenshot(path=path, full_page=True)
        assert chromium.run("document.title") == "Compare: sites"
        assert chromium.run("document.querySelectorAll('main script, main img').length") == 0


@pytest.mark.parametrize("choice", ["Approve", "Reject"])
def test_a_run_that_waits_is_answered_from_the_comparison(versions_bucket, chromium, choice):
    asked = []
    app = compared(versions_bucket).app({f"run:{WAITING}": SINCE})
    run = f"/api/v2/dags/train_sites/dagRuns/run:{WAITING}"

    @app.patch(f"{run}/taskInstances/wait_for_approval/-1/hitlDetails")
    async def respond(request: Request):
        asked.append(await request.json())
        return {}

    @app.get(run)
    def look():
        return {"state": "success"}

    with serving(app) as address:
        chromium.show_at(1280, 900)
        chromium.open(f"{address}/sites/compare")
        chromium.page.fill("#reason", "better on our own pages")
        chromium.page.click(f"button[value={choice}]")
        chromium.wait_for("document.querySelector('#said a')")
        chromium.wait_for("!document.getElementById('said').textContent.startsWith('Started')")
        said = chromium.run("document.getElementById('said').textContent")

    reason = {"reason": "better on our own pages"}
    assert asked == [{"chosen_options": [choice], "params_input": reason}]
    expected = {"Approve": "It is in production now", "Reject": "Rejected; what is in production"}
    assert said.startswith(expected[choice])
