"""Attacker: the network between a scorer and S3, which reads, changes and replays what passes.

Aim: a model of its own, an old one, or the credentials.
"""

import pytest

from include.contract.timestamp import VALID_FOR
from include.registry.follow import TrustedKeys
from include.registry.witness import sign_timestamp
from include.services.scorer.serving.bucket import open_bucket
from tests.support.followed_bucket import (
    FIRST,
    MAX_MODEL_BYTES,
    SECOND,
    FollowedBucket,
    production_version,
)
from tests.support.s3_fault_proxy import FaultProxy
from tests.support.signed_versions import Signer

FILES = ("approved.json", "timestamp.json", "manifest.json", "model.sig", "model.onnx")


@pytest.fixture
def wire(s3):
    opened = FaultProxy(s3.endpoint_url)
    yield opened
    opened.close()


@pytest.fixture
def site(s3, bucket, tmp_path):
    made = FollowedBucket(s3.client(), bucket, tmp_path)
    made.watcher = Signer.new(tmp_path, "watcher")
    made.trusted_keys = TrustedKeys(
        made.approver.trusted, made.trainer.trusted, MAX_MODEL_BYTES, made.watcher.trusted
    )
    made.promote(FIRST)
    watch(made)
    return made


def watch(site):
    sign_timestamp(site.store, "sites", site.watcher.key, site.approver.trusted, site.now)


@pytest.fixture
def follower(site, s3, wire, bucket, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return site.follower(open_bucket(bucket, wire.url, 30.0))


@pytest.mark.parametrize("file", FILES)
def test_a_changed_byte_is_never_served(follower, site, wire, file):
    follower.poll_once()
    site.promote(SECOND)
    site.now = site.now.replace(minute=30)
    watch(site)
    wire.fail("changed byte", file)
    outcome = follower.poll_once()

    assert wire.n_failed > 0
    assert (outcome.kind, production_version(follower)) == ("refused", FIRST)
    wire.recover()
    assert follower.poll_once().kind == "swapped"


def test_answers_of_yesterday_are_noticed_within_a_day(follower, site, wire):
    follower.poll_once()
    wire.fail("replay", "json")
    site.promote(SECOND)
    site.now += VALID_FOR * 1.1
    watch(site)
    follower.poll_once()

    assert production_version(follower) == FIRST
    assert follower.freshness.is_stale


def test_the_secret_key_is_never_sent(follower, s3, wire):
    follower.poll_once()

    assert wire.heard
    assert s3.secret_key.encode() not in b"".join(wire.heard)
