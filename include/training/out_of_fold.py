"""Out-of-fold probabilities of the training rows."""

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from include.estimators.calibrated import SigmoidCalibratedClassifier
from include.training.deduplicate import fit_distinct


def out_of_fold_probability(
    calibrated: SigmoidCalibratedClassifier,
    X: npt.NDArray[np.float32],
    y: npt.NDArray[np.int8],
    groups: npt.NDArray[np.object_],
    *,
    seed: int,
    n_folds: int = 5,
) -> npt.NDArray[np.float64]:
    """Return each training row's P(phishing) by the same model fitted without the row's fold.

    A false-positive budget of 1 % needs thousands of legitimate rows to be set; a calibration side
    of a tenth has a few hundred. A fold's model has fewer training rows than the published one, so
    it ranks slightly worse, and a threshold set on its scores is conservative.

    Parameters
    ----------
    calibrated : SigmoidCalibratedClassifier
        Its frozen estimator is cloned and refitted fold by fold; its sigmoid is kept.
    X, y : ndarray of shape (n_rows, n_inputs) and (n_rows,)
        The training side.
    groups : ndarray of shape (n_rows,)
        Rows of equal groups are in the same fold.
    seed : int
        Shuffles the folds.
    n_folds : int

    Returns
    -------
    ndarray of shape (n_rows,), float64
    """
    pipeline = calibrated.estimator_.estimator
    _, codes = np.unique(groups, return_inverse=True)
    probability = np.empty(len(y))
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    with threadpool_limits(limits=1):
        for fitted_on, held_out in folds.split(X, y, codes):
            fitted = fit_distinct(clone(pipeline), X[fitted_on], y[fitted_on])
            probability[held_out] = calibrated.sigmoid(fitted.predict_proba(X[held_out])[:, 1])
    return probability
