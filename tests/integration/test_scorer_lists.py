"""A signed change of a list is in effect in every worker of a running scorer, S3 up or down."""

import pytest
import requests

from include.registry.lists import ListChange, change_list, list_entry
from include.stores.objects import ObjectStore
from include.urls.reference.build import built_in_bytes
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT
from tests.support.scorer_process import ScorerProcess
from tests.support.signed_versions import Signer, TextVersion, promote, version_name

AT = "2026-11-21T02:06:00+00:00"
BAD = "http://bad.example/login"


@pytest.fixture
def bench(own_s3, tmp_path):
    """A running scorer, and what changes its list."""
    store = ObjectStore(own_s3.client(), "nightcatch")
    trainer, approver = Signer.new(tmp_path, "trainer"), Signer.new(tmp_path, "approver")
    version = TextVersion(
        version_name(1),
        pipeline="urls",
        files={"model.onnx": onnx_graphs.text_classifier(), "reference.bin": built_in_bytes()},
        inputs=TEXT["inputs"],
    )
    promote(store, version, trainer, approver)
    scorer = ScorerProcess(
        tmp_path,
        {
            "NIGHTCATCH_S3_ENDPOINT": own_s3.endpoint_url,
            "NIGHTCATCH_S3_BUCKET": "nightcatch",
            "NIGHTCATCH_PIPELINES": "urls",
            "NIGHTCATCH_POLL_INTERVAL_S": "0.2",
            "AWS_ACCESS_KEY_ID": own_s3.access_key,
            "AWS_SECRET_ACCESS_KEY": own_s3.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "NIGHTCATCH_TRAINER_PUBLIC_KEY": str(
                trainer.write_public_pem(tmp_path / "trainer.pub")
            ),
            "NIGHTCATCH_APPROVER_PUBLIC_KEY": str(approver.write_public_pem(tmp_path / "app.pub")),
        },
    )

    def change(run_id, **what):
        asked = ListChange("urls", "ann", AT, "a test", run_id, **what)
        return change_list(store, asked, approver.key, approver.trusted)

    scorer.start("/health/ready")
    yield scorer, change, own_s3
    scorer.kill()


def decided_by(scorer):
    response = requests.post(f"{scorer.url}/predict", json={"url": BAD}, timeout=10)
    return response.json()["decided_by"]


def is_decided_by(scorer, expected):
    return lambda: {decided_by(scorer) for _ in range(16)} == {expected}


def test_a_change_is_followed_undone_and_kept_over_a_restart_without_s3(bench):
    scorer, change, s3 = bench
    assert decided_by(scorer) == "model"

    entry = list_entry("allow", "host", BAD, reason="a test", author="ann", added_at=AT)
    change("run-1", add=(entry,))
    scorer.wait_until(is_decided_by(scorer, "allow list"))

    change("run-2", remove=(("host", "bad.example"),))
    scorer.wait_until(is_decided_by(scorer, "model"))

    change("run-3", restore_serial=1)
    scorer.wait_until(is_decided_by(scorer, "allow list"))

    scorer.stop()
    s3.kill()
    scorer.start("/health/ready")
    assert decided_by(scorer) == "allow list"
