"""Fold exact duplicates into sample weights: fewer rows to fit, the same model."""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from include.training.split import group_keys

Rows = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int8]
_BLOCK_ROWS = 4096


def distinct_rows(X: Rows, y: Labels) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return the first row of each set of equal rows, and the size of each row's set.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_inputs)
        Inputs; NaN equals NaN.
    y : ndarray of shape (n_rows,)
        Labels; equal inputs with different labels stay apart.

    Returns
    -------
    representatives : ndarray of shape (n_distinct,), intp
        Index of the first row of each kind, ascending.
    weights : ndarray of shape (n_rows,), float64
        For every row, the number of rows equal to it.
    """
    kinds = _kinds(X, y)
    _, first, kind, counts = np.unique(
        kinds, return_index=True, return_inverse=True, return_counts=True
    )
    return np.sort(first), counts[kind].astype(np.float64)


def _kinds(X: Rows, y: Labels) -> npt.NDArray[np.bytes_]:
    """Return one digest per row and label; computed by block to bound memory."""
    digests: list[bytes] = []
    for start in range(0, len(y), _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        keys = group_keys(np.column_stack([X[block], y[block]]))
        digests += (blake2b(key, digest_size=16).digest() for key in keys)
    return np.frombuffer(b"".join(digests), dtype="V16")


def weight_params(
    pipeline: Pipeline, weights: npt.NDArray[np.float64]
) -> dict[str, npt.NDArray[np.float64]]:
    """Return the fit parameters that pass sample weights to a pipeline's classifier.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Ends in a step named ``classifier``.
    weights : ndarray of shape (n_rows,)
        Weight of each row.

    Returns
    -------
    dict of str to ndarray
        Empty for a classifier without weights, which then weighs each distinct row once.
    """
    if has_fit_parameter(pipeline[-1], "sample_weight"):
        return {"classifier__sample_weight": weights}
    return {}


def fit_distinct(pipeline: Pipeline, X: Rows, y: Labels) -> Pipeline:
    """Fit the pipeline on each distinct row once, weighted by its count, and return it.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Unfitted; fitted in place.
    X, y : ndarray of shape (n_rows, n_inputs) and (n_rows,)
        Rows, duplicates included.

    Returns
    -------
    sklearn.pipeline.Pipeline
    """
    rows, weights = distinct_rows(X, y)
    return pipeline.fit(X[rows], y[rows], **weight_params(pipeline, weights[rows]))
