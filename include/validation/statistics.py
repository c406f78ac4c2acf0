"""Figures of a frame that are worth a reader's look and break no rule."""

from typing import Any

import pandas as pd


def frame_statistics(
    frame: pd.DataFrame, *, inputs: list[str], label: str | None
) -> dict[str, Any]:
    """Return summary statistics of a frame as JSON-serialisable values.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    inputs : list of str
        Columns whose values together make the feature vector; absent ones are left out.
    label : str or None
        Column of the stored label.

    Returns
    -------
    dict
        ``missing_share`` by column, ``label_counts`` by value, and of the feature vectors
        ``duplicate_rows`` (those that repeat an earlier row), ``distinct_vectors``,
        ``contradictory_vectors`` (with more than one label) and ``contradictory_rows``.
    """
    present = [name for name in inputs if name in frame.columns]
    figures: dict[str, Any] = {
        "missing_share": {
            name: float(frame[name].isna().mean()) if len(frame) else 0.0
            for name in frame.columns
            if name != "_id"
        }
    }
    vector = pd.util.hash_pandas_object(frame[present], index=False)
    figures["distinct_vectors"] = int(vector.nunique()) if present else 0
    if label is None or label not in frame.columns:
        return figures
    labels = frame[label]
    figures["label_counts"] = {
        f"{k:g}" if isinstance(k, float) else str(k): int(n)
        for k, n in labels.value_counts().items()
    }
    if present:
        figures.update(_duplicates(vector, labels))
    return figures


def _duplicates(vector: pd.Series, labels: pd.Series) -> dict[str, int]:
    pairs = pd.DataFrame({"vector": vector.to_numpy(), "label": labels.to_numpy()})
    kinds = pairs.groupby("vector")["label"].nunique()
    contradictory = kinds.index[kinds > 1]
    return {
        "duplicate_rows": int(pairs.duplicated().sum()),
        "contradictory_vectors": len(contradictory),
        "contradictory_rows": int(pairs["vector"].isin(contradictory).sum()),
    }
