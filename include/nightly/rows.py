"""Accepted rows as arrays, each on its side of the split."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from include.nightly.data import ACCEPTED
from include.nightly.night import Night
from include.training.split import assign_sides

SPLIT_SALT = "nightcatch-1"


@dataclass(frozen=True)
class Rows:
    """Rows of one side, or of all.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_inputs), float32
        NaN = missing.
    y : ndarray of shape (n_rows,), int8
        1 = phishing.
    groups : ndarray of shape (n_rows,)
        Rows of equal groups are on the same side.
    """

    X: npt.NDArray[np.float32]
    y: npt.NDArray[np.int8]
    groups: npt.NDArray[np.object_]

    def where(self, mask: npt.NDArray[np.bool_]) -> "Rows":
        """Return the rows where `mask` is true."""
        return Rows(self.X[mask], self.y[mask], self.groups[mask])


def read_rows(night: Night) -> tuple[Rows, npt.NDArray[Any]]:
    """Return all accepted rows of a run and the side of each.

    Returns
    -------
    rows : Rows
    sides : ndarray of shape (n_rows,)
        ``"train"``, ``"calibration"`` or ``"test"``: a stable hash of the row's group.
    """
    pipeline = night.pipeline
    frame = night.read_frame(ACCEPTED)
    groups = pipeline.group_keys(frame)
    rows = Rows(
        X=frame[[field.name for field in pipeline.inputs]].to_numpy(np.float32),
        y=pipeline.target.encode(frame[pipeline.target.source]),
        groups=groups,
    )
    return rows, assign_sides(groups, SPLIT_SALT, pipeline.shares)


def read_side(night: Night, side: str) -> Rows:
    """Return the accepted rows on one side of the split."""
    rows, sides = read_rows(night)
    return rows.where(sides == side)
