"""Days of traffic in a real bucket, left there by the scorer's own code: what is found in them."""

import gzip
import json

import numpy as np
import pymongo
import pytest

from include import pipelines
from include.contract import keys
from include.ingest.load import load_dataset
from include.ingest.snapshot import read_snapshot, take_snapshot
from include.stores.objects import ObjectStore
from tests.days import DAY, Watched, id_on
from tests.versions import Signer

SITES = pipelines.get("sites")
NAMES = [field.name for field in SITES.inputs]
N_ITEMS = 1_300


@pytest.fixture(scope="module")
def trained_on(s3, mongo_url, tmp_path_factory):
    """The digest of a snapshot of 4,000 simulated records, its objects, and its records."""
    name = "monitoring-snapshot"
    client = s3.client()
    client.create_bucket(Bucket=name)
    store = ObjectStore(client, name)
    with pymongo.MongoClient(mongo_url) as mongo:
        cache = tmp_path_factory.mktemp("cache")
        load_dataset(mongo[name].sites, SITES, simulated=True, n_simulated=4_000, cache_dir=cache)
        digest = take_snapshot(mongo[name].sites, SITES.columns, store, "sites").digest
        mongo.drop_database(name)
    objects = {key: store.get(key) for key in store.keys_under("")}
    records = read_snapshot(store, "sites", digest)[NAMES].astype(int).to_dict("records")
    for key in objects:
        store.delete(key)
    client.delete_bucket(Bucket=name)
    return digest, objects, records


@pytest.fixture
def site(s3, bucket, trained_on, tmp_path):
    """A version in force that was trained on those records, half of them phishing."""
    digest, objects, _ = trained_on
    signers = Signer.new(tmp_path, "trainer"), Signer.new(tmp_path, "approver")
    made = Watched(ObjectStore(s3.client(), bucket), SITES, *signers, tmp_path)
    for key, body in objects.items():
        made.store.put(key, body)
    made.promote(1, digest)
    leave_portrait(made, 1)
    return made


def leave_portrait(site, number):
    half = np.histogram(scores(N_ITEMS), np.linspace(0, 1, 26))[0].tolist()
    drawn = {"phishing": half, "legitimate": [0] * 25}
    body = json.dumps({"curves": {"histogram": drawn}}).encode()
    site.store.put(keys.run_file("sites", f"run-{number}", "portrait.json"), body)


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

    assert found["inputs"]["judged"] and found["scores"]["judged"]
    assert found["findings"]["moved"] == {}
    assert not found["findings"]["is_beyond"]
    assert found["traffic"]["items"] == N_ITEMS
    assert json.loads(document(site)) == found
    assert "Within its limits" in report(site)
    assert "://" not in report(site)


def test_a_field_that_moved_is_named_with_its_divergence(site, records):
    column = NAMES[7]
    site.score([{**each, column: 1} for each in records], scores(N_ITEMS, 1))
    findings = site.watch()["findings"]

    assert list(findings["moved"]) == [column]
    assert findings["moved"][column] > findings["limit"] == 0.25
    assert findings["is_beyond"] and findings["may_retrain"] is False
    assert f"<strong>{column}</strong>" in report(site)


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

    assert not found["inputs"]["judged"]
    assert "only the scores are watched" in found["inputs"]["sentences"][0]
    assert found["scores"]["references"][0]["name"] == "the test side"
    assert list(found["findings"]["moved"]) == ["probability"]


def test_too_few_items_are_no_reason_for_an_alert(site, records):
    site.score([records[0]] * 600 + records[:100], [0.99] * 700)
    found = site.watch()

    assert not found["findings"]["drift_judged"] and not found["findings"]["is_beyond"]
    assert "500 are enough" in found["inputs"]["sentences"][0]
    assert "Too little to judge by" in report(site)


def test_a_day_is_compared_with_earlier_days_of_its_version_rather_than_with_the_test_side(
    site, records
):
    """Traffic is hardly ever half phishing, as the test side is."""
    days = ["2026-11-21", DAY, "2026-11-23"]
    for day, high in zip(days, (0.1, 0.1, 1), strict=True):
        site.score(records, (np.array(scores(N_ITEMS)) * high).tolist(), day=day)
    first, second, third = (site.watch(day) for day in days)

    assert first["findings"]["moved"].keys() == {"probability"}
    assert [each["name"] for each in second["scores"]["references"]] == [
        "the day before", "the test side",
    ]  # fmt: skip
    assert not second["findings"]["is_beyond"]
    assert third["scores"]["references"][0]["name"] == "2 days of the week before"
    assert third["findings"]["moved"].keys() == {"probability"}


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
    (sentence,) = many["findings"]["broken"]
    assert "1.0% was promised" in sentence
    assert "Labels are a biased sample" in report(site)


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


def test_an_older_version_is_shown_and_the_one_in_force_is_judged(site, records, trained_on):
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
    assert found["inputs"]["judged"]
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


def test_nothing_is_left_of_a_day_without_traffic(site):
    assert site.watch() is None
    assert list(site.store.keys_under(keys.monitoring_days_prefix("sites"))) == []
