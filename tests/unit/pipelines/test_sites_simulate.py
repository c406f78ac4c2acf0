"""Simulated sites are reproducible, and resemble the real ones in what the simulator promises."""

import itertools
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from include.pipelines.sites.records import FIELDS, LAYOUT, TARGET
from include.pipelines.sites.simulate import simulate

NAMES = [field.name for field in FIELDS]
N_ROWS = 11_055


@pytest.fixture(scope="module")
def synthetic():
    return pd.DataFrame.from_records(simulate(N_ROWS, seed=1), columns=list(LAYOUT.dtypes))


@pytest.fixture(scope="module")
def real(data_dir):
    return pd.read_csv(data_dir / "phishing_websites.csv")


def information(frame, one, other):
    joint = pd.crosstab(frame[one], frame[other]).to_numpy() / len(frame)
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / apart[seen])).sum())


def test_the_seed_decides_everything():
    assert list(simulate(200, seed=5)) == list(simulate(200, seed=5))
    assert list(simulate(200, seed=5)) != list(simulate(200, seed=6))


def test_a_longer_run_begins_with_the_shorter_one():
    assert list(simulate(300, seed=5))[:200] == list(simulate(200, seed=5))


def test_changing_a_record_changes_no_other():
    records = []
    for record in simulate(2000, seed=5):
        records.append(dict(record))
        record.clear()

    assert records == list(simulate(2000, seed=5))


def test_records_have_the_columns_and_allowed_values(synthetic):
    assert list(next(simulate(1, seed=0))) == list(LAYOUT.dtypes)
    for field in FIELDS:
        assert set(synthetic[field.name]) == set(field.allowed)
    assert set(synthetic[TARGET.source]) == {TARGET.positive, TARGET.negative}


def test_memory_is_bounded():
    tracemalloc.start()
    for _ in simulate(8_000, seed=0):
        pass
    after_8_000 = tracemalloc.get_traced_memory()[0]
    for _ in simulate(24_000, seed=0):
        pass
    after_24_000 = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert after_24_000 < after_8_000 + 100_000


def test_class_share_and_duplicates_are_the_documented_ones(synthetic):
    assert (synthetic[TARGET.source] == -1).mean() == pytest.approx(0.443, abs=0.03)
    assert synthetic.duplicated().mean() == pytest.approx(0.47, abs=0.03)
    assert synthetic.value_counts().iloc[0] < 60


def test_strong_signals_are_the_documented_ones(synthetic):
    phishing = synthetic[TARGET.source] == -1

    assert phishing[synthetic["URL_of_Anchor"] == -1].mean() == pytest.approx(0.987, abs=0.02)
    assert phishing[synthetic["SSLfinal_State"] == 1].mean() == pytest.approx(0.112, abs=0.03)
    assert phishing[synthetic["Prefix_Suffix"] == 1].mean() == 0


def test_columns_are_distributed_as_in_the_real_file(synthetic, real):
    for name in NAMES:
        for label in (-1, 1):
            ours = synthetic[synthetic[TARGET.source] == label][name].value_counts(normalize=True)
            theirs = real[real[TARGET.source] == label][name].value_counts(normalize=True)
            distance = ours.sub(theirs, fill_value=0).abs().sum() / 2
            assert distance < 0.05, (name, label)


def test_strongest_dependencies_are_those_of_the_real_file(synthetic, real):
    pairs = {
        pair: information(real, *pair)
        for pair in itertools.combinations([*NAMES, TARGET.source], 2)
    }
    strongest = sorted(pairs, key=pairs.get)[-20:]

    for pair in strongest:
        assert information(synthetic, *pair) == pytest.approx(pairs[pair], abs=0.08), pair


def test_a_model_of_them_is_as_good_as_it_plausibly_is(synthetic):
    X = synthetic[NAMES].to_numpy()
    y = TARGET.encode(synthetic[TARGET.source])
    vectors = synthetic.groupby(NAMES).ngroup()

    probability = cross_val_predict(
        RandomForestClassifier(n_estimators=50, random_state=0),
        X,
        y,
        groups=vectors,
        cv=GroupKFold(3),
        method="predict_proba",
    )[:, 1]

    assert 0.95 < roc_auc_score(y, probability) < 0.999
    assert 0.90 < ((probability > 0.5) == y).mean() < 0.985
