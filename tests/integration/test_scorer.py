"""The service over HTTP, with several workers: swaps, outages and bad versions cost no request."""

import io
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import threading

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from include.contract import keys
from include.stack.ports import pick_port
from include.stores.objects import ObjectStore
from tests.support import onnx_graphs
from tests.support.scorer_process import ROOT, ScorerProcess, workers_of
from tests.support.signed_versions import Signer, Version, promote, version_name

RECORD = {"a": 1, "b": -1}


class Site:
    """A bucket with its signers, and the environment of a scorer that follows it."""

    def __init__(self, server, bucket, folder):
        self.store = ObjectStore(server.client(), bucket)
        self.trainer = Signer.new(folder, "trainer")
        self.approver = Signer.new(folder, "approver")
        trainer_key = self.trainer.write_public_pem(folder / "trainer.pub")
        approver_key = self.approver.write_public_pem(folder / "approver.pub")
        self.env = {
            "NIGHTCATCH_S3_ENDPOINT": server.endpoint_url,
            "NIGHTCATCH_S3_BUCKET": bucket,
            "NIGHTCATCH_PIPELINES": "sites",
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "NIGHTCATCH_TRAINER_PUBLIC_KEY": str(trainer_key),
            "NIGHTCATCH_APPROVER_PUBLIC_KEY": str(approver_key),
        }

    def promote(self, number, body=None, trainer=None):
        """Approve a version that answers number / 100 to whatever it is asked."""
        body = body or onnx_graphs.constant(number / 100)
        version = Version(version_name(number), files={"model.onnx": body})
        run_id = f"run-{secrets.token_hex(4)}"
        return promote(self.store, version, trainer or self.trainer, self.approver, run_id=run_id)


@pytest.fixture
def site(s3, bucket, tmp_path):
    return Site(s3, bucket, tmp_path)


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
        'nightcatch_predictions_total{label="Phishing",pipeline="sites"} 40.0',
        'nightcatch_polls_total{outcome="swapped",pipeline="sites"} 2.0',
    )
    scorer.wait_until(lambda: all(line in scorer.metrics() for line in counted))
    metrics = scorer.metrics()

    assert scorer.folder.joinpath("cache/worker-metrics").is_dir()
    assert metrics.count("nightcatch_predictions_total{") == 1
    assert f'version="{version_name(90)}"}} 1.0' in metrics


# Any server may close a kept connection while the next request is under way; HTTP clients send it
# again (RFC 9112, section 9.3.1), and so does nginx.
_RETRIES = Retry(total=2, allowed_methods=None)


class Hammer:
    """Clients that ask without a pause and keep what went wrong."""

    def __init__(self, scorer, n_clients=4):
        self.answers = 0
        self.wrong = []
        self._scorer = scorer
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(n_clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self):
        with requests.Session() as session:
            session.mount("http://", HTTPAdapter(max_retries=_RETRIES))
            while not self._stopped.is_set():
                try:
                    answer = self._scorer.predict(RECORD, session)
                    said = answer.json()
                    number = int(said["model"]["version"][-8:], 16)
                    if answer.status_code != 200 or said["probability"] != number / 100:
                        self.wrong.append(said)
                except (requests.RequestException, KeyError, ValueError) as err:
                    self.wrong.append(repr(err))
                self.answers += 1


def test_swaps_under_load_cost_no_request_and_bad_versions_never_answer(site, scorer):
    stranger = Signer.new(scorer.folder, "stranger")
    site.promote(1)
    scorer.start("/health/ready")
    serial = 1
    with Hammer(scorer) as hammer:
        for number in range(2, 8):
            if number % 2:
                site.promote(90 + number, trainer=stranger)
                serial += 1
            site.promote(number)
            serial += 1
            expected = {serial}
            scorer.wait_until(lambda expected=expected: scorer.serials() == expected)
        scorer.wait_until(lambda: hammer.answers > 100)

    assert hammer.wrong == []
    assert "Unexpected exit" not in scorer.log()


def test_all_replicas_move_to_a_version_and_no_client_of_any_fails(site, scorer, tmp_path):
    site.promote(1)
    replica = ScorerProcess(tmp_path / "replica", site.env)
    try:
        for process in (scorer, replica):
            process.start("/health/ready")
        with Hammer(scorer, n_clients=2) as one, Hammer(replica, n_clients=2) as other:
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
    site = Site(own_s3, own_s3.bucket, tmp_path)
    site.promote(1)
    scorer = ScorerProcess(tmp_path, site.env)
    try:
        scorer.start("/health/ready")
        scorer.wait_until(lambda: scorer.serials() == {1})
        with Hammer(scorer, n_clients=2) as hammer:
            own_s3.kill()
            scorer.wait_until(lambda: "unreachable" in scorer.log())

        assert hammer.wrong == []
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


def table(n_rows):
    rows = random.Random(3)
    cells = (f"{rows.randint(-1, 1)},{rows.randint(-1, 1)}\n" for _ in range(n_rows))
    return ("a,b\n" + "".join(cells)).encode()


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
    with socket.create_connection(("127.0.0.1", scorer.port), timeout=20) as client:
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
    with Hammer(scorer) as hammer:
        os.kill(scorer.process.pid, signal.SIGHUP)
        scorer.wait_until(lambda: before.isdisjoint(workers_of(scorer)))

    assert hammer.wrong == []
    assert hammer.answers > 100
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
        counted = 'nightcatch_predictions_total{label="Phishing",pipeline="sites"} 5.0'
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
