"""The families of URL models: each learns from URLs, and leaves Python as it is."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from include.features.urls import N_COLUMNS, featurise
from include.inference.graph_allowlist import check_graph
from include.pipelines.urls.simulate import simulate
from include.training.onnx.export import parity, to_onnx
from include.training.text_families import text_families
from include.urls.reference.build import built_in_reference

NAMES = ("Linear", "LinearText", "BoostedFigures", "Stack")


@pytest.fixture(scope="module")
def simulated():
    records = list(simulate(900, 0))
    X = featurise([record["url"] for record in records], built_in_reference())
    return X, np.array([record["label"] for record in records], np.int8)


@pytest.mark.parametrize("effort", ["quick", "default", "thorough"])
def test_families_stand_simplest_first(effort):
    assert tuple(family.name for family in text_families(effort, 0)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_family_learns_and_is_exported_exactly(name, simulated):
    X, y = simulated
    family = next(family for family in text_families("quick", 0) if family.name == name)
    model = clone(family.estimator).fit(X[:600], y[:600])
    exported = to_onnx(model, N_COLUMNS)

    check_graph(exported)
    assert parity(exported, model, X) < 1e-5
    assert roc_auc_score(y[600:], model.predict_proba(X[600:])[:, 1]) > 0.9
