"""A file's labels are compared with the version in production before anything is loaded."""

import uuid

import numpy as np
import pymongo
import pytest

from include import pipelines
from include.errors import DataRejectedError
from include.ingest.load import load_dataset
from include.registry.follow.verify import TrustedKeys
from include.run.label_opinion import ProductionOpinion, auc_interval
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer, promote, url_version

URLS = pipelines.get("urls")
PHISHING = [f"http://login{n}.example/a" for n in range(40)]
LEGITIMATE = [f"https://www.site{n}.example/" for n in range(40)]


@pytest.fixture
def store(s3, bucket):
    return ObjectStore(s3.client(), bucket)


@pytest.fixture
def opinion(store, tmp_path):
    """Return what asks the version in production; it knows every phishing domain."""
    trainer, approver = (Signer.new(tmp_path, name) for name in ("trainer", "approver"))
    promote(store, url_version(1, PHISHING), trainer, approver)
    trusted_keys = TrustedKeys(approver.trusted, trainer.trusted, 50_000_000)
    return ProductionOpinion(lambda: store, URLS, lambda: trusted_keys)


@pytest.fixture
def load(mongo_url, tmp_path):
    with pymongo.MongoClient(mongo_url) as client:
        database = client[f"load_{uuid.uuid4().hex}"]

        def load(phishing, legitimate, **options):
            path = tmp_path / "file.csv"
            rows = [*(f"{url},{phishing}" for url in PHISHING)]
            rows += [f"{url},{legitimate}" for url in LEGITIMATE]
            path.write_text("\n".join(["URL,label", *rows]))
            return load_dataset(
                database["urls"], URLS, path=path, cache_dir=tmp_path, **options
            ), database["urls"].count_documents({"url": PHISHING[0], "label": 1})

        yield load
        client.drop_database(database)


def test_a_file_that_codes_legitimate_as_1_is_refused_until_that_is_stated(load, opinion):
    with pytest.raises(DataRejectedError, match=r"(?s)AUC 0\.0.*nothing was loaded.*'inverted'"):
        load(0, 1, ask_model=opinion)

    report, n_right = load(0, 1, ask_model=opinion, coding="inverted")

    assert (report.n_inserted, n_right) == (80, 1)
    assert not any("AUC" in note for note in report.notes)


def test_a_stated_coding_that_the_model_contradicts_is_loaded_with_a_warning(load, opinion):
    report, _ = load(0, 1, ask_model=opinion, coding="documented")

    assert report.n_inserted == 80
    assert any("AUC 0.0" in note for note in report.notes)


def test_a_file_that_the_model_agrees_with_is_loaded_without_a_word_of_it(load, opinion):
    report, n_right = load(1, 0, ask_model=opinion)

    assert (report.n_inserted, n_right) == (80, 1)
    assert not any("AUC" in note for note in report.notes)


def test_without_a_version_or_its_keys_the_load_is_the_same(load, store, tmp_path):
    trusted_keys = TrustedKeys(Signer.new(tmp_path, "approver").trusted, (), 1)
    nothing = ProductionOpinion(lambda: store, URLS, lambda: trusted_keys)

    assert nothing([{"url": url, "label": 1} for url in PHISHING]) is None
    assert load(0, 1, ask_model=nothing)[0].n_inserted == 80


def test_few_records_of_a_class_are_no_evidence(opinion):
    records = [{"url": url, "label": 0} for url in PHISHING]

    assert opinion([*records, {"url": LEGITIMATE[0], "label": 1}]) is None


def test_the_interval_of_an_auc_narrows_with_the_records():
    y = np.arange(400) % 2 == 1
    auc, low, high = auc_interval(y, np.random.default_rng(0).random(400).astype(np.float32))
    _, few_low, few_high = auc_interval(y[:40], np.linspace(0, 1, 40, dtype=np.float32))

    assert low < 0.5 < high
    assert low < auc < high
    assert high - low < few_high - few_low
