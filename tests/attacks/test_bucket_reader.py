"""Attacker: whoever can read every object in the bucket.

Aim: a key or password, or something signed that can be used elsewhere.
"""

import re

import pymongo
import pytest

from include import pipelines
from include.ingest.load import load_dataset
from include.registry.follow.verify import TrustedKeys
from include.registry.witness import sign_timestamp
from include.run.run_context import RunContext
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer, request
from tests.support.training_run import STARTED_AT, evaluate_run

SECRET = re.compile(rb"PRIVATE KEY|mongodb://[^/@]*:[^/@]*@|AKIA[0-9A-Z]{16}|aws_secret")


@pytest.fixture(scope="module")
def everything(s3, mongo_url, tmp_path_factory):
    """Every object that a whole run leaves, with its approval and timestamp."""
    from include.registry.approve import approve

    name, folder = "everything-a-run-leaves", tmp_path_factory.mktemp("run")
    client = s3.client()
    client.create_bucket(Bucket=name)
    store, pipeline = ObjectStore(client, name), pipelines.get("sites")
    trainer, approver, watcher = (Signer.new(folder, each) for each in "taw")
    trusted_keys = TrustedKeys(approver.trusted, trainer.trusted, 50_000_000)
    with pymongo.MongoClient(mongo_url) as mongo:
        collection = mongo[name].sites
        load_dataset(collection, pipeline, simulated=True, n_simulated=4_000, cache_dir=folder)
        run = RunContext(store, pipeline, "run-1")
        evaluate_run(
            run,
            collection,
            trusted_keys=trusted_keys,
            trainer=trainer,
            families=("LogisticRegression",),
        )
        mongo.drop_database(name)
    (version,) = {key.split("/")[2] for key in store.keys_under("models/sites/2")}
    approve(store, request(version), approver.key, approver.trusted)
    sign_timestamp(store, "sites", watcher.key, approver.trusted, STARTED_AT)
    return {key: store.get(key) for key in store.keys_under("")}, (trainer, approver, watcher)


def test_no_private_key_or_password_is_there(everything, s3, mongo_url):
    objects, signers = everything
    known = [signer.path.read_bytes() for signer in signers]
    known += [s3.secret_key.encode(), mongo_url.partition("@")[0].rpartition(":")[2].encode()]

    assert len(objects) > 20
    for key, body in objects.items():
        assert not SECRET.search(body), key
        assert not any(secret in body for secret in known), key
