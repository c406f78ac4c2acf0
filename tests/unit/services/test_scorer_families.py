"""Whatever the trainer may choose, the scorer can run, and answers the same."""

import numpy as np
import pytest

from include.contract.schema import InputField
from include.inference.model import load_model
from include.training.calibrate import calibrate
from include.training.deduplicate import fit_distinct
from include.training.families import tabular_families
from include.training.onnx.export import to_onnx
from tests.support.signed_versions import Version, version_name

N_INPUTS = 4
INPUTS = tuple(InputField(f"c{number}", "int8", (-1, 0, 1)) for number in range(N_INPUTS))
FAMILIES = {
    f"{family.name} {imputer}": family
    for imputer in ("simple", "knn")
    for family in tabular_families("quick", 0, imputer)
}


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(1)
    X = random.integers(-1, 2, size=(300, N_INPUTS)).astype(np.float32)
    return X, (X[:, 0] + random.normal(scale=0.5, size=300) > 0).astype(np.int8)


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_every_family_is_loaded_and_scores_as_in_training(family, rows):
    X, y = rows
    fitted = calibrate(fit_distinct(family.estimator, X[:200], y[:200]), X[200:], y[200:])
    manifest = Version(version_name(1), inputs=INPUTS).manifest()
    model = load_model(to_onnx(fitted, N_INPUTS), manifest)
    holes = X[:40].copy()
    holes[np.random.default_rng(2).random(holes.shape) < 0.1] = np.nan

    np.testing.assert_allclose(model.score(holes), fitted.predict_proba(holes)[:, 1], atol=1e-4)
