import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from include.errors import TrainingError
from include.training.calibrate import calibrate
from include.training.deduplicate import fit_distinct
from include.training.families import tabular_families

FAMILIES = {family.name: family.estimator for family in tabular_families("quick", 0)}


@pytest.fixture
def overconfident(rows):
    return fit_distinct(FAMILIES["HistGradientBoosting"], rows.X[:500], rows.y[:500])


def test_unseen_rows_get_better_probabilities_in_the_same_order(overconfident, rows):
    X, y = rows.X[500:], rows.y[500:]
    before = overconfident.predict_proba(X)[:, 1]

    after = calibrate(overconfident, X, y).predict_proba(X)[:, 1]

    assert log_loss(y, after) < log_loss(y, before)
    assert roc_auc_score(y, after) == pytest.approx(roc_auc_score(y, before), abs=1e-3)


def test_the_fitted_estimator_is_not_fitted_again(overconfident, rows):
    before = overconfident.predict_proba(rows.X)

    calibrate(overconfident, rows.X[500:], rows.y[500:])

    np.testing.assert_array_equal(overconfident.predict_proba(rows.X), before)


def test_rows_of_one_class_cannot_calibrate(overconfident, rows):
    with pytest.raises(TrainingError, match="not of both classes"):
        calibrate(overconfident, rows.X[:10], np.ones(10, dtype=np.int8))


def test_a_model_worse_than_chance_is_refused(overconfident, rows):
    with pytest.raises(TrainingError, match="worse than chance"):
        calibrate(overconfident, rows.X, 1 - rows.y)
