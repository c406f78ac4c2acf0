"""Fits whose memory does not grow with the rows: linear parts see all of them, trees a sample."""

import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline

from include.estimators.cross_fit import EPOCHS, CrossFitScores
from include.estimators.cross_fit_streamed import fit_streamed
from include.training.added import AddedRows
from include.training.deduplicate import fit_distinct, weight_params

ALL_ROWS = sys.maxsize

Labels = npt.NDArray[np.int8]
Indices = npt.NDArray[np.intp]


def fit_bounded(pipeline: Pipeline, X: Any, y: Labels, max_rows: int, seed: int) -> Pipeline:
    """Fit the pipeline, return it: up to `max_rows` as `fit_distinct` does, else in their memory.

    Beyond, `CrossFitScores` are fitted on all rows, a few at a time, as often that SGD makes no
    fewer steps than on `max_rows`. Other steps are fitted on a weighted sample of that size.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Unfitted; fitted in place.
    X : ndarray or PackedRows of shape (n_rows, n_columns)
    y : ndarray of shape (n_rows,)
        0 or 1.
    max_rows : int
    seed : int
        Draws the sample.
    """
    if len(y) <= max_rows:
        return fit_distinct(pipeline, X, y)
    rows, weights = balanced_sample(y, max_rows, seed)
    if not isinstance(pipeline[0], CrossFitScores):
        return pipeline.fit(np.asarray(X[rows]), y[rows], **weight_params(pipeline, weights))
    n_epochs = max(2, -(-EPOCHS * max_rows // len(y)))
    shown = fit_streamed(pipeline[0], X, y, rows, n_epochs=n_epochs)
    pipeline[1:].fit(shown, y[rows], classifier__sample_weight=weights)
    return pipeline


def balanced_sample(y: Labels, n_rows: int, seed: int) -> tuple[Indices, npt.NDArray[np.float64]]:
    """Return indices of rows, at least half of them of the rarer class if there are so many.

    Parameters
    ----------
    y : ndarray of shape (n,)
        0 or 1.
    n_rows : int
        Fewer than n.
    seed : int

    Returns
    -------
    rows : ndarray of shape (n_rows,), intp
        Ascending.
    weights : ndarray of shape (n_rows,), float64
        Each class weighs what it does in all rows; the mean is 1.
    """
    rng = np.random.default_rng(seed)
    rarer = int(np.mean(y) <= 0.5)
    n_rarer = min(int(np.sum(y == rarer)), n_rows // 2)
    wanted = {rarer: n_rarer, 1 - rarer: n_rows - n_rarer}
    rows = np.sort(
        np.concatenate(
            [rng.permutation(np.flatnonzero(y == label))[:n] for label, n in wanted.items()]
        )
    )
    share = {label: np.mean(y == label) * n_rows / max(n, 1) for label, n in wanted.items()}
    return rows, np.where(y[rows] == 1, share[1], share[0])


def at_most(n_rows: int, max_rows: int, seed: int) -> Indices | slice:
    """Return what of the rows a comparison of models is made on: all, or an even sample in order.

    Parameters
    ----------
    n_rows, max_rows : int
    seed : int
        Draws the sample.
    """
    if n_rows <= max_rows:
        return slice(None)
    drawn: Indices = np.sort(np.random.default_rng(seed).permutation(n_rows)[:max_rows])
    return drawn


def added_to(added: AddedRows | None, share: float, seed: int) -> AddedRows | None:
    """Return that share of the added rows, for a sample of the real ones."""
    if added is None or share >= 1:
        return added
    kept = at_most(len(added.y), int(len(added.y) * share), seed)
    return AddedRows(added.X[kept], added.y[kept], added.groups[kept])
