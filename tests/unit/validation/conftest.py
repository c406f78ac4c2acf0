"""Frames of the shape that snapshots have, and the outcome of judging them by the real suite."""

import json

import numpy as np
import pandas as pd
import pytest

from include.validation.validate import validate
from tests.support.validation import GX_ROOT, RUN_ID


@pytest.fixture(scope="session")
def suite():
    return json.loads((GX_ROOT / "expectations" / "sites.json").read_text())


@pytest.fixture
def frame(suite):
    """Two thousand sound records: every value allowed, 44 % phishing."""
    rng = np.random.default_rng(7)
    columns = {"_id": [f"record-{i}" for i in range(2000)]}
    for rule in suite["expectations"]:
        if rule["type"] == "expect_column_values_to_be_in_set":
            kwargs = rule["kwargs"]
            columns[kwargs["column"]] = rng.choice(kwargs["value_set"], 2000).astype(np.float32)
    columns["Result"] = np.where(rng.random(2000) < 0.44, -1, 1).astype(np.float32)
    return pd.DataFrame(columns)


@pytest.fixture
def apply_gate(tmp_path):
    """Validate a frame as a training run does."""

    def run(frame, **settings):
        defaults = {
            "suite_name": "sites",
            "gx_root": GX_ROOT,
            "run_id": RUN_ID,
            "max_quarantined_share": 0.01,
            "work_dir": tmp_path,
        }
        return validate(frame, **{**defaults, **settings})

    return run
