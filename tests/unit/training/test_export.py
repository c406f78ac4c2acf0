import os
import subprocess
import sys
from io import BytesIO

import joblib
import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import NuSVC

from include.errors import ExportError
from include.training.calibrate import calibrate
from include.training.deduplicate import fit_distinct
from include.training.families import tabular_families
from include.training.joblib_bytes import joblib_bytes
from include.training.onnx.export import parity, to_onnx

FAMILIES = {
    f"{family.name}-{imputer}": family.estimator
    for imputer in ("simple", "knn")
    for family in tabular_families("quick", 0, imputer)
    if imputer == "simple" or family.name in ("KNN", "HistGradientBoosting")
}


def with_holes(X, share):
    holes = X.copy()
    holes[np.random.default_rng(0).random(X.shape) < share] = np.nan
    return holes


@pytest.fixture(scope="module", params=FAMILIES)
def fitted(request, rows):
    estimator = clone(FAMILIES[request.param])
    if request.param.startswith(("AdaBoost", "ExtraTrees", "RandomForest")):
        estimator.set_params(classifier__n_estimators=15)
    return fit_distinct(estimator, with_holes(rows.X[:700], 0.05), rows.y[:700])


@pytest.fixture
def calibrated(fitted, rows):
    return calibrate(fitted, rows.X[700:], rows.y[700:])


def test_onnx_gives_the_probabilities_of_the_fitted_model(fitted, rows):
    assert parity(to_onnx(fitted, 8), fitted, with_holes(rows.X, 0.2)) < 1e-5


def test_onnx_gives_the_calibrated_probabilities(calibrated, rows):
    assert parity(to_onnx(calibrated, 8), calibrated, with_holes(rows.X, 0.2)) < 1e-4


def test_the_graph_keeps_the_contract(calibrated, rows):
    exported = to_onnx(calibrated, 8)
    onnx.checker.check_model(exported, full_check=True)
    session = onnxruntime.InferenceSession(exported)

    (given,), (found,) = session.get_inputs(), session.get_outputs()

    assert (given.name, given.type, given.shape[1]) == ("X", "tensor(float)", 8)
    assert (found.name, found.type, len(found.shape)) == ("probability", "tensor(float)", 1)
    for n in (0, 1, 5):
        (probability,) = session.run(None, {"X": rows.X[:n]})
        assert probability.shape == (n,)
        assert probability.dtype == np.float32


def test_the_same_model_gives_the_same_bytes(calibrated):
    assert to_onnx(calibrated, 8) == to_onnx(calibrated, 8)
    assert joblib_bytes(calibrated) == joblib_bytes(calibrated)


def test_another_process_gives_the_same_bytes():
    digests = {
        subprocess.run(
            [sys.executable, "-c", EXPORT_IN_A_PROCESS, "KNN", "AdaBoost", "GradientBoosting"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }

    assert len(digests) == 1
    assert len(digests.pop().splitlines()) == 3


EXPORT_IN_A_PROCESS = """
import hashlib, sys, numpy
from include.training.calibrate import calibrate
from include.training.families import tabular_families
from include.training.onnx.export import to_onnx
from include.training.joblib_bytes import joblib_bytes

X = numpy.random.default_rng(0).integers(-1, 2, (200, 6)).astype(numpy.float32)
y = (X.sum(axis=1) > 0).astype(numpy.int8)
for family in tabular_families("quick", 0, "knn"):
    if family.name in sys.argv:
        model = calibrate(family.estimator.fit(X[:120], y[:120]), X[120:], y[120:])
        forms = to_onnx(model, 6), joblib_bytes(model)
        print([hashlib.sha256(form).hexdigest() for form in forms])
"""


def test_joblib_brings_the_model_back(calibrated, rows):
    again = joblib.load(BytesIO(joblib_bytes(calibrated)))

    np.testing.assert_array_equal(again.predict_proba(rows.X), calibrated.predict_proba(rows.X))
    assert to_onnx(again, 8) == to_onnx(calibrated, 8)


def test_a_value_at_a_rounded_split_goes_the_way_it_was_trained_to():
    # The split between 3/7 and 1 lies at 5/7, and float32(5/7) is above it, yet rounds to it.
    X = np.float32([[3 / 7], [1]] * 30)
    model = HistGradientBoostingClassifier(min_samples_leaf=5).fit(X, [0, 1] * 30)

    assert parity(to_onnx(model, 1), model, np.float32([[5 / 7]])) < 1e-5


def test_a_model_without_onnx_form_is_refused(rows):
    model = Pipeline([("classifier", NoSuchForm())]).fit(rows.X, rows.y)

    with pytest.raises(ExportError, match="no ONNX form"):
        to_onnx(model, 8)


class NoSuchForm(NuSVC):
    pass
