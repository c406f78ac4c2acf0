"""Accepted rows as arrays, each on its side of the split; split and features are computed once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from joblib import Parallel, delayed

from include.contract.run_documents import SnapshotSummary, SplitSummary
from include.features.packed_rows import PackedRows, Part
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
_PART_ROWS = 20_000
_LABEL, _GROUP, _TIME, _POSITION = "__label", "__group", "__time", "__position"


@dataclass(frozen=True)
class Rows:
    """Rows of one side, or of all.

    Attributes
    ----------
    items : ndarray of shape (n_rows, n_inputs)
        What a client would send: float32 with NaN = missing, or text.
    X : ndarray or PackedRows of shape (n_rows, n_columns), float32
        The model's columns: `items` themselves, or the features of the texts, on disk.
    y : ndarray of shape (n_rows,), int8
        1 = phishing.
    groups : ndarray of shape (n_rows,)
        Rows of equal groups are on the same side.
    times : ndarray of shape (n_rows,), datetime64
        When each was first seen; NaT where that is not known.
    """

    items: npt.NDArray[Any]
    X: Any
    y: npt.NDArray[np.int8]
    groups: npt.NDArray[np.object_]
    times: npt.NDArray[np.datetime64]

    @property
    def duplicates(self) -> npt.NDArray[np.object_]:
        """Keys that are equal exactly where the items are."""
        return group_keys(self.items) if self.items.dtype == np.float32 else self.items[:, 0]

    def where(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> "Rows":
        """Return the rows where a mask is true, or those of an order."""
        return Rows(**{name: values[chosen] for name, values in vars(self).items()})


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
    """Write rows, and their features in parts, made wherever joblib runs its tasks."""
    run.write_frame(_rows_file(side), rows)
    features = run.pipeline.features
    if features is None or reference is None:
        return
    texts = rows[run.pipeline.inputs[0].name].tolist()
    made = Parallel(return_as="generator", pre_dispatch="2*n_jobs")(
        delayed(features.packed)(texts[start : start + _PART_ROWS], reference)
        for start in _parts(len(texts))
    )
    for start, part in zip(_parts(len(texts)), made, strict=True):
        run.write_arrays(_features_file(side, start), vars(part))


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


def read_side(run: RunContext, side: str, *, with_items: bool = True) -> Rows:
    """Return the accepted rows on one side of the split, as `split` wrote them.

    Parameters
    ----------
    run : RunContext
    side : str
    with_items : bool
        Texts can be left out, to save memory; there are none then.
    """
    return _rows(run, {side: run.read_frame(_rows_file(side))}, with_items=with_items)


def read_added(run: RunContext) -> AddedRows | None:
    """Return the rows that only train, as `split` wrote them; None where it made none."""
    if not run.read(SplitSummary).added:
        return None
    added = read_side(run, ADDED, with_items=False)
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
    rows = _rows(run, frames)
    order = np.argsort(np.concatenate([frame[_POSITION] for frame in frames.values()]))
    return rows.where(order), sides[order]


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
    return f"split/{side}-{start:09d}.npz"


def _parts(n_rows: int) -> range:
    return range(0, n_rows, _PART_ROWS)


def _rows(run: RunContext, frames: Mapping[str, pd.DataFrame], *, with_items: bool = True) -> Rows:
    """Return the rows of some sides, one side behind the other."""
    frame = pd.concat(frames.values(), ignore_index=True)
    is_text = run.pipeline.features is not None
    names = [field.name for field in run.pipeline.inputs if with_items or not is_text]
    items = frame[names].to_numpy(object if is_text else np.float32)
    parts = (
        Part(**run.read_arrays(_features_file(side, start)))
        for side, rows in frames.items()
        for start in _parts(len(rows))
    )
    return Rows(
        items=items,
        X=PackedRows(parts, run.pipeline.n_columns) if is_text else items,
        y=frame[_LABEL].to_numpy(np.int8),
        groups=frame[_GROUP].to_numpy(object),
        times=frame[_TIME].to_numpy("M8[ns]"),
    )


def _times(frame: pd.DataFrame, column: str | None) -> npt.NDArray[np.datetime64]:
    if column is None:
        return np.full(len(frame), np.datetime64("NaT", "ns"))
    times: npt.NDArray[np.datetime64] = frame[column].dt.tz_localize(None).to_numpy("M8[ns]")
    return times
