"""Sound records of `sites`, and their validation by the real suite."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from include.validation.validate import validate

GX_ROOT = Path(__file__).resolve().parents[2] / "gx"
RUN_ID = "manual__2026-11-21T05:30:00+00:00"


def sound_frame(n_rows=1000):
    """Records of `sites` that break no rule."""
    rng = np.random.default_rng(11)
    suite = json.loads((GX_ROOT / "expectations" / "sites.json").read_text())
    names = suite["meta"]["inputs"]
    columns = {name: rng.integers(0, 2, n_rows).astype(np.float32) for name in names}
    columns = {name: v if name == "Redirect" else 2 * v - 1 for name, v in columns.items()}
    result = np.where(rng.random(n_rows) < 0.44, -1, 1).astype(np.float32)
    ids = [f"record-{i}" for i in range(n_rows)]
    return pd.DataFrame({"_id": ids, **columns, "Result": result})


def validate_frame(frame, work_dir, run_id=RUN_ID):
    """Validate a frame as a training run does."""
    return validate(
        frame,
        suite_name="sites",
        gx_root=GX_ROOT,
        run_id=run_id,
        max_quarantined_share=0.01,
        work_dir=work_dir,
    )
