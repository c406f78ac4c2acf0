"""A leakage check: a model fitted on shuffled labels must not predict them."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from include.features.packed_rows import by_block

_MAX_ROWS = 5_000
_SHUFFLES = 5


def shuffled_figures(
    X: Any,
    y: npt.NDArray[np.int8],
    groups: npt.NDArray[np.object_],
    sides: npt.NDArray[np.str_],
    *,
    seed: int,
) -> dict[str, Any]:
    """Return how well a decision tree fitted on shuffled labels predicts them on the test side.

    Labels are shuffled between groups, so duplicates keep equal ones: the tree can do better than
    chance only where a group has rows on both sides of the split.

    Parameters
    ----------
    X : ndarray or PackedRows of shape (n_rows, n_columns)
    y : ndarray of shape (n_rows,)
        Rows of all sides.
    groups : ndarray of shape (n_rows,)
    sides : ndarray of shape (n_rows,)
        At most 5,000 ``"train"`` rows are learned, the ``"test"`` rows are predicted.
    seed : int

    Returns
    -------
    dict
        ``roc_auc``, the mean over some shuffles; ``n_rows`` learned; ``family``.
    """
    _, first, codes = np.unique(groups, return_index=True, return_inverse=True)
    rng = np.random.default_rng(seed)
    train, test = np.flatnonzero(sides == "train"), np.flatnonzero(sides == "test")
    found = []
    for _ in range(_SHUFFLES):
        meaningless = rng.permutation(y[first])[codes]
        rows = rng.permutation(train)[:_MAX_ROWS]
        tree = DecisionTreeClassifier(max_features="sqrt", random_state=seed)
        tree.fit(np.asarray(X[rows]), meaningless[rows])
        probability = by_block(tree.predict_proba, X[test])[:, 1]
        found.append(float(roc_auc_score(meaningless[test], probability)))
    return {"family": "a decision tree", "roc_auc": float(np.mean(found)), "n_rows": len(rows)}
