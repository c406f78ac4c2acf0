"""Accepted rows as arrays, each on its side of the split; split and features are computed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contract.run_documents import SplitSummary
from include.run.data import ACCEPTED
from include.run.run_context import RunContext, recorded_step
from include.training.split import SIDES, assign_sides, group_keys

SPLIT_SALT = "nightcatch-1"
_LABEL, _GROUP, _TIME, _POSITION = "__label", "__group", "__time", "__position"


@dataclass(frozen=True)
class Rows:
    """Rows of one side, or of all.

    Attributes
    ----------
    items : ndarray of shape (n_rows, n_inputs)
        What a client would send: float32 with NaN = missing, or text.
    X : ndarray of shape (n_rows, n_columns), float32
        The model's columns: `items` themselves, or the features of the texts.
    y : ndarray of shape (n_rows,), int8
        1 = phishing.
    groups : ndarray of shape (n_rows,)
        Rows of equal groups are on the same side.
    times : ndarray of shape (n_rows,), datetime64
        When each was first seen; NaT where that is not known.
    """

    items: npt.NDArray[Any]
    X: npt.NDArray[np.float32]
    y: npt.NDArray[np.int8]
    groups: npt.NDArray[np.object_]
    times: npt.NDArray[np.datetime64]

    @property
    def duplicates(self) -> npt.NDArray[np.object_]:
        """Keys that are equal exactly where the items are."""
        return group_keys(self.items) if self.items.dtype == np.float32 else self.items[:, 0]

    def where(self, mask: npt.NDArray[np.bool_]) -> "Rows":
        """Return the rows where `mask` is true."""
        return Rows(*(values[mask] for values in vars(self).values()))


@recorded_step("split")
def split(run: RunContext) -> SplitSummary:
    """Write each side's rows and features under the run; later steps read them by digest.

    One side is in memory at a time besides the accepted rows.
    """
    pipeline = run.pipeline
    frame = run.read_frame(ACCEPTED)
    groups = pipeline.group_keys(frame)
    sides = assign_sides(groups, SPLIT_SALT, pipeline.shares)
    names = [field.name for field in pipeline.inputs]
    rows = frame[names].assign(
        **{
            _LABEL: pipeline.target.encode(frame[pipeline.target.source]),
            _GROUP: groups,
            _TIME: _times(frame, pipeline.first_seen),
            _POSITION: np.arange(len(frame)),
        }
    )
    del frame
    for side in SIDES:
        of_side = rows[sides == side]
        run.write_frame(_rows_file(side), of_side)
        if pipeline.features is not None:
            texts = of_side[names].to_numpy(object)
            run.write_array(_features_file(side), pipeline.features.columns_of(texts))
    summary = SplitSummary(
        rows={side: int(np.sum(sides == side)) for side in SIDES},
        salt=SPLIT_SALT,
        features=pipeline.features.name if pipeline.features else "",
    )
    run.write(summary)
    return summary


def read_side(run: RunContext, side: str) -> Rows:
    """Return the accepted rows on one side of the split, as `split` wrote them."""
    return _read_side(run, side)[0]


def read_rows(run: RunContext) -> tuple[Rows, npt.NDArray[Any]]:
    """Return all accepted rows of a run and the side of each.

    Returns
    -------
    rows : Rows
        In the order of the accepted rows.
    sides : ndarray of shape (n_rows,)
        ``"train"``, ``"calibration"`` or ``"test"``: a stable hash of the row's group.
    """
    counts = run.read(SplitSummary).rows
    n_rows = sum(counts.values())
    sides = np.empty(n_rows, "<U11")
    columns: dict[str, npt.NDArray[Any]] = {}
    for side in SIDES:
        of_side, position = _read_side(run, side)
        sides[position] = side
        for name, values in vars(of_side).items():
            if name not in columns:
                columns[name] = np.empty((n_rows, *values.shape[1:]), values.dtype)
            columns[name][position] = values
    return Rows(**columns), sides


def read_slices(run: RunContext, mask: npt.NDArray[np.bool_]) -> Mapping[str, npt.NDArray[Any]]:
    """Return each way to part the accepted rows where `mask` is true: the name of a row's part."""
    if run.pipeline.slices is None:
        return {}
    labels = run.pipeline.slices(run.read_frame(ACCEPTED))[mask]
    return {str(name): labels[name].to_numpy(object) for name in labels}


def _rows_file(side: str) -> str:
    return f"split/{side}.parquet"


def _features_file(side: str) -> str:
    return f"split/{side}.npy"


def _read_side(run: RunContext, side: str) -> tuple[Rows, npt.NDArray[np.int64]]:
    pipeline = run.pipeline
    frame = run.read_frame(_rows_file(side))
    dtype = np.float32 if pipeline.features is None else object
    items = frame[[field.name for field in pipeline.inputs]].to_numpy(dtype)
    rows = Rows(
        items=items,
        X=items if pipeline.features is None else run.read_array(_features_file(side)),
        y=frame[_LABEL].to_numpy(np.int8),
        groups=frame[_GROUP].to_numpy(object),
        times=frame[_TIME].to_numpy("M8[ns]"),
    )
    return rows, frame[_POSITION].to_numpy(np.int64)


def _times(frame: pd.DataFrame, column: str | None) -> npt.NDArray[np.datetime64]:
    if column is None:
        return np.full(len(frame), np.datetime64("NaT", "ns"))
    times: npt.NDArray[np.datetime64] = frame[column].dt.tz_localize(None).to_numpy("M8[ns]")
    return times
