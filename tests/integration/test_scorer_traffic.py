"""What was scored reaches the bucket: batched, bounded, and over outages and restarts."""

import gzip
import hmac
import json
import os
import random
import signal
import string
import uuid

import pytest
import requests

from include.contract import keys
from include.inference.prediction_ids import day_of
from include.urls.reference.build import built_in_bytes
from tests.support.api_keys import write_keys
from tests.support.onnx_graphs import text_classifier
from tests.support.scorer_app import TEXT
from tests.support.scorer_bucket import RECORD, ScorerBucket, table
from tests.support.scorer_process import ScorerProcess
from tests.support.signed_versions import TextVersion, promote, version_name

SLOW = {"NIGHTCATCH_TRAFFIC_LOG": "inputs", "NIGHTCATCH_TRAFFIC_INTERVAL_S": "600"}
FAST = {"NIGHTCATCH_TRAFFIC_LOG": "inputs", "NIGHTCATCH_TRAFFIC_INTERVAL_S": "0.2"}


@pytest.fixture
def site(s3, bucket, tmp_path):
    made = ScorerBucket(s3, bucket, tmp_path)
    made.promote(90)
    return made


@pytest.fixture
def scorer(site, tmp_path):
    process = ScorerProcess(tmp_path, site.env)
    yield process
    process.kill()


def lines_under(site, prefix):
    """Every line of every object; a gzip file may have several members."""
    return [
        json.loads(line)
        for key in site.store.keys_under(prefix)
        for line in gzip.decompress(site.store.get(key)).splitlines()
    ]


def traffic(site, *answer_ids):
    days = {day_of(response_id) for response_id in answer_ids}
    return [line for day in days for line in lines_under(site, keys.traffic_prefix("sites", day))]


def ask(scorer, n_requests):
    return [scorer.predict(RECORD).json()["id"] for _ in range(n_requests)]


def test_sigterm_sends_what_every_worker_still_holds(site, scorer):
    scorer.start("/health/ready", **SLOW)
    ids = ask(scorer, 30)
    assert traffic(site, *ids) == []
    os.kill(scorer.process.pid, signal.SIGTERM)
    scorer.process.wait_until_ended(60)
    lines = traffic(site, *ids)

    assert sorted(line["id"] for line in lines) == sorted(ids)
    assert lines[0] == {
        "id": lines[0]["id"],
        "time": lines[0]["time"],
        "pipeline": "sites",
        "version": lines[0]["version"],
        "serial": 1,
        "inputs": RECORD,
        "probability": 0.9,
        "prediction": "Phishing",
        "decided_by": "model",
    }
    assert list((scorer.folder / "cache/traffic-outbox").glob("*.gz")) == []


def test_batches_come_while_the_service_runs_and_hold_no_input_when_hashed(site, scorer):
    hashed = {"NIGHTCATCH_TRAFFIC_LOG": "hash", "NIGHTCATCH_TRAFFIC_HASH_KEY": "k" * 32}
    scorer.start("/health/ready", **{**FAST, **hashed})
    ids = ask(scorer, 5)
    scorer.wait_until(lambda: len(traffic(site, *ids)) == 5)
    (line, *_) = traffic(site, *ids)

    assert "inputs" not in line
    assert line["inputs_hmac"] == hmac.digest(b"k" * 32, b'{"a":1,"b":-1}', "sha256").hex()


def secrets_in_urls(n_urls):
    """URLs with a secret of another kind in the path and in the query of each, and the secrets."""
    rng = random.Random(11)

    def some(letters, size):
        return "".join(rng.choices(letters, k=size))

    def secret(number):
        letters, digits = string.ascii_letters, string.digits
        return (
            some(letters + digits + "-_", 22),
            some("0123456789abcdef", 32),
            some(string.ascii_lowercase, 12),
            some(digits, 9),
            f"{some(string.ascii_lowercase, 7)}.{some(string.ascii_lowercase, 7)}@b.example",
            str(uuid.UUID(int=rng.getrandbits(128))),
        )[number % 6]

    found = [(secret(number), secret(number // 6)) for number in range(n_urls)]
    urls = [f"https://a.example/account/{one}/reset?email={two}" for one, two in found]
    return urls, {each for pair in found for each in pair}


def test_redacted_traffic_and_feedback_hold_no_secret_of_a_url(site, scorer, tmp_path):
    files = {"model.onnx": text_classifier(), "reference.bin": built_in_bytes()}
    version = TextVersion(version_name(1), files, "urls", TEXT["inputs"])
    promote(site.store, version, site.trainer, site.approver)
    scorer.start(
        "/health/ready",
        NIGHTCATCH_PIPELINES="urls",
        NIGHTCATCH_TRAFFIC_LOG="redacted",
        NIGHTCATCH_API_KEYS_FILE=str(write_keys(tmp_path / "keys", ann="good")),
    )
    urls, secrets = secrets_in_urls(5_000)

    def post(path, document):
        answer = requests.post(
            scorer.url + path, json=document, headers={"X-API-Key": "good"}, timeout=300
        )
        assert answer.status_code in (200, 202)
        return answer.json()

    ids = [
        each["id"]
        for start in range(0, 5_000, 1_000)
        for each in post("/predict", {"urls": urls[start : start + 1_000]})["predictions"]
    ]
    ids += [each["id"] for each in post("/explain", {"urls": urls[:20]})["predictions"]]
    source = "john.doe@b.example about " + next(each for each in secrets if len(each) == 32)
    label = {"id": ids[0], "label": "Phishing", "source": source}
    post("/feedback", {**label, "comment": f"{urls[0]} of john.doe@b.example"})
    scorer.stop()
    bodies = {key: site.store.get(key) for key in site.store.keys_under("")}
    kept = b"".join(
        gzip.decompress(body)
        for key, body in bodies.items()
        if key.startswith(("traffic/", "feedback/"))
    )

    assert kept.count(b'"redacted_inputs":{"url":"https://a.example/account/') == len(ids)
    assert b'"source": "xxxx.xxx@x.xxxxxxx about ' in kept
    assert [each for each in (*secrets, "john.doe") if each.encode() in kept] == []


def test_nothing_is_kept_unless_it_is_asked_for(site, scorer):
    scorer.start("/health/ready", NIGHTCATCH_TRAFFIC_INTERVAL_S="0.2")
    ids = ask(scorer, 5)
    scorer.stop()

    assert traffic(site, *ids) == []


def test_a_table_is_kept_in_part_and_the_rest_is_counted(site, scorer):
    scorer.start("/health/ready", **SLOW)
    answer = requests.post(
        scorer.url + "/predict",
        files={"file": ("sites.csv", table(10_000))},
        headers={"Connection": "close"},
        timeout=300,
    )
    metrics = scorer.metrics()
    scorer.stop()
    answered = {entry["id"]: entry["probability"] for entry in answer.json()["predictions"]}
    kept = traffic(site, *answered)

    assert len(kept) == 5_000 + 25
    assert 'nightcatch_traffic_rows_total{outcome="skipped"} 4975.0' in metrics
    assert 'nightcatch_probability_count{pipeline="sites"} 10000.0' in metrics
    assert all(answered[line["id"]] == line["probability"] for line in kept)
    assert kept[0]["inputs"].keys() == {"a", "b"}


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
def test_nothing_is_lost_while_s3_is_down(own_s3, tmp_path, restarted):
    site = ScorerBucket(own_s3, own_s3.bucket, tmp_path)
    site.promote(1)
    scorer = ScorerProcess(tmp_path, site.env)
    try:
        scorer.start("/health/ready", **FAST)
        ids = ask(scorer, 10)
        own_s3.kill()
        ids += ask(scorer, 20)
        scorer.wait_until(lambda: "traffic and feedback wait on disk" in scorer.log())
        if restarted:
            scorer.stop()
            scorer.start("/health/ready", **FAST)
        own_s3.start()
        scorer.wait_until(lambda: len(traffic(site, *ids)) >= 30)

        assert sorted(line["id"] for line in traffic(site, *ids)) == sorted(ids)
        assert scorer.log().count("traffic and feedback wait on disk") <= 2 * (1 + restarted)
    finally:
        scorer.kill()
