"""The same model evaluated on a plain random split, with duplicates on both sides."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from include.contract.verdicts import REVIEW_BUDGET
from include.evaluation.metrics import Figures, evaluate
from include.training.added import AddedRows, fitted_on
from include.training.bounded import ALL_ROWS, added_to, at_most
from include.training.calibrate import calibrate
from include.training.deduplicate import fit_distinct
from include.training.families import Family
from include.training.split import Shares
from include.training.threshold import choose_thresholds


def random_split_figures(
    family: Family,
    params: Mapping[str, object],
    X: Any,
    y: npt.NDArray[np.int8],
    *,
    shares: Shares,
    seed: int,
    fpr_budget: float,
    added: AddedRows | None = None,
    max_rows: int = ALL_ROWS,
) -> Figures:
    """Return the metrics of the chosen model when rows are split at random.

    Shown beside the group-disjoint test metrics to show what a random split would have
    claimed; never used to decide anything.

    Parameters
    ----------
    family : Family
        The chosen family.
    params : mapping of str to object
        Its chosen parameters.
    X : ndarray or PackedRows of shape (n_rows, n_inputs)
    y : ndarray of shape (n_rows,)
        All rows, of every side.
    shares : Shares
        The group-disjoint split's shares, here of the rows instead of the distinct keys.
    seed : int
        Shuffles the rows.
    fpr_budget : float
        False-positive budget of the verdict "Phishing".
    added : AddedRows, optional
        Fitted on, as for the published model.
    max_rows : int
        Fitted on so many at most.
    """
    order = np.random.default_rng(seed).permutation(len(y))
    cuts = np.cumsum([shares.train, shares.calibration]) * len(y)
    # In order, as rows on disk are read best.
    train, held_back, test = map(np.sort, np.split(order, cuts.round().astype(int)))
    added = added_to(added, max_rows / len(train), seed)
    train = train[at_most(len(train), max_rows, seed)]
    with threadpool_limits(limits=1):
        estimator = clone(family.estimator).set_params(**params)
        fitted = fit_distinct(estimator, *fitted_on(X[train], y[train], added))
    model = calibrate(fitted, X[held_back], y[held_back])
    unseen = model.predict_proba(X[held_back])[:, 1]
    thresholds = choose_thresholds(y[held_back], unseen, fpr_budget).values
    return evaluate(y[test], model.predict_proba(X[test])[:, 1], thresholds, REVIEW_BUDGET)
