"""Accepted rows as arrays, each on its side of the split."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.features.feature_sets import FeatureSet
from include.run.data import ACCEPTED
from include.run.run_context import RunContext
from include.training.split import assign_sides, group_keys

SPLIT_SALT = "nightcatch-1"


@dataclass(frozen=True)
class Rows:
    """Rows of one side, or of all.

    Attributes
    ----------
    items : ndarray of shape (n_rows, n_inputs)
        What a client would send: float32 with NaN = missing, or text.
    y : ndarray of shape (n_rows,), int8
        1 = phishing.
    groups : ndarray of shape (n_rows,)
        Rows of equal groups are on the same side.
    times : ndarray of shape (n_rows,), datetime64
        When each was first seen; NaT where that is not known.
    features : FeatureSet or None
        Makes `X` of texts; None where the items are what a model is shown.
    """

    items: npt.NDArray[Any]
    y: npt.NDArray[np.int8]
    groups: npt.NDArray[np.object_]
    times: npt.NDArray[np.datetime64]
    features: FeatureSet | None

    @cached_property
    def X(self) -> npt.NDArray[np.float32]:
        """What a model is shown, of shape (n_rows, n_columns)."""
        return self.items if self.features is None else self.features.columns_of(self.items)

    @property
    def duplicates(self) -> npt.NDArray[np.object_]:
        """Keys that are equal exactly where the items are."""
        return group_keys(self.items) if self.features is None else self.items[:, 0]

    def where(self, mask: npt.NDArray[np.bool_]) -> "Rows":
        """Return the rows where `mask` is true."""
        return Rows(
            self.items[mask], self.y[mask], self.groups[mask], self.times[mask], self.features
        )


def read_rows(run: RunContext) -> tuple[Rows, npt.NDArray[Any]]:
    """Return all accepted rows of a run and the side of each.

    Returns
    -------
    rows : Rows
    sides : ndarray of shape (n_rows,)
        ``"train"``, ``"calibration"`` or ``"test"``: a stable hash of the row's group.
    """
    pipeline = run.pipeline
    frame = run.read_frame(ACCEPTED)
    groups = pipeline.group_keys(frame)
    inputs = frame[[field.name for field in pipeline.inputs]]
    rows = Rows(
        items=inputs.to_numpy(np.float32 if pipeline.features is None else object),
        y=pipeline.target.encode(frame[pipeline.target.source]),
        groups=groups,
        times=_times(frame, pipeline.first_seen),
        features=pipeline.features,
    )
    return rows, assign_sides(groups, SPLIT_SALT, pipeline.shares)


def _times(frame: pd.DataFrame, column: str | None) -> npt.NDArray[np.datetime64]:
    if column is None:
        return np.full(len(frame), np.datetime64("NaT", "ns"))
    times: npt.NDArray[np.datetime64] = frame[column].dt.tz_localize(None).to_numpy("M8[ns]")
    return times


def read_side(run: RunContext, side: str) -> Rows:
    """Return the accepted rows on one side of the split."""
    rows, sides = read_rows(run)
    return rows.where(sides == side)
