"""A sum of log-odds leaves Python as it is, however sure its parts are."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from include.estimators.logit_blend import LogitBlendClassifier
from include.inference.graph_allowlist import check_graph
from include.training.onnx.export import parity, to_onnx


@pytest.mark.parametrize("width", [1.0, 40.0], ids=["doubtful", "sure"])
def test_both_forms_agree_where_sure_trees_meet_a_sure_last_column(width):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 4)).astype(np.float32)
    y = (X[:, 0] > 0).astype(np.int8)
    X[:, 3] *= width
    trees = HistGradientBoostingClassifier(max_iter=100, learning_rate=0.3, random_state=0)
    model = LogitBlendClassifier(trees).fit(X, y)
    exported = to_onnx(model, 4)

    check_graph(exported)
    assert model.estimator_.predict_proba(X[:, :3]).max() > 1 - 1e-6
    assert parity(exported, model, X) < 1e-6
