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


def data_folder() -> Path:
    """Return the folder of the file: NIGHTCATCH_DATA_DIR, else ../shared/data.

    Raises
    ------
    SettingMissingError
        If the file is in neither place.
    """
    folder = Path(os.environ.get("NIGHTCATCH_DATA_DIR") or "../shared/data")
    if not (folder / FILE).is_file():
        raise SettingMissingError(f"{FILE} is not in {folder}: set NIGHTCATCH_DATA_DIR")
    return folder


def read_records() -> Records:
    """Return the records of the real file.

    Raises
    ------
    SettingMissingError
        If it cannot be found.
    """
    frame = pd.read_csv(data_folder() / FILE)
    X = frame.drop(columns=_TARGET.source).to_numpy(np.float32)
    return Records(X, _TARGET.encode(frame[_TARGET.source]), group_keys(X))
