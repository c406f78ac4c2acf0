"""The policies of deploy/aws and the database users of docs/deploy.md, enforced by real servers.

SeaweedFS knows no `s3:if-match`: that each write which needs a condition has one is read from the
requests themselves.
"""

import hashlib
import json
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

import boto3
import pymongo
import pytest
import requests
from pymongo.errors import OperationFailure

from include import pipelines
from include.contract import keys
from include.errors import StoreUnavailableError
from include.ingest.load import load_dataset
from include.registry.follow.verify import TrustedKeys
from include.registry.retention.plan import plan_retention
from include.registry.retention.sweep import sweep
from include.run.rollback import reinstate
from include.run.run_context import RunContext
from include.run.steps import promotion
from include.run.steps.promotion import record_response
from include.stack.mongo import LOADER, READER, MongoServer, grant_access
from include.stack.seaweed import REGION, SeaweedServer
from include.stores.objects import ObjectStore
from tests.support.aws_policies import AWS, read_policy, refuses_put
from tests.support.scorer_process import ScorerProcess
from tests.support.signed_versions import Signer, request
from tests.support.training_run import STARTED_AT, evaluate_run

PIPELINE = pipelines.get("sites")
BUCKET = "nightcatch"
API_KEY = "a test's key"
FAMILIES = ("LogisticRegression",)
RECORD = {column.name: column.allowed[0] for column in PIPELINE.inputs}


class GuardedServer(SeaweedServer):
    """An S3 that lets its administrator make users with policies."""

    def _command(self):
        return [*super()._command(), "-s3.iam.readOnly=false"]


class RecordsDatabase(MongoServer):
    """A mongod with the users of docs/deploy.md."""

    def as_user(self, user):
        return pymongo.MongoClient(
            "127.0.0.1", self.port, username=user, password="x", authSource="phishing",
            directConnection=True,
        )  # fmt: skip


class Account:
    """Users of a bucket, each with one policy of deploy/aws, and all that they asked for."""

    def __init__(self, server):
        self.server = server
        login = {
            "endpoint_url": server.endpoint_url,
            "aws_access_key_id": server.access_key,
            "aws_secret_access_key": server.secret_key,
            "region_name": REGION,
        }
        self._iam = boto3.client("iam", **login)
        self.admin = ObjectStore(server.client(), BUCKET)
        self.puts = []

    def protect(self):
        """Apply the bucket's policy, but for conditions that this server does not know."""
        statements = read_policy("s3-bucket-policy.json", BUCKET=BUCKET)
        known = [each for each in statements if "Condition" not in each]
        policy = {"Version": "2012-10-17", "Statement": known}
        self.server.client().put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))

    def keys_of(self, role):
        self._iam.create_user(UserName=role)
        document = (AWS / f"s3-{role}.json").read_text().replace("BUCKET", BUCKET)
        made = self._iam.create_policy(PolicyName=role, PolicyDocument=document)
        self._iam.attach_user_policy(UserName=role, PolicyArn=made["Policy"]["Arn"])
        key = self._iam.create_access_key(UserName=role)["AccessKey"]
        return {
            "aws_access_key_id": key["AccessKeyId"],
            "aws_secret_access_key": key["SecretAccessKey"],
        }

    def store_of(self, role):
        client = boto3.client(
            "s3", endpoint_url=self.server.endpoint_url, region_name=REGION, **self.keys_of(role)
        )
        client.meta.events.register("before-sign.s3.PutObject", self._note)
        return ObjectStore(client, BUCKET)

    def _note(self, request, **_):
        key = unquote(urlsplit(request.url).path).removeprefix(f"/{BUCKET}/")
        self.puts.append((key, tuple(request.headers)))


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    server = GuardedServer(
        tmp_path_factory.mktemp("s3"), secrets.token_hex(10), secrets.token_hex(20)
    )
    server.start()
    made = Account(server)
    made.protect()
    yield made
    server.kill()


@pytest.fixture(scope="module")
def mongo(tmp_path_factory):
    """A database with the users of docs/deploy.md."""
    server = RecordsDatabase(tmp_path_factory.mktemp("mongo"))
    server.start()
    with pymongo.MongoClient(server.url) as administrator:
        grant_access(administrator, {READER: "x", LOADER: "x"})
    yield server
    server.kill()


@pytest.fixture(scope="module")
def run(account, mongo, tmp_path_factory):
    """One night, each step by who may do it, up to a version in production."""
    folder = tmp_path_factory.mktemp("run")
    trainer, approver = Signer.new(folder, "trainer"), Signer.new(folder, "approver")
    trusted_keys = TrustedKeys(approver.trusted, trainer.trusted, 50_000_000)
    as_trainer, as_approver = account.store_of("trainer"), account.store_of("approver")
    with mongo.as_user(LOADER) as client:
        load_dataset(
            client.phishing.sites, PIPELINE, simulated=True, n_simulated=4_000, cache_dir=folder
        )
    run = RunContext(as_trainer, PIPELINE, "scheduled__2026-11-21T02:00:00+00:00")
    with mongo.as_user(READER) as client:
        evaluate_run(
            run,
            client.phishing.sites,
            trusted_keys=trusted_keys,
            trainer=trainer,
            families=FAMILIES,
        )
    deciding = RunContext(as_approver, PIPELINE, run.run_id, run.steps)
    record_response(
        deciding, approved=True, by="ann", at=STARTED_AT, reason="looks fine", key=approver.key
    )
    pointer = promotion.promote(
        deciding, approved_by="ann",
        approved_at=STARTED_AT, reason="looks fine", key=approver.key, trusted_keys=trusted_keys,
    )  # fmt: skip
    return as_trainer, as_approver, pointer, trainer, approver, trusted_keys


def test_a_run_needs_no_more_than_the_trainer_and_the_approver_may(run):
    _, _, pointer, *_ = run

    assert pointer.serial == 1


def test_a_person_puts_a_kept_version_in_production_with_what_the_approver_may(run):
    _, as_approver, pointer, _, approver, trusted_keys = run
    asked = request(pointer.version, run_id="once more")

    assert reinstate(as_approver, asked, approver.key, trusted_keys).serial == 2


def test_retention_needs_no_more_than_the_trainer_may(run, account):
    as_trainer, *_ = run
    as_trainer.put(keys.outbox("sites", "run-1"), b"{}")
    as_trainer.delete(keys.outbox("sites", "run-1"))
    as_trainer.put(keys.reported_champion("sites"), b"{}")
    account.admin.put(keys.traffic_file("sites", "2025-01-01", "old"), b"x")
    account.admin.put(keys.run_file("sites", "old-run", "chosen.joblib"), b"x")
    later = datetime.now(UTC) + timedelta(days=4_000)
    deleted = sweep(
        as_trainer,
        "sites",
        plan_retention(as_trainer, "sites", PIPELINE.retention, later),
    )

    assert {"run", "traffic"} <= {each.kind for each in deleted}


def test_every_write_that_needs_a_condition_has_one(run, account):
    bucket = read_policy("s3-bucket-policy.json")
    written = {key.split("/")[0] for key, _ in account.puts}

    assert written >= {"snapshots", "runs", "models"}
    assert [key for key, headers in account.puts if refuses_put(bucket, key, headers)] == []


@pytest.fixture
def scorer(run, account, tmp_path):
    _, _, _, trainer, approver, _ = run
    digest = hashlib.sha256(API_KEY.encode()).hexdigest()
    (tmp_path / "api-keys").write_text(f"tester {digest}\n")
    process = ScorerProcess(
        tmp_path,
        {
            **{name.upper(): value for name, value in account.keys_of("scorer").items()},
            "AWS_DEFAULT_REGION": REGION,
            "NIGHTCATCH_API_KEYS_FILE": str(tmp_path / "api-keys"),
            "NIGHTCATCH_S3_ENDPOINT": account.server.endpoint_url,
            "NIGHTCATCH_S3_BUCKET": BUCKET,
            "NIGHTCATCH_PIPELINES": "sites,urls",  # of which nothing was ever approved
            "NIGHTCATCH_TRAFFIC_LOG": "inputs",
            "NIGHTCATCH_TRAFFIC_INTERVAL_S": "0.2",
            "NIGHTCATCH_TRAINER_PUBLIC_KEY": str(trainer.write_public_pem(tmp_path / "t.pub")),
            "NIGHTCATCH_APPROVER_PUBLIC_KEY": str(approver.write_public_pem(tmp_path / "a.pub")),
        },
    )
    yield process.start("/health/ready")
    process.kill()


def test_a_scorer_serves_and_leaves_its_logs_with_what_it_may(run, account, scorer):
    client = requests.Session()
    client.headers["Authorization"] = f"Bearer {API_KEY}"
    answer = scorer.predict(RECORD, client).json()
    sent = {"id": answer["id"], "label": answer["prediction"], "source": "a test"}
    accepted = client.post(f"{scorer.url}/feedback", json=sent, timeout=60)
    for prefix in (keys.traffic_days_prefix("sites"), keys.feedback_days_prefix("sites")):
        scorer.wait_until(lambda prefix=prefix: list(account.admin.keys_under(prefix)))
    report = f"{scorer.url}/models/sites/report"
    scorer.wait_until(lambda: client.get(report, timeout=60).status_code == 200)

    assert accepted.status_code == 202
    assert scorer.serials() <= {1, 2}
    assert "AccessDenied" not in scorer.log()


@pytest.mark.parametrize(
    ("who", "key"),
    [
        ("trainer", keys.approved("sites")),
        ("trainer", keys.history("sites", 9)),
        ("approver", keys.version_file("sites", "20261121T020513Z-3f9a1c2b", keys.MODEL_ONNX)),
        ("approver", keys.run_file("sites", "run-1", "gate.json")),
    ],
)
def test_a_write_beyond_the_duty_is_refused(run, who, key):
    as_trainer, as_approver, *_ = run
    store = {"trainer": as_trainer, "approver": as_approver}[who]
    with pytest.raises(StoreUnavailableError, match="AccessDenied"):
        store.put(key, b"x")


def test_nobody_deletes_an_approval(run, account):
    for key in (keys.approved("sites"), keys.history("sites", 1)):
        with pytest.raises(StoreUnavailableError, match="AccessDenied"):
            account.admin.delete(key)


def test_who_trains_can_change_no_record(run, mongo):
    with mongo.as_user(READER) as client:
        with pytest.raises(OperationFailure, match="not authorized"):
            client.phishing.sites.insert_one({"x": 1})
        with pytest.raises(OperationFailure, match="not authorized"):
            client.phishing.sites.drop()
