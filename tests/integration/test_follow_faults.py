"""Following through a proxy that fails: the old model stays, one line is logged, it recovers."""

import logging

import pytest

from include.registry.follow import Follower
from include.services.scorer.serving.bucket import open_bucket
from include.services.scorer.telemetry.metrics import Metrics
from tests.support.followed_bucket import FIRST, SECOND, FollowedBucket, production_version
from tests.support.s3_fault_proxy import FAULTS

AWAY = "unreachable", "StoreUnavailableError"
REFUSED_BY_S3 = "unreachable", "StoreRefusedError"
EXPECTED = {
    "503": AWAY,
    "500": AWAY,
    "credentials refused": REFUSED_BY_S3,
    "clock skew": REFUSED_BY_S3,
    "reset": AWAY,
    "black hole": AWAY,
    "slow bytes": AWAY,
    "truncated body": AWAY,
    "length too long": AWAY,
    "length too short": AWAY,  # botocore compares checksums
    "no bucket": ("refused", "ObjectMissingError"),
}
REFUSED = {
    # These look like whole answers, and it takes what was signed to tell.
    ("not S3", "approved.json"): "PointerError",
    ("not S3", "model.onnx"): "ManifestError",
    ("length too long", "model.onnx"): "VersionRefusedError",
}
# What comes to an end only because whoever reads has had enough.
ENDLESS = {
    ("black hole", "approved.json"),
    ("black hole", "model.onnx"),
    ("slow bytes", "approved.json"),
    ("slow bytes", "model.onnx"),
    ("length too long", "approved.json"),
}


class Reader:
    """A bucket opened as the service does, with little patience where a fault has no end."""

    def __init__(self, url, bucket):
        self._patient = open_bucket(bucket, url, 30.0)
        self._hasty = open_bucket(bucket, url, 1.0)
        self.hasty_with = ()

    def get(self, key, max_bytes):
        return self._for(key).get(key, max_bytes)

    def fetch_if_changed(self, key, etag, max_bytes):
        return self._for(key).fetch_if_changed(key, etag, max_bytes)

    def _for(self, key):
        return self._hasty if key.endswith(self.hasty_with) else self._patient


@pytest.fixture
def site(s3, bucket, tmp_path):
    return FollowedBucket(s3.client(), bucket, tmp_path)


@pytest.fixture
def reader(s3, proxy, bucket, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return Reader(proxy.url, bucket)


@pytest.fixture
def follower(site, reader):
    made: Follower = site.follower(reader)
    site.promote(FIRST)
    assert made.poll_once().kind == "swapped"
    return made


def failures(metrics):
    samples = (sample for metric in metrics._registry.collect() for sample in metric.samples)
    return {
        sample.labels["kind"]: sample.value
        for sample in samples
        if sample.name == "nightcatch_poll_failures_total"
    }


@pytest.mark.parametrize("path_end", ["approved.json", "model.onnx"])
@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "stale date"])
def test_a_fault_keeps_the_old_model(site, follower, reader, proxy, caplog, fault, path_end):
    refused = REFUSED.get((fault, path_end))
    kind, failure = ("refused", refused) if refused else EXPECTED[fault]
    metrics = Metrics(shared=False)
    caplog.set_level(logging.WARNING, logger="include.registry.follow")
    site.promote(SECOND)
    proxy.fail(fault, path_end)
    reader.hasty_with = (path_end,) if (fault, path_end) in ENDLESS else ()
    outcomes = [follower.poll_once() for _ in range(2)]
    for outcome in outcomes:
        metrics.count_poll(outcome)

    assert [(each.kind, each.failure) for each in outcomes] == [(kind, failure)] * 2
    assert production_version(follower) == FIRST
    assert len(caplog.records) == 1
    assert FIRST in caplog.records[0].message
    assert failures(metrics) == {failure: 2}
    proxy.recover()
    reader.hasty_with = ()
    kinds = [follower.poll_once().kind for _ in range(3)]  # one refused waits a poll or two
    assert "swapped" in kinds
    assert production_version(follower) == SECOND


def test_the_clock_of_the_store_decides_nothing(site, follower, proxy):
    site.promote(SECOND)
    proxy.fail("stale date")

    assert follower.poll_once().kind == "swapped"
    assert proxy.n_failed > 0


def test_a_bucket_that_is_gone_and_comes_back_is_followed_again(site, follower):
    site.promote(SECOND)
    found = {key: site.store.get(key) for key in site.store.keys_under("")}
    for key in found:
        site.store.delete(key)
    site.client.delete_bucket(Bucket=site.store.bucket)

    assert follower.poll_once().failure == "ObjectMissingError"
    assert production_version(follower) == FIRST
    site.client.create_bucket(Bucket=site.store.bucket)
    for key, body in found.items():
        site.store.put(key, body)
    assert follower.poll_once().kind == "swapped"
    assert production_version(follower) == SECOND


@pytest.mark.parametrize("fault", ["503", "reset", "slow bytes"])
def test_a_poll_without_news_reads_no_body_and_needs_none(follower, proxy, fault):
    proxy.fail(fault, "model.onnx")

    assert follower.poll_once().kind == "unchanged"
