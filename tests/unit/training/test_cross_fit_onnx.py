"""Scores of tokens leave Python without losing a bit."""

import numpy as np
import onnxruntime
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from include.estimators.cross_fit import CrossFitScores
from include.estimators.logit_blend import LogitBlendClassifier
from include.inference.graph_allowlist import check_graph
from include.training.onnx.export import INPUT, OUTPUT, parity, to_onnx

SECTIONS = ((3, 30, 4096), (30, 40, 4096), (40, 60, 512))
SHOWN = {"plain": False, "steadied, of categories": True}


@pytest.fixture(scope="module", params=SHOWN.values(), ids=SHOWN)
def fitted(request):
    """Two figures, a group, and three kinds of tokens, some absent; the model and its ONNX form."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 3000).astype(np.int8)
    X = np.zeros((3000, 60), np.float32)
    X[:, :2] = rng.normal(size=(3000, 2))
    X[:, 2] = rng.integers(0, 400, 3000)
    X[:, 3:40] = rng.integers(0, 4096, (3000, 37)) * (rng.random((3000, 37)) < 0.7)
    X[:, 40:] = rng.integers(0, 300, (3000, 20)) + 100 * y[:, np.newaxis]
    X[::7, 40:] = 0
    boosting = HistGradientBoostingClassifier(max_iter=30, early_stopping=False, random_state=0)
    bayes_sections = (1,) if request.param else None
    categories = (50, 60, 512) if request.param else None
    scores = CrossFitScores(
        2,
        SECTIONS,
        n_scored=2,
        weights=(1.0, 1.0, 0.5),
        bayes_sections=bayes_sections,
        categories=categories,
    )
    classifier = LogitBlendClassifier(boosting) if request.param else boosting
    model = Pipeline([("scores", scores), ("classifier", classifier)]).fit(X, y)
    return model, X, to_onnx(model, X.shape[1])


def test_both_forms_agree_to_float32(fitted):
    model, X, onnx_bytes = fitted

    assert parity(onnx_bytes, model, X) < 1e-6


def test_the_scorer_allows_every_operator(fitted):
    check_graph(fitted[2])


def test_one_row_and_many_get_the_same_answer(fitted):
    _, X, onnx_bytes = fitted
    session = onnxruntime.InferenceSession(onnx_bytes, providers=["CPUExecutionProvider"])
    (together,) = session.run([OUTPUT], {INPUT: X[:64]})
    alone = [session.run([OUTPUT], {INPUT: X[i : i + 1]})[0][0] for i in range(64)]

    np.testing.assert_allclose(together, alone, atol=1e-6)  # a batch sums the trees otherwise


def test_a_row_without_pieces_is_answered(fitted):
    model, X, onnx_bytes = fitted

    assert parity(onnx_bytes, model, np.zeros_like(X[:3])) < 1e-6


def test_the_same_model_gives_the_same_bytes(fitted):
    model, X, onnx_bytes = fitted

    assert to_onnx(model, X.shape[1]) == onnx_bytes
