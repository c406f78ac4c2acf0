"""Drift of a day's inputs against the training records of the production version.

Measured by the nightly drift step's own code, with the columns that the pipeline watches there,
save label and details: traffic has none.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.contract.manifest import Manifest
from include.errors import ObjectMissingError
from include.ingest.snapshot.snapshots import read_snapshot
from include.monitoring.limits import Limits
from include.monitoring.records.traffic import Item
from include.pipelines import Pipeline
from include.stores.objects import ObjectStore
from include.validation.categories import categorise, shares
from include.validation.drift import measure_drift

N_DRAWN, _N_VALUES = 6, 8
Watched = tuple[pd.DataFrame, pd.DataFrame]


def measure_inputs(
    store: ObjectStore,
    pipeline: Pipeline,
    items: Sequence[tuple[str, Item]],
    watched: Watched | None,
    manifest: Manifest | None,
    limits: Limits,
    gx_root: Path,
) -> dict[str, Any]:
    """Return the drift of each field, or why it is not evaluated.

    Parameters
    ----------
    store : ObjectStore
    pipeline : Pipeline
    items : sequence of (str, Item)
        By id.
    watched : tuple or None
        What `watched_inputs` returned of them.
    manifest : Manifest or None
        Of the version in production.
    limits : Limits
    gx_root : Path
        The repository's ``gx`` folder.

    Returns
    -------
    dict
        ``evaluated``, ``sentences``; where it is also ``reference``, ``n_items``, ``columns``
        (the most moved first) and ``drawn`` (shares of the first columns, then and now).
    """
    if (reason := _why_not(items, manifest, limits)) or manifest is None or watched is None:
        return {"evaluated": False, "sentences": [reason]}
    try:
        reference = read_snapshot(store, pipeline.name, str(manifest.snapshot["digest"]))
    except ObjectMissingError:
        lost = f"The records that {manifest.version} was trained on are not kept any more."
        return {"evaluated": False, "sentences": [lost]}
    now = watched[1]
    then = pipeline.watched(reference)
    return {
        "evaluated": True,
        "reference": manifest.version,
        "n_items": len(now),
        **_moved(pipeline, now, then, manifest.version, gx_root),
    }


def _why_not(items: Sequence[tuple[str, Item]], manifest: Manifest | None, limits: Limits) -> str:
    known = [item for _, item in items if item.inputs is not None]
    n_distinct = _n_distinct(items)
    if manifest is None:
        return (
            "No version was in production when the day ended, so there is nothing to compare with."
        )
    if items and not known:
        return (
            "Inputs were not kept (NIGHTCATCH_TRAFFIC_LOG=hash, or they have other names than the "
            "pipeline's): only the scores are watched."
        )
    if n_distinct < limits.min_items:
        return (
            f"Too few to judge the inputs: {n_distinct:,} different ones in {len(known):,} items, "
            f"and {limits.min_items:,} are enough."
        )
    return ""


def _n_distinct(items: Sequence[tuple[str, Item]]) -> int:
    """Return how many different inputs of the items are known."""
    return len({item.duplicate for _, item in items if item.inputs is not None})


def watched_inputs(
    pipeline: Pipeline, items: Sequence[tuple[str, Item]], limits: Limits
) -> Watched | None:
    """Return the items whose inputs are known as records without a label, and what is watched.

    None where too few different inputs are known.
    """
    if _n_distinct(items) < limits.min_items:
        return None
    records = _frame(pipeline, items)
    columns = pipeline.watched(records)
    detail = {pipeline.target.source, "_id", *(each.name for each in pipeline.layout.details)}
    return records, columns.drop(columns=[name for name in columns if name in detail])


def _frame(pipeline: Pipeline, items: Sequence[tuple[str, Item]]) -> pd.DataFrame:
    """Return the items as records whose label and details are missing."""
    known = [(name, item.inputs) for name, item in items if item.inputs is not None]
    frame = pd.DataFrame(
        [inputs for _, inputs in known], columns=[field.name for field in pipeline.inputs]
    )
    for field in pipeline.inputs:
        frame[field.name] = frame[field.name].astype(
            "str" if field.dtype == "string" else "float32"
        )
    unknown = {field.name: None for field in pipeline.columns if field.name not in frame}
    frame = frame.assign(_id=[name for name, _ in known], **unknown)
    if pipeline.first_seen is None:
        return frame
    return frame.assign(
        **{pipeline.first_seen: pd.Series(pd.NaT, frame.index, "datetime64[ns, UTC]")}
    )


def _moved(
    pipeline: Pipeline,
    now: pd.DataFrame,
    then: pd.DataFrame,
    reference: str,
    gx_root: Path,
) -> dict[str, Any]:
    with TemporaryDirectory(prefix="nightcatch-monitoring-") as work_dir:
        outcome = measure_drift(
            now.assign(_id=now.index),
            then,
            list(now.columns),
            pipeline=pipeline.name,
            reference_name=reference,
            gx_root=gx_root,
            run_id="traffic",
            work_dir=Path(work_dir),
            with_docs=False,
        )
    found = outcome.to_dict()
    return {
        "columns": found["columns"],
        "sentences": found["sentences"],
        "drawn": [
            _shares(each.column, now[each.column], then[each.column])
            for each in outcome.columns[:N_DRAWN]
        ],
    }


def _shares(column: str, now: pd.Series, then: pd.Series) -> dict[str, Any]:
    """Return the most frequent values, and their shares on the day and in training."""
    found = shares(*categorise(now, then))
    return most_frequent(column, found.names, found.current, found.reference)


def most_frequent(
    column: str,
    names: Sequence[str],
    now: npt.NDArray[np.float64],
    then: npt.NDArray[np.float64],
) -> dict[str, Any]:
    """Return the shares of a column's most frequent values, as the page of a day draws them.

    Parameters
    ----------
    column : str
    names : sequence of str
        Of the values, in order.
    now, then : ndarray of shape (n_names,)
        Shares on the day, and those that they are compared with.
    """
    most = np.argsort(-(now + then), kind="stable")[:_N_VALUES]
    return {
        "column": column,
        "values": [
            {"name": names[at], "now": round(float(now[at]), 6), "then": round(float(then[at]), 6)}
            for at in sorted(most.tolist())
        ],
    }
