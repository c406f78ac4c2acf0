"""A night of the pipeline of URLs on real servers: the same steps, on texts and their dates."""

from datetime import timedelta

import numpy as np
import pymongo
import pytest

from include import pipelines
from include.contract import keys
from include.contract.manifest import parse_manifest
from include.contract.run_documents import DriftSummary, Replay
from include.features.feature_sets import URLS
from include.ingest.load import load_dataset
from include.registry.follow.verify import TrustedKeys
from include.run import champion
from include.run.rows import read_rows, read_side
from include.run.run_context import RunContext
from include.run.steps import training
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer
from tests.support.traffic_days import Watched
from tests.support.training_run import ORDER, STARTED_AT, run_training

PIPELINE = pipelines.get("urls")


@pytest.fixture
def servers(s3, mongo_url, bucket, tmp_path):
    """What `run_training` needs, over 8,000 simulated URLs."""
    mongo = pymongo.MongoClient(mongo_url)
    collection = mongo[bucket].urls
    load_dataset(collection, PIPELINE, simulated=True, n_simulated=8_000, cache_dir=tmp_path)
    trainer, approver = Signer.new(tmp_path, "trainer"), Signer.new(tmp_path, "approver")
    trusted_keys = TrustedKeys(approver.trusted, trainer.trusted, 50_000_000)
    yield (
        ObjectStore(s3.client(), bucket),
        collection,
        {"trusted_keys": trusted_keys, "trainer": trainer, "approver": approver},
    )
    mongo.drop_database(bucket)


def test_a_run_of_urls_is_evaluated_signed_and_served_and_the_next_beside_it(servers, tmp_path):
    store, collection, how = servers
    run = RunContext(store, PIPELINE, "run-1")
    how |= {"families": training.family_names(run, ORDER)[:1]}
    pointer, evaluation = run_training(run, collection, **how)
    served = champion.load_version(store, pointer, how["trusted_keys"]).model
    train, test = read_side(run, "train"), read_side(run, "test")
    rows, sides = read_rows(run)
    manifest = parse_manifest(store.get(keys.version_file("urls", pointer.version, keys.MANIFEST)))
    later = evaluation.later_months
    right = (served.score(test.items) >= 0.5) == test.y

    assert manifest.features == URLS.name
    assert [field.name for field in manifest.inputs] == ["url"]
    assert manifest.snapshot["simulated"]
    assert evaluation.ceiling == 1.0
    assert not set(train.groups) & set(test.groups)
    assert np.array_equal(rows.X, URLS.columns_of(rows.items, served.reference))
    assert np.array_equal(rows.where(sides == "train").X, train.X)
    assert list(rows.where(sides == "test").groups) == list(test.groups)
    assert right.mean() == pytest.approx(evaluation.test["accuracy"])
    assert len(later["months"]) == 3
    assert later["seen"]["n_rows"] + later["unseen"]["n_rows"] == later["all"]["n_rows"]

    asked = [str(url) for url in test.items[:600, 0]]
    traffic = Watched(
        *(store, PIPELINE, how["trainer"], how["approver"], tmp_path),
        pointer=pointer,
        manifest=manifest,
    )
    ids = traffic.score([{"url": url} for url in asked], served.score(test.items[:600]))
    traffic.feed_back([(ids[0], "Legitimate"), (ids[1], "Phishing")])
    next_run = RunContext(store, PIPELINE, "run-2")
    pointer, evaluation = run_training(
        next_run, collection, started_at=STARTED_AT + timedelta(days=1), **how
    )

    assert pointer.serial == 2
    assert evaluation.champion["only_candidate_right"] == 0
    assert evaluation.champion["only_champion_right"] == 0
    replayed = next_run.read(Replay)
    given = manifest.thresholds.count(served.score(test.items[:600]))
    assert (replayed.champion, replayed.figures["n"]) == (manifest.version, len(asked))
    assert replayed.figures["verdicts"] == {"champion": given, "challenger": given}
    assert replayed.figures["reviewed"]["n"] == 1
    assert run.read(Replay).missing == "no version was in production"
    assert next_run.read(DriftSummary).max_psi == pytest.approx(0, abs=1e-3)
