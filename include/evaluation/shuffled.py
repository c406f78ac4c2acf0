"""A model of labels that mean nothing: whatever it finds, something crosses the split."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

_MAX_ROWS = 2_000
_SHUFFLES = 3


def shuffled_figures(
    estimator: Pipeline,
    X: npt.NDArray[np.float32],
    y: npt.NDArray[np.int8],
    groups: npt.NDArray[np.object_],
    sides: npt.NDArray[np.str_],
    *,
    seed: int,
) -> dict[str, Any]:
    """Return how well an estimator fitted on shuffled labels predicts shuffled labels.

    Labels are shuffled between groups, so twins keep equal ones: an estimator can do better than
    chance only where a group has rows on both sides of the split.

    Parameters
    ----------
    estimator : sklearn.pipeline.Pipeline
        Cloned, with its parameters, and fitted on at most 2,000 rows of the training side.
    X, y : ndarray of shape (n_rows, n_columns) and (n_rows,)
        Rows of all sides.
    groups : ndarray of shape (n_rows,)
    sides : ndarray of shape (n_rows,)
        ``"train"`` and ``"test"`` rows are used.
    seed : int

    Returns
    -------
    dict
        ``roc_auc`` on the test side, the mean over some shuffles, and ``n_rows`` fitted on.
    """
    _, first, codes = np.unique(groups, return_index=True, return_inverse=True)
    rng = np.random.default_rng(seed)
    train, test = np.flatnonzero(sides == "train"), sides == "test"
    found = []
    with threadpool_limits(limits=1):
        for _ in range(_SHUFFLES):
            meaningless = y[rng.permutation(first)][codes]
            rows = rng.permutation(train)[:_MAX_ROWS]
            fitted = clone(estimator).fit(X[rows], meaningless[rows])
            probability = fitted.predict_proba(X[test])[:, 1]
            found.append(float(roc_auc_score(meaningless[test], probability)))
    return {"roc_auc": float(np.mean(found)), "n_rows": len(rows), "shuffles": _SHUFFLES}
