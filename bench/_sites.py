"""The real phishing-sites records, as arrays, for the benches."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contract.schema import Target
from include.errors import SettingMissingError
from include.training.split import group_keys

FILE = "phishing_websites.csv"
_TARGET = Target(source="Result", positive=-1, negative=1)


@dataclass(frozen=True)
class Records:
    """Inputs, labels and group keys of some records, row by row."""

    X: npt.NDArray[np.float32]
    y: npt.NDArray[np.int8]
    groups: npt.NDArray[np.object_]

    def where(self, kept: npt.NDArray[np.bool_]) -> "Records":
        """Return the records for which `kept` is true."""
        return Records(self.X[kept], self.y[kept], self.groups[kept])


def read_records() -> Records:
    """Return the records of the file in NIGHTCATCH_DATA_DIR, else in ../shared/data.

    Raises
    ------
    SettingMissingError
        If the file is in neither place.
    """
    folder = Path(os.environ.get("NIGHTCATCH_DATA_DIR") or "../shared/data")
    path = folder / FILE
    if not path.is_file():
        raise SettingMissingError(f"{path} is missing: set NIGHTCATCH_DATA_DIR to its folder")
    frame = pd.read_csv(path)
    X = frame.drop(columns=_TARGET.source).to_numpy(np.float32)
    return Records(X, _TARGET.encode(frame[_TARGET.source]), group_keys(X))
