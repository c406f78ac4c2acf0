"""Permutation importance, by named groups of columns."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score

Matrix = npt.NDArray[np.float32]


def permutation_importance(
    score: Callable[[Matrix], npt.NDArray[np.floating[Any]]],
    X: Matrix,
    y: npt.NDArray[np.int8],
    columns: Mapping[str, Sequence[int]],
    *,
    seed: int,
    n_repeats: int = 3,
    max_rows: int = 1_000,
) -> dict[str, Any]:
    """Return how much average precision is lost when inputs are shuffled among the rows.

    Columns of one name are shuffled together. scikit-learn's function of the same name knows
    single columns only. Source: Breiman (2001), doi 10.1023/A:1010933404324, section 10.

    Parameters
    ----------
    score : callable (ndarray of shape (n, n_columns)) -> ndarray of shape (n,)
        P(phishing).
    X, y : ndarray of shape (n_rows, n_columns) and (n_rows,)
        Rows the model was not trained on, of both classes; at most `max_rows` are drawn.
    columns : mapping of str to sequence of int
        What is shuffled, by name.
    seed : int
    n_repeats : int
    max_rows : int

    Returns
    -------
    dict
        ``n_rows``, ``n_repeats``, ``metric`` and ``inputs``: ``name``, ``drop`` (mean),
        ``drops`` (of each repeat), the largest first.
    """
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.permutation(len(y))[:max_rows])
    rows, truth = np.asarray(X[drawn]), y[drawn]
    whole = average_precision_score(truth, score(rows))
    orders = [rng.permutation(len(truth)) for _ in range(n_repeats)]
    found = []
    for name, indices in columns.items():
        shuffled = np.concatenate([_shuffled(rows, list(indices), order) for order in orders])
        probability = score(shuffled).reshape(n_repeats, -1)
        drops = [float(whole - average_precision_score(truth, each)) for each in probability]
        found.append({"name": name, "drop": float(np.mean(drops)), "drops": drops})
    return {
        "n_rows": len(truth),
        "n_repeats": n_repeats,
        "metric": "average_precision",
        "inputs": sorted(found, key=lambda each: (-each["drop"], each["name"])),
    }


def _shuffled(rows: Matrix, indices: list[int], order: npt.NDArray[np.intp]) -> Matrix:
    copy = rows.copy()
    copy[:, indices] = rows[order][:, indices]
    return copy
