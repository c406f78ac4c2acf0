"""How the values of each column are spread, by label: small bar charts for a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

MAX_BARS = 12
_CLIPPED = 0.01
"""Share of the values at either end that the outermost bars of a histogram take in."""
_WIDTH, _HEIGHT, _GAP = 240, 64, 2
_DATE = "%Y-%m-%d"


@dataclass(frozen=True)
class Bars:
    """How many values are in each bar.

    Attributes
    ----------
    names : sequence of str
        Of the bars, in order.
    counts : ndarray of shape (n_labels, n_bars), int
    """

    names: Sequence[str]
    counts: np.ndarray


def distributions(frame: pd.DataFrame, label: str | None) -> str:
    """Return a bar for the labels and a chart for each column that can be drawn, as HTML.

    Columns of text with more than `MAX_BARS` values are left out, and named. Whatever comes from
    the records is escaped.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        ``_id`` is not drawn.
    label : str or None
        Column whose values are told apart by colour.
    """
    if frame.empty:
        return ""
    codes, labels = _labels(frame, label)
    charts, left_out = [], []
    for name in frame.columns:
        if name in ("_id", label):
            continue
        values = frame[name]
        bars = _bars_of(values, codes, len(labels))
        if bars is None:
            left_out.append(str(name))
        else:
            charts.append(_chart(str(name), bars, float(values.isna().mean())))
    rest = f"<p>Not drawn: {escape(', '.join(left_out))}.</p>" if left_out else ""
    return (
        f"<h2 class='h5'>Values by column</h2>{_balance(codes, labels, label)}"
        f"<div class='charts'>{''.join(charts)}</div>{rest}"
    )


def _labels(frame: pd.DataFrame, label: str | None) -> tuple[np.ndarray, list[str]]:
    """Return the number of each row's label, and what the labels are called."""
    if label is None or label not in frame.columns:
        return np.zeros(len(frame), np.intp), ["all"]
    places, kinds = pd.factorize(frame[label], use_na_sentinel=False)
    codes, found = pd.factorize(np.array([_text(each) for each in kinds], dtype=object), sort=True)
    return np.minimum(codes[places], MAX_BARS - 1), [str(each) for each in found[:MAX_BARS]]


def _bars_of(values: pd.Series, codes: np.ndarray, n_labels: int) -> Bars | None:
    """Return the bars of a column; None where there would be too many."""
    present = values.notna().to_numpy()
    values, codes = values[present], codes[present]
    distinct = values.nunique()
    if distinct == 0:
        return None
    is_measure = pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_dtype(values)
    if distinct <= MAX_BARS or pd.api.types.is_bool_dtype(values):
        places, kinds = pd.factorize(values, sort=True)
        names = [_text(each) for each in kinds]
    elif is_measure:
        places, names = _binned(values)
    else:
        return None
    counts = np.zeros((n_labels, len(names)), np.int64)
    np.add.at(counts, (codes, places), 1)
    return Bars(names, counts)


def _binned(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Return the place of each value in a histogram, and the ranges of its bars."""
    numbers = values.astype("int64" if values.dtype.kind == "M" else float).to_numpy(float)
    low, high = np.quantile(numbers, (_CLIPPED, 1 - _CLIPPED))
    edges = np.linspace(low, high if high > low else low + 1, MAX_BARS + 1)
    places = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, MAX_BARS - 1)
    shown = edges.astype(values.dtype) if values.dtype.kind == "M" else edges
    return places, [f"{_text(first)} to {_text(last)}" for first, last in pairwise(shown)]


def _text(value: Any) -> str:
    if pd.isna(value):
        return "missing"
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    if isinstance(value, pd.Timestamp | np.datetime64):
        return str(pd.Timestamp(value).strftime(_DATE))
    return str(value)


def _balance(codes: np.ndarray, labels: Sequence[str], label: str | None) -> str:
    """Return a bar of the labels' shares with its legend."""
    counts = np.bincount(codes, minlength=len(labels))
    parts, legend, at = [], [], 0.0
    for number, (name, n) in enumerate(zip(labels, counts.tolist(), strict=True)):
        share = n / len(codes)
        width = share * _WIDTH
        parts.append(f"<rect class='label{number}' x='{at:.2f}' width='{width:.2f}' height='14'/>")
        said = f"{name}: {n:,} ({share:.1%})"
        legend.append(f"<span><i class='key label{number}'></i>{escape(said)}</span>")
        at += width
    title = "Records by label" if label else "Records"
    return (
        f"<figure class='balance'><figcaption>{title}</figcaption><svg viewBox='0 0 {_WIDTH} 14'"
        f" preserveAspectRatio='none' role='img' aria-label='{title}'>{''.join(parts)}</svg>"
        f"<p>{' '.join(legend)}</p></figure>"
    )


def _chart(name: str, bars: Bars, missing: float) -> str:
    """Return one column's bars, its labels stacked."""
    totals = bars.counts.sum(axis=0)
    width, scale = _WIDTH / len(totals), (_HEIGHT - 2) / max(int(totals.max()), 1)
    drawn = []
    for place, (text, total) in enumerate(zip(bars.names, totals.tolist(), strict=True)):
        rects, top = [], float(_HEIGHT)
        for number, n in enumerate(bars.counts[:, place].tolist()):
            height = n * scale
            top -= height
            rects.append(
                f"<rect class='label{number}' x='{place * width + _GAP / 2:.1f}' y='{top:.1f}'"
                f" width='{max(width - _GAP, 1):.1f}' height='{height:.1f}'/>"
            )
        drawn.append(f"<g><title>{escape(f'{text}: {total:,}')}</title>{''.join(rects)}</g>")
    said = f"{len(totals)} bars, the longest is number {int(totals.argmax()) + 1}"
    ends = [bars.names[0].split(" to ")[0], bars.names[-1].split(" to ")[-1]]
    axis = "".join(f"<span>{escape(_cut(end))}</span>" for end in ends[: len(totals)])
    gap = f" <small>{missing:.1%} missing</small>" if missing else ""
    return (
        f"<figure><figcaption>{escape(name)}{gap}</figcaption><svg viewBox='0 0 {_WIDTH} {_HEIGHT}'"
        f" role='img' aria-label='{said}'>{''.join(drawn)}</svg><p class='axis'>{axis}</p></figure>"
    )


def _cut(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:23]}…"
