"""The service as it is run, with an S3 that fails: clients notice nothing, nothing is lost."""

import gzip
import json

import pytest
import requests

from tests.support.scorer_bucket import RECORD, LoadGenerator, ScorerBucket
from tests.support.scorer_process import ScorerProcess


@pytest.fixture
def site(s3, bucket, tmp_path):
    return ScorerBucket(s3, bucket, tmp_path)


@pytest.fixture
def scorer(site, proxy, tmp_path):
    env = {
        **site.env,
        "NIGHTCATCH_S3_ENDPOINT": proxy.url,
        "NIGHTCATCH_S3_TIMEOUT_S": "0.5",
        "NIGHTCATCH_TRAFFIC_LOG": "inputs",
        "NIGHTCATCH_TRAFFIC_INTERVAL_S": "0.3",
    }
    site.promote(1)
    process = ScorerProcess(tmp_path, env).start("/health/ready")
    process.wait_until(lambda: process.serials() == {1})
    yield process
    process.kill()


def n_failed_polls(scorer):
    lines = requests.get(scorer.url + "/metrics", timeout=60).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if "poll_failures_total{" in line)


def ids_kept(site):
    bodies = [gzip.decompress(site.store.get(key)) for key in site.store.keys_under("traffic/")]
    return [json.loads(line)["id"] for body in bodies for line in body.splitlines()]


def test_fault_after_fault_costs_no_request_and_no_line_of_traffic(site, proxy, scorer):
    faults = ["503", "black hole", "slow bytes"]
    with LoadGenerator(scorer, n_clients=2) as load:
        for number, fault in enumerate(faults, start=2):
            proxy.fail(fault)
            site.promote(number)
            before = n_failed_polls(scorer)
            scorer.wait_until(lambda before=before: n_failed_polls(scorer) > before + 2)
            assert scorer.serials() == {number - 1}
            proxy.recover()
            scorer.wait_until(lambda number=number: scorer.serials() == {number})
    last = scorer.predict(RECORD).json()["id"]
    scorer.wait_until(lambda: last in ids_kept(site))
    scorer.wait_until(lambda: len(set(ids_kept(site))) > load.answers)
    scorer.stop()

    assert load.wrong == []
    assert len(set(ids_kept(site))) == load.answers + 1
    assert scorer.log().count("unreachable") <= 3 * len(faults) * 2
