"""Fits on more rows than memory takes: near to the fit in memory, and the same each time."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from include.features.feature_sets import URLS
from include.features.packed_rows import PackedRows
from include.pipelines.urls import PIPELINE
from include.training.added import AddedRows
from include.training.bounded import added_to, at_most, balanced_sample, fit_bounded
from include.training.calibrate import calibrate
from include.training.deduplicate import fit_distinct
from include.training.onnx.export import parity, to_onnx
from include.training.text_families import linear, stack
from include.urls.reference.build import built_in_bytes
from include.urls.reference.container import from_bytes

N_TREES = 20


@pytest.fixture(scope="module")
def rows():
    records = list(PIPELINE.simulate(2_400, 0))
    parts = [URLS.packed([each["url"] for each in records], from_bytes(built_in_bytes()))]
    encode = PIPELINE.target.positive
    y = np.array([each["label"] == encode for each in records], np.int8)
    return PackedRows(parts, URLS.n_columns), y


def test_up_to_the_bound_it_is_the_fit_of_the_array(rows):
    X, y = rows
    bounded = fit_bounded(stack(0, N_TREES), X[:1_000], y[:1_000], 1_000, 0)
    plain = fit_distinct(stack(0, N_TREES), np.asarray(X[:1_000]), y[:1_000])

    assert np.array_equal(bounded.predict_proba(X), plain.predict_proba(np.asarray(X)))


@pytest.mark.parametrize("family", [linear(), stack(0, N_TREES)], ids=["linear", "stack"])
def test_beyond_it_ranks_as_well_and_the_same_each_time(rows, family):
    X, y = rows
    train, test = slice(0, 1_800), slice(1_800, None)
    whole = fit_distinct(clone(family), X[train], y[train])
    one, two = (fit_bounded(clone(family), X[train], y[train], 900, 0) for _ in range(2))
    probability = one.predict_proba(X[test])[:, 1]

    assert np.array_equal(probability, two.predict_proba(X[test])[:, 1])
    assert roc_auc_score(y[test], probability) == pytest.approx(
        roc_auc_score(y[test], whole.predict_proba(X[test])[:, 1]), abs=0.02
    )


def test_counts_of_tokens_and_peers_are_those_in_memory(rows):
    X, y = rows
    streamed = fit_bounded(stack(0, N_TREES), X, y, 900, 0)[0]
    whole = stack(0, N_TREES)[0].fit(X, y)

    for ours, theirs in zip(streamed.tables_, whole.tables_, strict=True):
        counted = slice(2, 4) if ours.shape[1] > 1 else slice(0, 0)
        assert np.array_equal(ours[:, counted], theirs[:, counted])
    assert np.array_equal(streamed.category_log_odds_, whole.category_log_odds_)


def test_the_graph_of_such_a_fit_gives_its_probabilities(rows):
    X, y = rows
    model = calibrate(fit_bounded(stack(0, N_TREES), X[:1_800], y[:1_800], 900, 0), X, y)

    assert parity(to_onnx(model, URLS.n_columns), model, np.asarray(X[:500])) < 1e-6


def test_a_sample_keeps_the_rarer_class_and_what_each_weighs():
    y = np.zeros(10_000, np.int8)
    y[:300] = 1

    rows, weights = balanced_sample(y, 1_000, 0)

    assert len(rows) == len(set(rows.tolist())) == 1_000
    assert y[rows].sum() == 300
    assert weights.mean() == pytest.approx(1)
    assert weights[y[rows] == 1].sum() / weights.sum() == pytest.approx(0.03)


def test_a_comparison_is_made_on_all_rows_or_on_as_many_as_may_be():
    added = AddedRows(np.arange(20).reshape(10, 2), np.zeros(10, np.int8), np.arange(10))

    assert at_most(10, 10, 0) == slice(None)
    assert len(at_most(100, 10, 0)) == 10
    assert added_to(added, 1.0, 0) is added
    assert len(added_to(added, 0.5, 0).y) == 5
