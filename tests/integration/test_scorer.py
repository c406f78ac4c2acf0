"""The service over HTTP, with several workers: swaps, outages and bad versions cost no request."""

import io
import json
import os
import random
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException

import psutil
import pytest
import requests

from include.contract import keys
from include.stores.objects import ObjectStore
from tests.support import onnx_graphs
from tests.support.scorer_app import without_ids
from tests.support.scorer_process import ROOT, ScorerProcess
from tests.support.signed_versions import Signer, Version, promote, version_name

RECORD = {"a": 1, "b": -1}
PAUSE_ALLOWED_S = 0.9


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


def test_what_comes_at_the_same_moment_is_answered_to_each_as_if_alone(site, scorer):
    site.promote(90, onnx_graphs.logistic((0.7, -1.3)))
    scorer.start("/health/ready")
    records = [{"a": a, "b": b} for a in (-1, 0, 1) for b in (-1, 0, 1, 7, None)]
    with ExitStack() as stack:
        clients = [HTTPConnection("127.0.0.1", scorer.port, timeout=20) for _ in records]
        for client, record in zip(clients, records, strict=True):
            stack.callback(client.close)
            ask(client, record)
        alone = [answer_of(client) for client in clients]
        workers = psutil.Process(scorer.process.pid).children()
        for worker in workers:
            worker.suspend()
        for client, record in zip(clients, records, strict=True):
            ask(client, record)
        for worker in workers:
            worker.resume()
        together = [answer_of(client) for client in clients]

    assert [status for status, _ in together] == 3 * [200, 200, 200, 422, 200]
    assert together == alone
    assert len({answer["probability"] for status, answer in together if status == 200}) == 9


def ask(client, record):
    headers = {"Content-Type": "application/json"}
    client.request("POST", "/predict", json.dumps({"record": record}), headers)


def answer_of(client):
    response = client.getresponse()
    return response.status, without_ids(json.load(response))


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
    assert "WORKER TIMEOUT" not in scorer.log()


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
        scorer.wait_until(lambda: "Handling signal: term" in scorer.log())
        client.sendall(body[10:])
        answer = client.recv(65536)

    assert answer.startswith(b"HTTP/1.1 200 ")
    scorer.process.wait_until_ended(60)


def ask_until_told_the_end(client, lost):
    """Ask over one connection without a pause, as long as the answers let it stay."""
    asked_s = time.monotonic()
    try:
        is_kept = True
        while is_kept:
            before_s = asked_s
            ask(client, RECORD)
            asked_s = time.monotonic()
            response = client.getresponse()
            is_kept = response.getheader("Connection") != "close"
            response.read()
    except (OSError, HTTPException) as err:
        # Who says nothing for a second is not waited for, even if a busy machine kept it from it.
        if time.monotonic() - before_s < PAUSE_ALLOWED_S:
            lost.append(repr(err))


def test_sigterm_loses_no_request_of_whoever_was_let_stay(site, scorer):
    site.promote(90)
    lost = []
    for _ in range(3):  # each finds some worker in the middle of an answer
        scorer.start("/health/ready")
        with ExitStack() as stack:
            clients = [connected(stack, scorer) for _ in range(12)]
            for client in clients:
                ask(client, RECORD)
                answer_of(client)
            threads = [
                threading.Thread(target=ask_until_told_the_end, args=(client, lost))
                for client in clients
            ]
            for thread in threads:
                thread.start()
            scorer.wait_until(lambda: sum(n_answers(scorer)) > 300)
            os.kill(scorer.process.pid, signal.SIGTERM)
            for thread in threads:
                thread.join()
        scorer.process.wait_until_ended(60)

    assert lost == []


def n_answers(scorer):
    lines = scorer.metrics().splitlines()
    return [float(line.split()[-1]) for line in lines if "predictions_total{" in line]


def test_new_clients_are_let_in_while_many_others_ask(site, scorer):
    site.promote(90)
    scorer.start("/health/ready", GUNICORN_CMD_ARGS="--workers 1")
    (worker,) = psutil.Process(scorer.process.pid).children()
    with ExitStack() as stack:
        kept = [connected(stack, scorer).sock for _ in range(300)]
        for sock in kept:
            sock.sendall(ASKED)
            assert ids_of_answers(sock, 1)
        worker.suspend()
        new = [connected(stack, scorer).sock for _ in range(20)]
        for sock in kept:
            sock.sendall(2 * ASKED)
        for sock in new:
            sock.sendall(ASKED)
        worker.resume()
        last = max(ids_of_answers(sock, 2)[1] for sock in kept)  # an id tells the time
        n_before = sum(ids_of_answers(sock, 1)[0] < last for sock in new)

    assert n_before > 12


ASKED = (
    b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b'Content-Length: 28\r\n\r\n{"record": {"a": 1, "b": 1}}'
)


def ids_of_answers(sock, n_answers):
    received = b""
    while len(ids := re.findall(rb'"id": "(\w+)".*?}}', received)) < n_answers:
        more = sock.recv(65536)
        assert more
        received += more
    return ids


def connected(stack, scorer):
    client = HTTPConnection("127.0.0.1", scorer.port, timeout=20)
    client.connect()
    stack.callback(client.close)
    return client


def test_clients_that_do_not_hang_up_use_up_no_more_than_their_share(site, scorer):
    site.promote(90)
    scorer.start("/health/ready", GUNICORN_CMD_ARGS="--worker-connections 20")
    workers = psutil.Process(scorer.process.pid).children()
    with ExitStack() as stack:
        for _ in range(150):
            client = connected(stack, scorer)
            client.request("GET", "/health/live", headers={"Connection": "close"})
            assert client.sock.recv(1)
        kept = [n_clients_of(worker, scorer.port) for worker in workers]

    assert max(kept) <= 20


def n_clients_of(worker, port):
    """How many sockets a worker has beside the one that listens."""
    found = [each.status for each in worker.net_connections("tcp") if each.laddr.port == port]
    assert psutil.CONN_LISTEN in found
    return len(found) - 1


@pytest.mark.parametrize("name", ["NIGHTCATCH_CACHE_DIR", "NIGHTCATCH_TRAINER_PUBLIC_KEY"])
def test_a_missing_variable_ends_the_start_and_is_named(site, tmp_path, name):
    env = {**os.environ, **site.env, "NIGHTCATCH_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    del env[name]
    run = subprocess.run(
        [
            *(sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "-c"),
            "python:include.services.scorer.serving.gunicorn_conf",
            "include.services.scorer.wsgi:create()",
        ],
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
    worker = int(re.findall(r"Booting worker with pid: (\d+)", scorer.log())[0])
    os.kill(worker, signal.SIGKILL)
    scorer.wait_until(lambda: scorer.log().count("Booting worker") == 3)
    scorer.wait_until(lambda: scorer.serials() == {1})

    assert served()
    scorer.kill()
    scorer.start("/health/ready")
    assert not served()
