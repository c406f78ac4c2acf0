from io import BytesIO

import joblib
import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn.pipeline import Pipeline
from sklearn.svm import NuSVC

from include.errors import ExportError
from include.training.calibrate import calibrate
from include.training.distinct import fit_distinct
from include.training.families import tabular_families
from include.training.package import joblib_bytes, parity, to_onnx

FAMILIES = {family.name: family.estimator for family in tabular_families("quick", 0)}


@pytest.fixture(scope="module", params=FAMILIES)
def fitted(request, rows):
    return fit_distinct(FAMILIES[request.param], rows.X[:700], rows.y[:700])


@pytest.fixture
def calibrated(fitted, rows):
    return calibrate(fitted, rows.X[700:], rows.y[700:])


def with_holes(X):
    holes = X.copy()
    holes[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    return holes


def test_onnx_gives_the_probabilities_of_the_fitted_model(fitted, rows):
    assert parity(to_onnx(fitted, 8), fitted, with_holes(rows.X)) < 1e-5


def test_onnx_gives_the_calibrated_probabilities(calibrated, rows):
    assert parity(to_onnx(calibrated, 8), calibrated, with_holes(rows.X)) < 1e-4


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


def test_joblib_brings_the_model_back(calibrated, rows):
    again = joblib.load(BytesIO(joblib_bytes(calibrated)))

    np.testing.assert_array_equal(again.predict_proba(rows.X), calibrated.predict_proba(rows.X))
    assert to_onnx(again, 8) == to_onnx(calibrated, 8)


def test_a_model_without_onnx_form_is_refused(rows):
    model = Pipeline([("classifier", NoSuchForm())]).fit(rows.X, rows.y)

    with pytest.raises(ExportError, match="no ONNX form"):
        to_onnx(model, 8)


class NoSuchForm(NuSVC):
    pass
