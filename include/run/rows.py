"""Accepted rows as arrays, each on its side of the split; split and features are computed once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contract.run_documents import SnapshotSummary, SplitSummary
from include.pipelines import MadeRow
from include.registry.references import read_reference_bytes
from include.run.origins import label_origins
from include.run.run_context import RunContext, recorded_step
from include.run.steps.data import ACCEPTED
from include.training.added import AddedRows
from include.training.split import SIDES, assign_sides, group_keys
from include.urls.reference.container import from_bytes
from include.urls.reference.facts import Reference

SPLIT_SALT = "nightcatch-1"
ADDED = "added"
_BLOCK_ROWS = 4_000
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
        return Rows(**{name: values[mask] for name, values in vars(self).items()})


@recorded_step("split")
def split(run: RunContext) -> SplitSummary:
    """Write each side's rows and features under the run; later steps read them by digest.

    So are the rows that the pipeline adds to the training side.
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
    origins = _origins(run, frame, rows[_LABEL].to_numpy(), rows[_TIME])
    del frame
    reference = read_reference(run)
    for side in SIDES:
        _write_side(run, side, rows[sides == side], reference)
    made = _make_rows(run, rows[sides == "train"], reference)
    if made:
        _write_side(run, ADDED, _made_frame(made, names[0]), reference)
    summary = SplitSummary(
        rows={side: int(np.sum(sides == side)) for side in SIDES},
        salt=SPLIT_SALT,
        features=pipeline.features.name if pipeline.features else "",
        added=dict(Counter(row.kind for row in made)),
        origins=origins,
    )
    run.write(summary)
    return summary


def _origins(
    run: RunContext, frame: pd.DataFrame, y: npt.NDArray[np.int8], times: pd.Series
) -> tuple[dict[str, Any], ...]:
    """Return where the labels come from; nothing of records that do not say it."""
    origin = run.pipeline.layout.origin
    if not origin:
        return ()
    taken = run.read(SnapshotSummary)
    known_on = pd.Timestamp(taken.known_on or taken.read_at)
    return label_origins(frame[origin], y == 1, times, known_on)


def _write_side(
    run: RunContext, side: str, rows: pd.DataFrame, reference: Reference | None
) -> None:
    """Write rows, and their features in blocks, so that no more of them are in memory."""
    run.write_frame(_rows_file(side), rows)
    features = run.pipeline.features
    if features is None or reference is None:
        return
    texts = rows[[field.name for field in run.pipeline.inputs]].to_numpy(object)
    for start in _blocks(len(texts)):
        block = features.columns_of(texts[start : start + _BLOCK_ROWS], reference)
        run.write_array(_features_file(side, start), block)


def _make_rows(
    run: RunContext, train: pd.DataFrame, reference: Reference | None
) -> Sequence[MadeRow]:
    """Return the rows that the pipeline adds to the training side."""
    pipeline = run.pipeline
    if pipeline.added_rows is None or reference is None:
        return ()

    def is_trained(group: str) -> bool:
        keys = np.array([group], dtype=object)
        return bool(assign_sides(keys, SPLIT_SALT, pipeline.shares)[0] == "train")

    items, labels = train[pipeline.inputs[0].name].tolist(), train[_LABEL].tolist()
    groups = train[_GROUP].tolist()
    return pipeline.added_rows(items, labels, groups, reference, is_trained, SPLIT_SALT)


def _made_frame(made: Sequence[MadeRow], name: str) -> pd.DataFrame:
    frame = pd.DataFrame(made)
    return pd.DataFrame(
        {
            name: frame["item"],
            _LABEL: frame["label"].astype(np.int8),
            _GROUP: frame["group"],
            _TIME: np.full(len(frame), np.datetime64("NaT", "ns")),
            _POSITION: np.arange(len(frame)),
        }
    )


def read_side(run: RunContext, side: str) -> Rows:
    """Return the accepted rows on one side of the split, as `split` wrote them."""
    frame = run.read_frame(_rows_file(side))
    columns = _columns(run, frame)
    X = columns["items"]
    if run.pipeline.features is not None:
        X = np.empty((len(frame), run.pipeline.n_columns), np.float32)
        _read_features(run, side, X, np.arange(len(frame)))
    return Rows(X=X, **columns)


def read_added(run: RunContext) -> AddedRows | None:
    """Return the rows that only train, as `split` wrote them; None where it made none."""
    if not run.read(SplitSummary).added:
        return None
    added = read_side(run, ADDED)
    return AddedRows(added.X, added.y, added.groups)


def read_rows(run: RunContext) -> tuple[Rows, npt.NDArray[Any]]:
    """Return all accepted rows of a run and the side of each.

    Returns
    -------
    rows : Rows
        In the order of the accepted rows.
    sides : ndarray of shape (n_rows,)
        ``"train"``, ``"calibration"`` or ``"test"``: a stable hash of the row's group.
    """
    frames = {side: run.read_frame(_rows_file(side)) for side in SIDES}
    sides = np.repeat(np.array(SIDES, "<U11"), [len(frame) for frame in frames.values()])
    frame = pd.concat(frames.values(), ignore_index=True)
    del frames
    position = frame[_POSITION].to_numpy(np.int64)
    order = np.argsort(position)
    columns = _columns(run, frame.iloc[order])
    X = columns["items"]
    if run.pipeline.features is not None:
        X = np.empty((len(frame), run.pipeline.n_columns), np.float32)
        for side in SIDES:
            _read_features(run, side, X, position[sides == side])
    return Rows(X=X, **columns), sides[order]


def read_slices(run: RunContext, mask: npt.NDArray[np.bool_]) -> Mapping[str, npt.NDArray[Any]]:
    """Return each way to part the accepted rows where `mask` is true: the name of a row's part."""
    if run.pipeline.slices is None:
        return {}
    labels = run.pipeline.slices(run.read_frame(ACCEPTED))[mask]
    return {str(name): labels[name].to_numpy(object) for name in labels}


def read_reference(run: RunContext) -> Reference | None:
    """Return the reference data of the run; None where its features need none."""
    digest = run.read(SnapshotSummary).reference
    return from_bytes(read_reference_bytes(run.store, digest)) if digest else None


def _rows_file(side: str) -> str:
    return f"split/{side}.parquet"


def _features_file(side: str, start: int) -> str:
    return f"split/{side}-{start:08d}.npy"


def _blocks(n_rows: int) -> range:
    return range(0, n_rows, _BLOCK_ROWS)


def _columns(run: RunContext, frame: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of rows, their features apart."""
    dtype = np.float32 if run.pipeline.features is None else object
    return {
        "items": frame[[field.name for field in run.pipeline.inputs]].to_numpy(dtype),
        "y": frame[_LABEL].to_numpy(np.int8),
        "groups": frame[_GROUP].to_numpy(object),
        "times": frame[_TIME].to_numpy("M8[ns]"),
    }


def _read_features(
    run: RunContext, side: str, X: npt.NDArray[np.float32], position: npt.NDArray[np.int64]
) -> None:
    """Fill the rows of `X` at `position` with the features of a side."""
    for start in _blocks(len(position)):
        X[position[start : start + _BLOCK_ROWS]] = run.read_array(_features_file(side, start))


def _times(frame: pd.DataFrame, column: str | None) -> npt.NDArray[np.datetime64]:
    if column is None:
        return np.full(len(frame), np.datetime64("NaT", "ns"))
    times: npt.NDArray[np.datetime64] = frame[column].dt.tz_localize(None).to_numpy("M8[ns]")
    return times
