"""Days of traffic in a real bucket, left there by the scorer's own code: what is found in them."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pymongo
import pytest

from include import pipelines
from include.contract import keys
from include.contract.manifest import describe_file
from include.contract.run_documents import ReportFigures, serialise
from include.errors import MonitoringError, SignatureError
from include.ingest.load import load_dataset
from include.ingest.snapshot.snapshots import read_snapshot, take_snapshot
from include.monitoring.day import day_so_far, version_at_the_end_of
from include.monitoring.drift.state import state_of_findings
from include.monitoring.drift.update import next_state
from include.monitoring.findings_store import is_newest, read_findings
from include.monitoring.page import render_day
from include.monitoring.records.traffic import read_traffic
from include.notify.delivery.receivers import WebhookReceiver
from include.notify.traffic_day import notify_day
from include.stores.objects import ObjectStore
from tests.support.receivers import http_receiver
from tests.support.signed_versions import Signer
from tests.support.traffic_days import DAY, Watched, id_on, numbered_id

SITES = pipelines.get("sites")
NAMES = [field.name for field in SITES.inputs]
N_ITEMS = 1_300


def snapshot(store, mongo_url, pipeline, n_simulated, folder):
    """The digest of a snapshot of simulated records, now in the bucket."""
    with pymongo.MongoClient(mongo_url) as mongo:
        collection = mongo[store.bucket][pipeline.collection]
        load_dataset(
            collection, pipeline, simulated=True, n_simulated=n_simulated, cache_dir=folder
        )
        digest = take_snapshot(collection, pipeline.columns, store, pipeline.name).digest
        mongo.drop_database(store.bucket)
    return digest


@pytest.fixture(scope="module")
def trained_on(s3, mongo_url, tmp_path_factory):
    """The digest of a snapshot of 4,000 simulated records, its objects, and its records."""
    name = "monitoring-snapshot"
    client = s3.client()
    client.create_bucket(Bucket=name)
    store = ObjectStore(client, name)
    digest = snapshot(store, mongo_url, SITES, 4_000, tmp_path_factory.mktemp("cache"))
    objects = {key: store.get(key) for key in store.keys_under("")}
    records = read_snapshot(store, "sites", digest)[NAMES].astype(int).to_dict("records")
    for key in objects:
        store.delete(key)
    client.delete_bucket(Bucket=name)
    return digest, objects, records


@pytest.fixture
def site(s3, bucket, trained_on, tmp_path):
    """A version in production that was trained on those records, half of them phishing."""
    digest, objects, _ = trained_on
    signers = Signer.new(tmp_path, "trainer"), Signer.new(tmp_path, "approver")
    made = Watched(ObjectStore(s3.client(), bucket), SITES, *signers, tmp_path)
    for key, body in objects.items():
        made.store.put(key, body)
    made.promote(1, digest, report_figures=describe_file(report_figures()).sha256)
    made.store.put(keys.run_file("sites", "run-1", ReportFigures.NAME), report_figures())
    return made


@pytest.fixture
def hook():
    with http_receiver("/services/x") as posts:
        yield posts


def report_figures():
    """Return the content of the report figures of the version in production."""
    half = np.histogram(scores(N_ITEMS), np.linspace(0, 1, 26))[0].tolist()
    curves = {"histogram": {"phishing": half, "legitimate": [0] * 25}}
    return serialise(ReportFigures({"recall": (0.86, 0.93)}, curves, None, None))


def scores(n, seed=0):
    return np.random.default_rng(seed).beta(0.5, 0.5, n).round(6).tolist()


@pytest.fixture
def records(trained_on):
    return trained_on[2][:N_ITEMS]


def document(site, day=DAY):
    return site.store.get(keys.monitoring_findings("sites", day))


def report(site, day=DAY):
    return site.store.get(keys.monitoring_report("sites", day)).decode()


def test_a_day_like_the_records_is_within_its_limits_and_left_as_figures_and_page(site, records):
    site.score(records, scores(N_ITEMS, 1))
    found = site.watch()

    assert found["inputs"]["evaluated"] and found["scores"]["evaluated"]
    assert found["findings"]["moved"] == {}
    assert not found["findings"]["is_beyond"]
    assert found["traffic"]["items"] == N_ITEMS
    assert json.loads(document(site)) == found
    assert "Within its limits" in report(site)
    assert "://" not in report(site)


def test_a_day_is_shown_so_far_from_its_first_answer_on_and_nothing_is_left_of_it(site, records):
    day = (site.store, site.pipeline, DAY, site.trusted_keys)
    before = day_so_far(*day)
    site.score(records[:1], [0.97])
    kept = list(site.store.keys_under(""))
    found = day_so_far(*day)
    page = render_day(found)

    assert before is None
    assert found["traffic"]["items"] == 1
    assert found["scores"]["shares"]["Phishing"] == 1
    assert f"{DAY}, so far" in page
    assert "Drift is measured when the day is over." in page
    assert list(site.store.keys_under("")) == kept


def after_weeks(site, records, n_weeks, n_moved):
    """Leave the findings of quiet days before `DAY`, and of days on which a field has moved."""
    site.score(records, scores(N_ITEMS, 1), day="2026-11-21")
    found = site.watch("2026-11-21")
    state = state_of_findings(found)
    rng, n_days = np.random.default_rng(5), 7 * n_weeks
    known, last = [], None
    for back in range(n_days, 0, -1):
        day = (date.fromisoformat(DAY) - timedelta(days=back)).isoformat()
        fields = {
            name: tuple(rng.multinomial(N_ITEMS, np.array(each) / N_ITEMS).tolist())
            for name, each in state.counts.fields.items()
        }
        if back <= n_moved:
            names = state.counts.categories[NAMES[7]].names
            fields[NAMES[7]] = tuple(N_ITEMS * (name == "1") for name in names)
        today = replace(state.counts, day=day, fields=fields, scores=())
        last = next_state(last, _weekday(known, day), today, 0.05)
        known.append(today)
        drift = {**found["drift"], "state": json.loads(json.dumps(last.to_dict()))}
        body = json.dumps({**found, "day": day, "drift": drift}).encode()
        site.store.put(keys.monitoring_findings("sites", day), body)
    return last


def _weekday(known, day):
    same = date.fromisoformat(day).weekday()
    return [each for each in known if date.fromisoformat(each.day).weekday() == same]


def test_a_field_that_moved_raises_an_alarm_that_names_it_and_the_slices_it_touches(
    site, records, hook
):
    before = after_weeks(site, records, 14, 7)
    column = NAMES[7]
    site.score([{**each, column: 1} for each in records], scores(N_ITEMS, 1))
    found = site.watch()
    findings, page = found["findings"], report(site)
    notify_day(
        site.store, [WebhookReceiver(hook.url)], found, "http://ui/day",
        runbook_url="docs/runbook.md", now=datetime(2026, 11, 23, 1, tzinfo=UTC),
    )  # fmt: skip
    (post,) = hook.with_words("Traffic drifted")

    assert state_of_findings(found).since == before.since, "the state goes on from earlier days"
    assert list(findings["moved"]) == [column]
    assert findings["moved"][column] > 0.1
    assert findings["is_beyond"] and findings["may_retrain"] is False
    assert "Traffic is not what it was before" in page and f"{column} by " in page
    assert "Before and after" in page
    assert found["drift"]["slices"][0]["name"] == column
    assert f"{column} by " in post["text"] and "Slices: " in post["text"]
    assert "http://ui/day" in post["text"] and "#traffic-drifted" in post["text"]
    again = document(site)
    site.watch()
    assert document(site) == again, "the same day adds nothing to the evidence"


def test_an_id_counts_once_however_often_its_batch_came(site, records):
    ids = site.score(records, scores(N_ITEMS, 1))
    once = site.watch()
    site.score(records[:400], scores(N_ITEMS, 1)[:400], ids=ids[:400])
    twice = site.watch()

    assert (once["traffic"]["repeated"], twice["traffic"]["repeated"]) == (0, 400)
    for part in ("inputs", "scores"):
        assert once[part] == twice[part]


def test_hashed_inputs_leave_the_scores_to_watch_and_it_says_so(site, records):
    site.score(records, [0.99] * N_ITEMS, content="hash")
    found = site.watch()

    assert not found["inputs"]["evaluated"]
    assert "only the scores are watched" in found["inputs"]["sentences"][0]
    assert found["scores"]["references"][0]["name"] == "the test side"
    assert found["drift"]["evaluated"]
    assert state_of_findings(found).capital.keys() == {"probability"}


def test_too_few_items_are_no_reason_for_an_alert(site, records):
    site.score([records[0]] * 600 + records[:100], [0.99] * 700)
    found = site.watch()

    assert not found["findings"]["drift_evaluated"] and not found["findings"]["is_beyond"]
    assert "500 are enough" in found["inputs"]["sentences"][0]
    assert "Too little to judge by" in report(site)


def test_a_day_is_compared_with_earlier_days_of_its_version_rather_than_with_the_test_side(
    site, records
):
    """Traffic is hardly ever half phishing, as the test side is."""
    days = ["2026-11-21", DAY, "2026-11-23"]
    for day, high in zip(days, (0.1, 0.1, 1), strict=True):
        site.score(records, (np.array(scores(N_ITEMS)) * high).tolist(), day=day)
    _, second, third = (site.watch(day) for day in days)

    assert [each["name"] for each in second["scores"]["references"]] == [
        "the day before", "the test side",
    ]  # fmt: skip
    assert third["scores"]["references"][0]["name"] == "2 days of the week before"
    assert third["scores"]["references"][0]["kl"] > 10 * second["scores"]["references"][0]["kl"]
    assert third["drift"]["n_days"] == 0, "no earlier day of the same weekday"


def test_labels_show_a_broken_promise_once_there_are_enough_of_them(site, records):
    ids = site.score(records, [0.9] * 100 + [0.1] * (N_ITEMS - 100))
    wrong = [(name, "Legitimate") for name in ids[:30]]
    right = [(name, "Legitimate") for name in ids[100:110]]
    site.feed_back(wrong[:3] + right)
    few = site.watch()
    site.feed_back(wrong + [(name, "Legitimate") for name in ids[100:160]], source="mail team")
    many = site.watch()
    (quality,) = many["quality"]

    assert few["quality"][0]["figures"]["fpr"]["verdict"] == "too few"
    assert few["findings"]["broken"] == []
    assert quality["figures"]["fpr"]["verdict"] == "broken"
    assert quality["figures"]["fpr"]["value"] == pytest.approx(30 / 90)
    assert quality["sources"] == [{"source": "mail team", "n_labels": 90, "n_wrong": 30}]
    phishing, suspicious = many["findings"]["broken"]
    assert "1.0% was promised" in phishing
    assert suspicious.startswith("The false-positive rate with what is suspicious")
    assert "Labels are a biased sample" in report(site)


def test_a_random_sample_that_was_labelled_tells_how_good_all_answers_are(site, records):
    """Two days of 100 flagged items and 200 others; 6 of 10 flagged ones are phishing."""
    days = ["2026-11-21", DAY]
    for day in days:
        site.score(records[:300], [0.95] * 100 + [0.05] * 200, day=day)
    first, second = (site.watch(day)["audit"] for day in days)
    flagged, passed = (
        [name for each in (first, second) for name in each["strata"][place]["drawn"]]
        for place in (1, 0)
    )
    site.feed_back([(name, "Phishing") for name in flagged[:6]], source="audit")
    site.feed_back([(name, "Legitimate") for name in flagged[6:] + passed[1:]], source="audit")
    site.feed_back([(passed[0], "Phishing")], source="an angry user")
    found = site.watch()
    audit = found["audit"]

    assert [each["n_items"] for each in second["strata"]] == [200, 100]
    assert "No answer that was drawn at random has a label yet" not in report(site)
    assert (audit["n_days"], audit["n_drawn"], audit["n_labelled"]) == (2, 20, 19)
    assert audit["figures"]["precision"]["value"] == 0.6
    assert audit["figures"]["recall"]["value"] == 1.0
    assert audit["figures"]["fpr"]["value"] == pytest.approx(80 / 480, abs=1e-6)
    assert audit["figures"]["recall"]["low"] < 0.5, "19 labels are few"
    assert found["quality"][0]["n_labels"] == 1, "what is rare was drawn more often than it is"
    assert all(name in report(site) for each in audit["strata"] for name in each["drawn"])


def test_the_last_word_about_an_answer_counts_whatever_day_it_was_given(site, records):
    ids = site.score(records[:10], [0.9] * 10, day="2026-11-21")
    site.feed_back([(name, "Legitimate") for name in ids], day="2026-11-21", source="user")
    site.feed_back([(name, "Phishing") for name in ids[:9]] + [(id_on(DAY), "Phishing")])
    found = site.watch()
    (quality,) = found["quality"]

    assert (quality["n_phishing"], quality["n_legitimate"]) == (9, 1)
    assert found["feedback"]["labels"] == 11
    assert found["feedback"]["without_answer"] == 1
    assert found["traffic"]["items"] == 0


def test_an_older_version_is_shown_and_the_one_in_production_is_evaluated(
    site, records, trained_on
):
    ids = site.score(records[:200], [0.9] * 200)
    site.feed_back([(name, "Legitimate") for name in ids])
    site.promote(2, trained_on[0])
    found = site.watch()

    assert found["version"] == site.manifest.version
    assert found["quality"][0]["figures"]["fpr"]["verdict"] == "broken"
    assert not found["findings"]["is_beyond"]


def test_what_cannot_be_read_is_counted_and_named_and_the_rest_is_watched(site, records):
    site.score(records, scores(N_ITEMS, 1))
    good = b'{"id":"%s","prediction":"Phishing"}' % id_on(DAY).encode()
    body = gzip.compress(b'not json\n{"id":7}\n[]\n' + good + b"\n")
    site.store.put(keys.traffic_file("sites", DAY, "z1"), body)
    site.store.put(keys.traffic_file("sites", DAY, "z2"), gzip.compress(b"{}\n" * 50)[:-9])
    site.store.put(keys.traffic_file("sites", DAY, "z3"), b"no gzip")
    site.store.put(keys.feedback_file("sites", DAY, "z"), gzip.compress(b'{"label":"?"}\n'))
    found = site.watch()

    assert found["traffic"]["items"] == N_ITEMS
    assert found["inputs"]["evaluated"]
    assert len(found["traffic"]["unreadable_named"]) == 5
    assert found["traffic"]["unreadable_named"][0].startswith(
        f"{keys.traffic_file('sites', DAY, 'z1')}, line 1: JSONDecodeError"
    )
    assert found["feedback"]["unreadable"] == 1
    assert "z1.jsonl.gz, line 2" in report(site)


def test_a_day_watched_again_is_found_the_same_to_the_last_byte(site, records):
    ids = site.score(records, scores(N_ITEMS, 1))
    site.feed_back([(name, "Phishing") for name in ids[:80]])
    site.watch()
    before = document(site), report(site)
    site.watch()

    assert (document(site), report(site)) == before


def test_a_page_outlives_the_traffic_it_was_made_of(site, records):
    ids = site.score(records[:5], [0.5] * 5)
    site.feed_back([(ids[0], "Phishing")])
    site.watch()
    before = report(site)
    for key in list(site.store.keys_under(keys.traffic_days_prefix("sites"))):
        site.store.delete(key)
    with pytest.raises(MonitoringError, match="is not kept any more; its page stays"):
        site.watch()

    assert report(site) == before


def test_nothing_is_left_of_a_day_without_traffic(site):
    assert site.watch() is None
    assert list(site.store.keys_under(keys.monitoring_days_prefix("sites"))) == []


def test_addresses_are_watched_by_what_the_training_step_watches_of_them(
    s3, mongo_url, bucket, tmp_path
):
    pipeline, store = pipelines.get("urls"), ObjectStore(s3.client(), bucket)
    signers = Signer.new(tmp_path, "trainer"), Signer.new(tmp_path, "approver")
    site = Watched(store, pipeline, *signers, tmp_path)
    digest = snapshot(store, mongo_url, pipeline, 1_500, tmp_path)
    site.promote(1, digest)
    urls = read_snapshot(store, "urls", digest)["url"].tolist()
    site.score([{"url": url} for url in urls], scores(len(urls)))
    same = site.watch()
    site.score([{"url": f"http://10.0.0.{n % 250}/{n}"} for n in range(700)], [0.9] * 700)
    moved = site.watch()

    columns = {each["column"]: each["kl"] for each in same["inputs"]["columns"]}
    later = {each["column"]: each["kl"] for each in moved["inputs"]["columns"]}
    counts = state_of_findings(same).counts
    assert columns.keys() == {"suffix", "length", "depth", "home_page", "number_host"}
    assert counts.fields.keys() == columns.keys()
    assert sum(counts.fields["suffix"]) == sum(counts.slices["page"].values()) == len(urls)
    assert later["number_host"] > 0.25 > columns["number_host"]


def test_more_traffic_than_memory_holds_is_watched_by_an_even_share(site, records):
    ids = [numbered_id(DAY, number) for number in range(N_ITEMS)]
    site.score(records, scores(N_ITEMS), ids=ids)
    kept = read_traffic(site.store, SITES, DAY, max_items=200).sample
    site.score(records[::-1], scores(N_ITEMS)[::-1], ids=ids[::-1])
    twice = read_traffic(site.store, SITES, DAY, max_items=200).sample

    assert 100 < len(kept) <= 200
    assert abs(kept.n_names - N_ITEMS) < 400
    assert kept.in_order() == twice.in_order()


def test_only_the_newest_day_says_what_is_wrong_now(site, records):
    for day in ("2026-11-21", "2026-11-23"):
        site.score(records[:5], [0.5] * 5, day=day)
        site.watch(day)

    assert [is_newest(site.store, "sites", f"2026-11-2{n}") for n in range(1, 5)] == [
        False, False, True, True,
    ]  # fmt: skip
    assert read_findings(site.store, "sites", "2026-11-21")["day"] == "2026-11-21"
    assert read_findings(site.store, "sites", "2026-11-22") is None


def test_what_is_in_production_must_be_signed_by_those_who_are_trusted(site, records, tmp_path):
    site.score(records[:5], [0.5] * 5)
    site.approver = Signer.new(tmp_path, "stranger")
    with pytest.raises(SignatureError):
        site.watch()


def test_a_version_is_evaluated_by_who_was_in_production_when_the_day_ended(site, trained_on):
    first = site.pointer
    site.promote(2, trained_on[0], approved_at="2026-11-22T10:00:00+00:00")

    def at_the_end_of(day):
        return version_at_the_end_of(site.store, "sites", day, site.trusted_keys)

    assert at_the_end_of("2026-11-19") is None
    assert at_the_end_of("2026-11-21") == first
    assert at_the_end_of("2026-11-22") == site.pointer


def test_records_that_are_not_kept_any_more_leave_the_scores_to_watch(site, records):
    for key in list(site.store.keys_under(keys.snapshots_prefix("sites"))):
        site.store.delete(key)
    site.score(records, scores(N_ITEMS, 1))
    found = site.watch()

    assert "are not kept any more" in found["inputs"]["sentences"][0]
    assert found["scores"]["evaluated"]
