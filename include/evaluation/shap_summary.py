"""Summarise SHAP values of a sample of rows: which inputs move predictions, and in which direction.

Source: Lundberg & Lee (2017), arXiv 1705.07874; of trees: Lundberg et al. (2020),
doi 10.1038/s42256-019-0138-9.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier

from include.estimators.logit_blend import LogitBlendClassifier

LOG_ODDS, PROBABILITY = "log-odds", "probability"
_BOOSTED = (GradientBoostingClassifier, HistGradientBoostingClassifier)
_AVERAGED = (DecisionTreeClassifier, ExtraTreesClassifier, RandomForestClassifier)
_BACKGROUND_ROWS, _MAX_ROWS, _MIN_ROWS = 1_000, 300, 25
_AFFORDABLE_STEPS = 4e9
_N_STRIPS = 48

Matrix = npt.NDArray[np.float64]


def contributions(
    pipeline: Pipeline, X: npt.NDArray[np.float32], names: Sequence[str], *, seed: int
) -> dict[str, Any]:
    """Return the SHAP summary of each input of a fitted pipeline, largest first.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted; what its last step is given is explained.
    X : ndarray of shape (n_rows, n_columns), float32
        Rows the model was not trained on; a sample of them is explained, the smaller the larger
        the model.
    names : sequence of str
        Of what the last step is given, in order.
    seed : int
        Draws the sample.

    Returns
    -------
    dict
        ``unavailable``: why this family cannot be explained so. Otherwise ``unit``, ``n_rows``,
        ``inputs``: ``name``, ``mean`` (of the absolute contributions), ``direction`` (from -1, a
        high value speaks for legitimate, to 1, for phishing) and ``strips``: [contribution,
        rows, mean rank of the input's value from 0 to 1].
    """
    classifier = pipeline[-1]
    drawn = np.sort(np.random.default_rng(seed).permutation(len(X))[:_BACKGROUND_ROWS])
    given = np.asarray(pipeline[:-1].transform(X[drawn]), dtype=np.float64)
    explain, n_rows = _explainer(classifier, given)
    if explain is None:
        kind = type(classifier).__name__
        return {"unavailable": f"{kind} has no exact SHAP values that are computed in seconds"}
    given = given[np.linspace(0, len(given) - 1, min(n_rows, len(given))).astype(int)]
    values = explain(given)
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "mean": float(np.abs(values[:, index]).mean()),
            "direction": _direction(values[:, index], given[:, index]),
            "strips": _strips(values[:, index], given[:, index]),
        }
        for index, name in enumerate(names)
    ]
    unit = PROBABILITY if isinstance(classifier, _AVERAGED) else LOG_ODDS
    ranked = sorted(found, key=lambda each: (-each["mean"], each["name"]))
    return {"unit": unit, "n_rows": len(given), "inputs": ranked}


def _explainer(
    classifier: ClassifierMixin, given: Matrix
) -> tuple[Callable[[Matrix], Matrix] | None, int]:
    """Return an explainer and how many rows it explains in seconds; None and 0 if none."""
    import shap  # type: ignore[import-untyped]  # it has no annotations

    if isinstance(classifier, LogitBlendClassifier):
        inner, n_rows = _explainer(classifier.estimator_, given[:, :-1])
        if inner is None:
            return None, 0
        usual = float(given[:, -1].mean())
        return partial(_logit_blend_values, inner, classifier.weight, usual), n_rows
    if isinstance(classifier, LogisticRegression):
        return shap.LinearExplainer(classifier, given).shap_values, _MAX_ROWS
    if not isinstance(classifier, _BOOSTED + _AVERAGED):
        return None, 0
    explainer = shap.TreeExplainer(classifier)
    # The time of a row grows with the number of nodes and with the squared depth.
    steps = float(explainer.model.num_nodes.sum()) * explainer.model.max_depth**2
    n_rows = int(np.clip(_AFFORDABLE_STEPS / max(steps, 1), _MIN_ROWS, _MAX_ROWS))
    return partial(_tree_values, explainer), n_rows


def _tree_values(explainer: Any, given: Matrix) -> Matrix:
    values: Matrix = explainer.shap_values(given, check_additivity=False)
    return values[:, :, 1] if values.ndim == 3 else values


def _logit_blend_values(
    inner: Callable[[Matrix], Matrix], weight: float, usual: float, given: Matrix
) -> Matrix:
    """Explain a sum of log-odds: SHAP values of the trees, and the last column against its mean."""
    return np.column_stack([inner(given[:, :-1]), weight * (given[:, -1] - usual)])


def _direction(contribution: Matrix, value: Matrix) -> float:
    """Return the correlation of an input's contributions with its values; 0 if one never varies."""
    if np.ptp(contribution) == 0 or np.ptp(value) == 0:
        return 0.0
    return float(np.corrcoef(contribution, _ranks(value))[0, 1])


def _strips(contribution: Matrix, value: Matrix) -> list[list[float]]:
    """Merge equal contributions, so that thousands of rows become a few dozen points."""
    width = max(float(np.ptp(contribution)) / _N_STRIPS, 1e-9)
    bins = np.floor((contribution - contribution.min()) / width).astype(int)
    ranks = _ranks(value)
    return [
        [
            round(float(contribution[inside].mean()), 5),
            int(inside.sum()),
            round(float(ranks[inside].mean()), 3),
        ]
        for inside in (bins == index for index in np.unique(bins))
    ]


def _ranks(value: Matrix) -> Matrix:
    """Return the rank of each value among the distinct ones, from 0 to 1."""
    levels, place = np.unique(value, return_inverse=True)
    ranks: Matrix = place / max(len(levels) - 1, 1)
    return ranks
