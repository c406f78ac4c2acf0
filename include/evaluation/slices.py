"""Metrics of slices of the rows, with simultaneous confidence intervals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from include.evaluation.intervals import mean_interval, rate_interval


@dataclass(frozen=True)
class SliceResult:
    """Verdicts of a model, and of the champion if there is one, on some rows.

    Attributes
    ----------
    y : ndarray of shape (n_rows,)
        1 = phishing.
    likely, flagged, reviewed : ndarray of shape (n_rows,), bool
        Whether the probability is at least 0.5, the row is called phishing, and at least
        suspicious.
    groups : ndarray of shape (n_rows,)
        Group of each row.
    champion_flagged : ndarray of shape (n_rows,), bool, or None
        By the champion, at its own threshold.
    """

    y: npt.NDArray[np.int8]
    likely: npt.NDArray[np.bool_]
    flagged: npt.NDArray[np.bool_]
    reviewed: npt.NDArray[np.bool_]
    groups: npt.NDArray[Any]
    champion_flagged: npt.NDArray[np.bool_] | None = None

    def where(self, mask: npt.NDArray[np.bool_]) -> "SliceResult":
        """Return the rows where `mask` is true."""
        champion = self.champion_flagged
        return SliceResult(
            self.y[mask],
            self.likely[mask],
            self.flagged[mask],
            self.reviewed[mask],
            self.groups[mask],
            None if champion is None else champion[mask],
        )


def slice_figures(
    evaluated: SliceResult,
    labels: Mapping[str, npt.NDArray[np.object_]],
    *,
    min_rows: int,
    confidence: float,
    seed: int,
) -> list[dict[str, Any]]:
    """Return the metrics of every slice, ordered by name and value.

    Parameters
    ----------
    evaluated : SliceResult
    labels : mapping of str to ndarray of shape (n_rows,)
        For each kind of slice, the slice of each row; "" for none.
    min_rows : int
        Minimum number of phishing (legitimate) rows for recall (false positives) to be evaluated.
    confidence : float
        Simultaneous confidence of all intervals (Bonferroni).
    seed : int

    Returns
    -------
    list of dict
        ``name``, ``value``, ``n``, ``n_positive``, ``accuracy``, ``recall`` and ``fpr`` of what is
        called phishing, ``review_recall`` and ``review_fpr`` of what is at least suspicious (None
        without such rows), each with its interval, such as ``recall_interval``;
        ``recall_change`` and ``fpr_change``: the interval of the difference to the champion, or
        None; ``disputed_interval``: of the share of legitimate rows that the champion flags, or
        None; ``recall_evaluated``, ``fpr_evaluated``, ``evaluated`` and a ``sentence``.
    """
    _, codes = np.unique(evaluated.groups, return_inverse=True)
    evaluated = replace(evaluated, groups=codes)  # integers sort faster than group names
    slices = list(_slices(labels))
    each = 1 - (1 - confidence) / max(len(slices), 1)
    return [
        _figures(name, value, evaluated.where(mask), min_rows, each, seed)
        for name, value, mask in slices
    ]


def _slices(
    labels: Mapping[str, npt.NDArray[np.object_]],
) -> Iterator[tuple[str, str, npt.NDArray[np.bool_]]]:
    for name, parts in labels.items():
        for value in sorted(set(parts.tolist()) - {""}):
            yield name, value, parts == value


def _figures(
    name: str, value: str, rows: SliceResult, min_rows: int, confidence: float, seed: int
) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "name": name,
        "value": value,
        "n": len(rows.y),
        "n_positive": int(rows.y.sum()),
        "accuracy": float((rows.likely == rows.y).mean()),
    }
    for figure, label in (("recall", 1), ("fpr", 0)):
        of = rows.where(rows.y == label)
        figures[figure] = float(of.flagged.mean()) if len(of.y) else None
        figures[f"{figure}_evaluated"] = len(of.y) >= min_rows
        figures[f"{figure}_interval"] = rate_interval(
            of.flagged, of.groups, confidence=confidence, seed=seed
        )
        figures[f"{figure}_change"] = _change(of, confidence, seed)
        figures[f"review_{figure}"] = float(of.reviewed.mean()) if len(of.y) else None
        figures[f"review_{figure}_interval"] = rate_interval(
            of.reviewed, of.groups, confidence=confidence, seed=seed
        )
    figures["disputed_interval"] = _disputed(rows.where(rows.y == 0), confidence, seed)
    figures["evaluated"] = figures["recall_evaluated"] or figures["fpr_evaluated"]
    return {**figures, "sentence": _sentence(figures, min_rows)}


def _change(rows: SliceResult, confidence: float, seed: int) -> tuple[float, float] | None:
    """Return the interval of flagged less what the champion flags, on the same rows."""
    if rows.champion_flagged is None or len(rows.y) == 0:
        return None
    difference = rows.flagged.astype(np.int8) - rows.champion_flagged.astype(np.int8)
    return mean_interval(difference, rows.groups, confidence=confidence, seed=seed)


def _disputed(legitimate: SliceResult, confidence: float, seed: int) -> tuple[float, float] | None:
    flagged, groups = legitimate.champion_flagged, legitimate.groups
    if flagged is None:
        return None
    return rate_interval(flagged, groups, confidence=confidence, seed=seed)


def _sentence(figures: Mapping[str, Any], min_rows: int) -> str:
    where = f"{figures['name']} = {figures['value']}"
    n_positive, n_negative = figures["n_positive"], figures["n"] - figures["n_positive"]
    caught = f"{_of(figures, 'recall', n_positive)} phishing rows caught"
    alarmed = f"{_of(figures, 'fpr', n_negative)} legitimate rows flagged"
    few = [
        f"{n_rows} {kind}"
        for kind, n_rows in (("phishing", n_positive), ("legitimate", n_negative))
        if n_rows < min_rows
    ]
    if few:
        alarmed += f"; too few rows ({' and '.join(few)} < {min_rows}), not evaluated"
    return f"{where}: {caught}, {alarmed}"


def _of(figures: Mapping[str, Any], figure: str, n_rows: int) -> str:
    if n_rows == 0:
        return "0 of 0"
    low, high = figures[f"{figure}_interval"]
    return f"{figures[figure]:.1%} ({low:.1%} to {high:.1%}) of {n_rows}"
