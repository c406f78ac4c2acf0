"""The report of the version in production, from a real S3 server: only what was signed is shown."""

import logging
from types import SimpleNamespace

import pytest

from include.contract import keys
from include.contract.manifest import FileEntry
from include.registry.follow import Report
from include.registry.follow.report import MAX_REPORT_BYTES
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer, Version, promote, version_name

FIRST, SECOND = version_name(1), version_name(2)


@pytest.fixture
def store(s3, bucket):
    return ObjectStore(s3.client(), bucket)


def publish(store, folder, name, body):
    """Publish a version with a report; what a follower holds of it."""
    version = Version(name, files={"model.onnx": b"graph", "report.html": body})
    promote(store, version, Signer.new(folder, "trainer"), Signer.new(folder, "approver"))
    return SimpleNamespace(manifest=version.manifest())


def test_the_report_follows_the_version_in_production(store, tmp_path):
    report = Report(store, "sites")
    assert report.of(FIRST) is None

    report.catch_up(None)
    report.catch_up(publish(store, tmp_path, FIRST, b"<p>one"))
    assert report.of(FIRST) == b"<p>one"
    assert report.of(SECOND) is None


@pytest.mark.parametrize("body", [b"<p>TWO", b"<p>two, and more"], ids=["changed", "longer"])
def test_a_report_that_was_changed_is_not_shown(store, tmp_path, caplog, body):
    in_production = publish(store, tmp_path, FIRST, b"<p>two")
    store.put(keys.version_file("sites", FIRST, keys.REPORT), body)
    report = Report(store, "sites")
    caplog.clear()  # of what publishing said, where another test left the level at INFO
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            report.catch_up(in_production)

    assert report.of(FIRST) is None
    assert len(caplog.records) == 1
    assert "is not shown" in caplog.text


def test_a_version_without_a_report_or_with_a_huge_one_has_none(store, tmp_path):
    without = SimpleNamespace(manifest=Version(FIRST).manifest())
    entry = {keys.REPORT: FileEntry("0" * 64, MAX_REPORT_BYTES + 1)}
    huge = SimpleNamespace(manifest=Version(SECOND).manifest(files=entry))
    report = Report(store, "sites")
    for in_production, version in ((without, FIRST), (huge, SECOND)):
        report.catch_up(in_production)
        assert report.of(version) is None


def test_a_report_is_fetched_once_s3_is_back(own_s3, tmp_path):
    own_s3.client().create_bucket(Bucket="reports")
    store = ObjectStore(own_s3.client(), "reports")
    in_production = publish(store, tmp_path, FIRST, b"<p>one")
    report = Report(store, "sites")

    own_s3.stop()
    report.catch_up(in_production)
    assert report.of(FIRST) is None

    own_s3.start()
    report.catch_up(in_production)
    assert report.of(FIRST) == b"<p>one"
