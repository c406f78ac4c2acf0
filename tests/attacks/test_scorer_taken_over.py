"""Attacker: whoever runs code inside a scorer of Compose, with its S3 credentials and its network.

Aim: read what others sent, change models, records or logs, or reach another server.
"""

import re
import secrets
from pathlib import Path

import boto3
import pytest
import yaml
from botocore.exceptions import ClientError

from include.contract import keys
from include.errors import StoreUnavailableError
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue, Sent
from include.stack.seaweed import REGION, SeaweedServer
from include.stores.objects import ObjectStore

COMPOSE = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yaml").read_text())
BUCKET = "nightcatch"
VERSION, DAY = "20261121T020513Z-3f9a1c2b", "2026-11-21"
TRAFFIC = keys.traffic_file("urls", DAY, "of-another-scorer")


class ComposeServer(SeaweedServer):
    """An S3 with the identities of docker-compose.yaml, with random credentials."""

    def __init__(self, folder):
        text = COMPOSE["configs"]["s3.json"]["content"]
        self.given = {name: secrets.token_hex(10) for name in re.findall(r"\$\{(\w+)", text)}
        self.config = folder / "s3.json"
        self.config.write_text(re.sub(r"\$\{(\w+)[^}]*\}", lambda m: self.given[m[1]], text))
        super().__init__(folder, self.given["S3_ACCESS_KEY"], self.given["S3_SECRET_KEY"])

    def _command(self):
        return [*super()._command(), f"-s3.config={self.config}"]

    def scorers(self, service="s3"):
        return boto3.client(
            service,
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.given["S3_SCORER_ACCESS_KEY"],
            aws_secret_access_key=self.given["S3_SCORER_SECRET_KEY"],
            region_name=REGION,
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = ComposeServer(tmp_path_factory.mktemp("compose-s3"))
    started.start()
    store = ObjectStore(started.client(), BUCKET)
    for key in (
        *(keys.approved("urls"), keys.version_file("urls", VERSION, keys.MODEL_ONNX), TRAFFIC),
        *(keys.run_file("urls", "run", "accepted.parquet"), "lists/urls/current.json"),
    ):
        store.put(key, b"x")
    yield started
    started.kill()


@pytest.fixture
def taken_over(server):
    return ObjectStore(server.scorers(), BUCKET)


def test_it_does_its_work(taken_over):
    taken_over.put(keys.traffic_file("urls", DAY, "mine"), b"x")
    taken_over.put(keys.feedback_file("urls", DAY, "mine"), b"x")

    assert taken_over.get(keys.approved("urls")) == b"x"
    assert taken_over.get("lists/urls/current.json") == b"x"


def test_a_scorer_of_ours_replaces_no_batch_of_another(taken_over, server, tmp_path):
    """Whoever foresaw the key of a batch: what is there stays, and the batch counts as sent."""
    outbox = DeliveryQueue(tmp_path / "outbox", 1_000_000)
    outbox.add("traffic", "urls", DAY, ['{"id": "a"}'])
    (batch,) = outbox.waiting()
    key = batch.key(batch.path.read_bytes())
    ObjectStore(server.client(), BUCKET).put(key, b"of another scorer")

    assert outbox.send(taken_over) == Sent(1)
    assert ObjectStore(server.client(), BUCKET).get(key) == b"of another scorer"


@pytest.mark.parametrize("key", [TRAFFIC, keys.run_file("urls", "run", "accepted.parquet")])
def test_it_reads_neither_traffic_nor_runs(taken_over, key):
    with pytest.raises(StoreUnavailableError, match="AccessDenied"):
        taken_over.get(key)


@pytest.mark.parametrize(
    "key",
    [
        keys.approved("urls"),
        keys.history("urls", 1),
        keys.version_file("urls", VERSION, keys.MODEL_ONNX),
        keys.run_file("urls", "run", "gate.json"),
        "lists/urls/current.json",
        "docs/urls/run/index.html",
        "anything",
    ],
)
def test_it_writes_nothing_but_logs(taken_over, key):
    with pytest.raises(StoreUnavailableError, match="AccessDenied"):
        taken_over.put(key, b"hostile")


@pytest.mark.parametrize("key", [TRAFFIC, keys.approved("urls")])
def test_it_deletes_nothing(taken_over, server, key):
    with pytest.raises(StoreUnavailableError, match="AccessDenied"):
        taken_over.delete(key)
    assert ObjectStore(server.client(), BUCKET).exists(key)


def test_it_makes_itself_no_rights(server):
    s3, iam = server.scorers(), server.scorers("iam")
    allow = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*",'
        ' "Action": "s3:*", "Resource": "arn:aws:s3:::nightcatch/*"}]}'
    )
    for attempt in (
        lambda: s3.put_bucket_policy(Bucket=BUCKET, Policy=allow),
        lambda: s3.put_bucket_acl(Bucket=BUCKET, ACL="public-read-write"),
        lambda: s3.delete_bucket(Bucket=BUCKET),
        lambda: s3.create_bucket(Bucket="another"),
        lambda: iam.create_user(UserName="another"),
        lambda: iam.create_access_key(UserName="airflow"),
    ):
        with pytest.raises(ClientError) as refused:
            attempt()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_it_has_no_network_but_the_proxys():
    scorer = COMPOSE["services"]["scorer"]
    neighbours = {
        name
        for name, service in COMPOSE["services"].items()
        if "front" in service.get("networks", [])
    }

    assert scorer["networks"] == ["front"]
    assert COMPOSE["networks"]["front"] == {"internal": True}
    assert neighbours == {"scorer", "proxy", "prometheus"}
