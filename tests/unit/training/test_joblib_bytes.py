"""The same model is the same bytes, whatever the process that writes it did before."""

import hashlib
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from include.training.calibrate import calibrate
from include.training.families import tabular_families
from include.training.joblib_bytes import joblib_bytes

ROOT = Path(__file__).resolve().parents[3]
REWRITE = """
import hashlib, sys
import joblib
from include.training.joblib_bytes import joblib_bytes
for path in sys.argv[1:]:
    print(hashlib.sha256(joblib_bytes(joblib.load(path))).hexdigest())
"""
FAMILIES = {family.name: family.estimator for family in tabular_families("quick", 0)}


@pytest.fixture(scope="module", params=FAMILIES)
def calibrated(request, rows):
    estimator = clone(FAMILIES[request.param])
    if request.param in ("AdaBoost", "ExtraTrees", "RandomForest"):
        estimator.set_params(classifier__n_estimators=15)
    return calibrate(estimator.fit(rows.X[:700], rows.y[:700]), rows.X[700:], rows.y[700:])


def test_joblib_reads_what_is_written(calibrated, rows):
    again = joblib.load(BytesIO(joblib_bytes(calibrated)))

    assert np.array_equal(again.predict_proba(rows.X), calibrated.predict_proba(rows.X))


def test_a_model_read_and_written_again_is_the_same_bytes_here(calibrated):
    written = joblib_bytes(calibrated)

    assert joblib_bytes(joblib.load(BytesIO(written))) == written


def test_so_it_is_in_a_fresh_process(rows, tmp_path):
    written = []
    for name, family in FAMILIES.items():
        written.append(joblib_bytes(clone(family).fit(rows.X[:200], rows.y[:200])))
        (tmp_path / name).write_bytes(written[-1])
    fresh = subprocess.run(
        [sys.executable, "-c", REWRITE, *(tmp_path / name for name in FAMILIES)],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=True,
    )  # fmt: skip

    assert fresh.stdout.split() == [hashlib.sha256(body).hexdigest() for body in written]


def test_equal_strings_are_written_once_whether_or_not_they_are_one_object():
    one = "".join(["a", "b"])
    other = "".join(["a", "b"])

    assert one is not other
    assert joblib_bytes([one, other]) == joblib_bytes([one, one])


def test_what_the_memory_held_between_fields_is_not_written():
    kind = np.dtype([("left", "i8"), ("flag", "u1")], align=True)
    records = [np.frombuffer(bytes([filler]) * 32, "u1").copy().view(kind) for filler in (1, 2)]
    for each in records:
        each["left"], each["flag"] = 7, 1

    assert records[0].tobytes() != records[1].tobytes()
    assert joblib_bytes(records[0]) == joblib_bytes(records[1])
