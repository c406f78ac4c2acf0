"""Calibrate the chosen model on the calibration side."""

import numpy as np
import numpy.typing as npt
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from include.errors import TrainingError
from include.estimators.calibrated import SigmoidCalibratedClassifier


def calibrate(
    estimator: Pipeline, X: npt.NDArray[np.float32], y: npt.NDArray[np.int8]
) -> SigmoidCalibratedClassifier:
    """Return the fitted estimator with calibrated probabilities; its ranking is unchanged.

    Two parameters, because isotonic regression needs more rows than a calibration side has
    (Niculescu-Mizil & Caruana 2005: some thousand).

    Parameters
    ----------
    estimator : sklearn.pipeline.Pipeline
        Fitted on the training side; not refitted.
    X, y : ndarray of shape (n_rows, n_inputs) and (n_rows,)
        The calibration side.

    Raises
    ------
    TrainingError
        If the rows are not of both classes, or the model ranks them worse than chance.
    """
    if len(np.unique(y)) < 2:
        raise TrainingError(f"calibration: the {len(y)} rows are not of both classes")
    calibrated = SigmoidCalibratedClassifier(FrozenEstimator(estimator)).fit(X, y)
    if calibrated.slope_ <= 0:
        raise TrainingError("calibration: the model ranks the calibration rows worse than chance")
    return calibrated
