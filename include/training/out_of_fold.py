"""Out-of-fold probabilities of the training rows."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from include.estimators.calibrated import SigmoidCalibratedClassifier
from include.training.added import AddedRows, fitted_on
from include.training.bounded import ALL_ROWS, fit_bounded


def out_of_fold_probability(
    calibrated: SigmoidCalibratedClassifier,
    X: Any,
    y: npt.NDArray[np.int8],
    groups: npt.NDArray[np.object_],
    *,
    seed: int,
    n_folds: int = 5,
    added: AddedRows | None = None,
    max_rows: int = ALL_ROWS,
) -> npt.NDArray[np.float64]:
    """Return each training row's P(phishing) by the same model fitted without the row's fold.

    A false-positive budget of 1 % needs thousands of legitimate rows to be set; a calibration side
    of a tenth has a few hundred. A fold's model has fewer training rows than the published one, so
    it ranks slightly worse, and a threshold set on its scores is conservative.

    Parameters
    ----------
    calibrated : SigmoidCalibratedClassifier
        Its frozen estimator is cloned and refitted fold by fold; its sigmoid is kept.
    X : ndarray or PackedRows of shape (n_rows, n_inputs)
    y : ndarray of shape (n_rows,)
        The training side.
    groups : ndarray of shape (n_rows,)
        Rows of equal groups are in the same fold.
    seed : int
        Shuffles the folds.
    n_folds : int
    added : AddedRows, optional
        Fitted on where their groups are not held out.
    max_rows : int
        Of `fit_bounded`.

    Returns
    -------
    ndarray of shape (n_rows,), float64
    """
    pipeline = calibrated.estimator_.estimator
    _, codes = np.unique(groups, return_inverse=True)
    probability = np.empty(len(y))
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    with threadpool_limits(limits=1):
        for train, held_out in folds.split(X, y, codes):
            rows = fitted_on(X[train], y[train], added, groups[held_out])
            fitted = fit_bounded(clone(pipeline), *rows, max_rows, seed)
            probability[held_out] = calibrated.sigmoid(fitted.predict_proba(X[held_out])[:, 1])
    return probability
