"""The service over HTTP, with several workers: swaps, outages and bad versions cost no request."""

import io
import os
import signal
import socket
import subprocess
import sys

import pytest
import requests

from include.contract import keys
from include.stack.ports import pick_port
from tests.support import onnx_graphs
from tests.support.scorer_bucket import RECORD, LoadGenerator, ScorerBucket, table
from tests.support.scorer_process import ROOT, ScorerProcess, workers_of
from tests.support.signed_versions import Signer, version_name


@pytest.fixture
def site(s3, bucket, tmp_path):
    return ScorerBucket(s3, bucket, tmp_path)


@pytest.fixture
def scorer(site, tmp_path):
    process = ScorerProcess(tmp_path, site.env)
    yield process
    process.kill()


def test_it_is_live_before_and_ready_after_the_first_approval(site, scorer):
    scorer.start()

    assert scorer.status("/health/ready") == 503
    assert scorer.predict(RECORD).status_code == 503
    site.promote(90)
    scorer.wait_until(lambda: scorer.serials() == {1})
    assert scorer.status("/health/ready") == 200
    answer = scorer.predict(RECORD).json()
    assert (answer["prediction"], answer["probability"]) == ("Phishing", 0.9)
    assert answer["model"] == {"pipeline": "sites", "version": version_name(90), "serial": 1}


def test_metrics_are_the_sum_of_all_workers(site, scorer):
    site.promote(90)
    scorer.start("/health/ready")
    scorer.wait_until(lambda: scorer.log().count("is in production, serial") == 2)  # both workers
    for _ in range(40):
        assert scorer.predict(RECORD).status_code == 200
    counted = (
        'nightcatch_predictions_total{pipeline="sites",verdict="Phishing"} 40.0',
        'nightcatch_polls_total{outcome="swapped",pipeline="sites"} 2.0',
    )
    scorer.wait_until(lambda: all(line in scorer.metrics() for line in counted))
    metrics = scorer.metrics()

    assert scorer.folder.joinpath("cache/worker-metrics").is_dir()
    assert metrics.count("nightcatch_predictions_total{") == 1
    assert f'version="{version_name(90)}"}} 1.0' in metrics


def test_swaps_under_load_cost_no_request_and_bad_versions_never_answer(site, scorer):
    stranger = Signer.new(scorer.folder, "stranger")
    site.promote(1)
    scorer.start("/health/ready")
    serial = 1
    with LoadGenerator(scorer) as load:
        for number in range(2, 8):
            if number % 2:
                site.promote(90 + number, trainer=stranger)
                serial += 1
            site.promote(number)
            serial += 1
            expected = {serial}
            scorer.wait_until(lambda expected=expected: scorer.serials() == expected)
        scorer.wait_until(lambda: load.answers > 100)

    assert load.wrong == []
    assert "Unexpected exit" not in scorer.log()


def test_all_replicas_move_to_a_version_and_no_client_of_any_fails(site, scorer, tmp_path):
    site.promote(1)
    replica = ScorerProcess(tmp_path / "replica", site.env)
    try:
        for process in (scorer, replica):
            process.start("/health/ready")
        with (
            LoadGenerator(scorer, n_clients=2) as one,
            LoadGenerator(replica, n_clients=2) as other,
        ):
            for number in (2, 3):
                site.promote(number)
                for process in (scorer, replica):
                    process.wait_until(
                        lambda process=process, expected={number}: process.serials() == expected
                    )

        assert one.wrong == other.wrong == []
        assert "stays in production" not in scorer.log() + replica.log()
    finally:
        replica.kill()


def test_a_bad_version_is_named_in_the_log_and_counted(site, scorer):
    site.promote(90)
    scorer.start("/health/ready")
    site.promote(91, onnx_graphs.with_external_weights())
    counted = 'nightcatch_poll_failures_total{kind="VersionRefusedError",pipeline="sites"}'
    scorer.wait_until(lambda: counted in scorer.metrics())
    scorer.wait_until(lambda: scorer.log().count("in another file") == 2)  # once per worker
    assert scorer.predict(RECORD).json()["model"]["serial"] == 1
    site.promote(92)
    scorer.wait_until(lambda: scorer.serials() == {3})
    assert scorer.log().count("in another file") == 2


def test_it_serves_while_s3_is_down_and_starts_while_s3_is_down(own_s3, tmp_path):
    site = ScorerBucket(own_s3, own_s3.bucket, tmp_path)
    site.promote(1)
    scorer = ScorerProcess(tmp_path, site.env)
    try:
        scorer.start("/health/ready")
        scorer.wait_until(lambda: scorer.serials() == {1})
        with LoadGenerator(scorer, n_clients=2) as load:
            own_s3.kill()
            scorer.wait_until(lambda: "unreachable" in scorer.log())

        assert load.wrong == []
        scorer.kill()
        scorer.start("/health/ready")
        assert scorer.predict(RECORD).json()["probability"] == 0.01
        own_s3.start()
        site.promote(2)
        scorer.wait_until(lambda: scorer.serials() == {2})
    finally:
        scorer.kill()


def test_a_start_without_s3_and_without_a_last_good_model_waits(tmp_path, site):
    env = {**site.env, "NIGHTCATCH_S3_ENDPOINT": "http://127.0.0.1:1"}
    scorer = ScorerProcess(tmp_path, env)
    try:
        scorer.start()

        assert scorer.status("/health/ready") == 503
        assert scorer.predict(RECORD).headers["Retry-After"]
    finally:
        scorer.kill()


def test_an_older_pointer_is_refused_after_a_restart(site, scorer):
    site.promote(1)
    site.promote(2)
    scorer.start("/health/ready")
    scorer.wait_until(lambda: scorer.serials() == {2})
    scorer.kill()
    site.store.put(keys.approved("sites"), site.store.get(keys.history("sites", 1)))
    scorer.start("/health/ready")
    scorer.wait_until(lambda: "serial 1 cannot follow serial 2" in scorer.log())

    assert scorer.serials() == {2}


def test_a_large_table_is_streamed_back_with_one_answer_per_row(site, scorer):
    site.promote(90)
    scorer.start("/health/ready")
    scorer.wait_until(lambda: scorer.serials() == {1})
    answer = requests.post(
        scorer.url + "/predict",
        files={"file": ("sites.csv", io.BytesIO(table(200_000)))},
        headers={"Accept": "text/csv"},
        timeout=600,
    )

    assert answer.status_code == 200
    assert len(answer.text.splitlines()) == 200_001
    assert int(answer.headers["Content-Length"]) == len(answer.content)


def test_sigterm_lets_a_request_under_way_end(site, scorer):
    site.promote(90)
    scorer.start("/health/ready")
    scorer.wait_until(lambda: scorer.serials() == {1})
    body = b'{"record": {"a": 1, "b": 1}}'
    head = (
        "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", scorer.port), timeout=60) as client:
        client.sendall(head.encode() + body[:10])
        scorer.wait_until(lambda: scorer.status("/health/live") == 200)
        os.kill(scorer.process.pid, signal.SIGTERM)
        scorer.wait_until(lambda: "Shutting down granian" in scorer.log())
        client.sendall(body[10:])
        answer = client.recv(65536)

    assert answer.startswith(b"HTTP/1.1 200 ")
    scorer.process.wait_until_ended(60)


def test_sighup_replaces_every_worker_and_costs_no_request(site, scorer):
    site.promote(90)
    scorer.start("/health/ready")
    scorer.wait_until(lambda: scorer.serials() == {1})
    before = set(workers_of(scorer))
    with LoadGenerator(scorer) as load:
        os.kill(scorer.process.pid, signal.SIGHUP)
        scorer.wait_until(lambda: before.isdisjoint(workers_of(scorer)))

    assert load.wrong == []
    assert load.answers > 100
    assert scorer.serials() == {1}


@pytest.mark.parametrize("name", ["NIGHTCATCH_CACHE_DIR", "NIGHTCATCH_TRAINER_PUBLIC_KEY"])
def test_a_missing_variable_ends_the_start_and_is_named(site, tmp_path, name):
    env = {**os.environ, **site.env, "NIGHTCATCH_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    del env[name]
    run = subprocess.run(
        [sys.executable, "-m", "include.services.scorer", "--port", str(pick_port())],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert run.returncode != 0
    assert f"{name} is not set" in run.stderr


def test_counters_survive_a_worker_and_start_at_zero_with_the_service(site, scorer):
    def served():
        counted = 'nightcatch_predictions_total{pipeline="sites",verdict="Phishing"} 5.0'
        return counted in scorer.metrics()

    site.promote(90)
    scorer.start("/health/ready")
    for _ in range(5):
        assert scorer.predict(RECORD).status_code == 200
    scorer.wait_until(served)
    scorer.wait_until(lambda: scorer.serials() == {1})  # both workers listen
    killed, other = workers_of(scorer)
    os.kill(killed, signal.SIGKILL)
    scorer.wait_until(lambda: len(set(workers_of(scorer)) - {killed, other}) == 1)
    scorer.wait_until(lambda: scorer.serials() == {1})

    assert served()
    scorer.kill()
    scorer.start("/health/ready")
    assert not served()
