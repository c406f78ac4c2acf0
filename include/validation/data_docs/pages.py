"""Our own pages in a run's Data Docs: what was decided of the records, and how far they moved."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import pandas as pd

from include.validation.data_docs.build import head
from include.validation.findings import plain

MAX_ROWS = 1000
MAX_CELL_CHARS = 500
_VENDOR = "../../vendor"
_BOOTSTRAP = f"{_VENDOR}/bootstrap-4.3.1/dist/css/bootstrap.min.css"
_DARK = f"{_VENDOR}/forevolve-bootstrap-dark-1.1.0/dist/css/bootstrap-prefers-dark.css"
_REFUSED = """<p><strong>What to do:</strong> fix the source of the records, load it again
(<code>./nightcatch load</code>, or the DAG <code>load_records</code>) and trigger the run again.
Broken records that were loaded stay in MongoDB until they are deleted there: single ones by
<code>_id</code>, those of one file by <code>loaded_from</code>. The version in production goes on
answering.</p>"""
_QUARANTINED = """<p><strong>What to do:</strong> fix these records in MongoDB, under their
<code>_id</code>, or delete them there: those of one file by <code>loaded_from</code>. The next run
validates every record again and accepts what is valid. If the rule is wrong and not the records,
change it in <code>gx/expectations</code>.</p>"""
_DRIFT_MEANING = """<p>0 means that a column's values are as frequent as in the records of the
version in production. <em>Moved</em> is a warning. <em>Moved far</em> keeps the new version from
being approved, unless the run is triggered with <em>Accept drift</em>.</p>"""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{bootstrap}">
<link rel="stylesheet" href="{dark}">
{look}
</head>
<body class="container-fluid p-4">
<nav aria-label="Data Docs"><a href="index.html">All results of this run</a></nav>
<main>
<h1 class="h3 mt-3">{title}</h1>
{body}
</main>
</body>
</html>
"""


def quarantine_page(
    *,
    title: str,
    failures: Sequence[str],
    warnings: Sequence[str],
    statistics: dict[str, Any],
    quarantined: pd.DataFrame,
    legend: str = "",
    charts: str = "",
) -> str:
    """Return the page as HTML; whatever comes from the records is escaped.

    Parameters
    ----------
    title : str
    failures, warnings : sequence of str
    statistics : dict
        Of the whole frame, as `ValidationOutcome` holds them.
    quarantined : DataFrame of shape (n_quarantined, n_columns + 1)
        With ``_id`` and ``reasons``; the first `MAX_ROWS` are shown.
    legend : str
        What the values of the records stand for.
    charts : str
        HTML, of `distributions`.
    """
    parts = [
        _verdict(failures, statistics),
        _remedy(failures, statistics),
        _sentences("Warnings", warnings),
        _reasons(statistics["reasons"]),
        "<h2 class='h5'>Figures</h2>",
        f"<p>{escape(legend)}</p>" if legend else "",
        _table("Figures", ("Figure", "Value"), _figures(statistics)),
        charts,
        _rows(quarantined),
    ]
    return _page(title, "\n".join(part for part in parts if part))


def drift_page(
    *, title: str, sentences: Sequence[str], rows: Iterable[tuple[str, float, float, str]]
) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    title : str
    sentences : sequence of str
    rows : iterable of tuple
        Column, Kullback-Leibler divergence, population stability index and verdict.
    """
    header = ("Column", "Divergence (KL, nats)", "Stability index (PSI)", "Verdict")
    table = ((name, f"{kl:.4f}", f"{psi:.4f}", verdict) for name, kl, psi, verdict in rows)
    body = _sentences("", sentences) + _DRIFT_MEANING + _table("Drift by column", header, table)
    return _page(title, body)


def _page(title: str, body: str) -> str:
    return _PAGE.format(
        title=escape(title), bootstrap=_BOOTSTRAP, dark=_DARK, look=head(_VENDOR), body=body
    )


def _verdict(failures: Sequence[str], statistics: dict[str, Any]) -> str:
    if failures:
        return (
            "<div class='alert alert-danger'>The records are refused: nothing is trained on them."
            f"{_sentences('', failures)}</div>"
        )
    kept = f"{statistics['accepted']:,} of {statistics['rows']:,}"
    rest = "; the others are in quarantine" if statistics["quarantined"] else ""
    return f"<div class='alert alert-success'>{kept} records are accepted for training{rest}.</div>"


def _remedy(failures: Sequence[str], statistics: dict[str, Any]) -> str:
    """Return what to do, in short; the runbook has the details."""
    if failures:
        return _REFUSED
    return _QUARANTINED if statistics["quarantined"] else ""


def _sentences(heading: str, sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return (f"<h2 class='h5'>{heading}</h2>" if heading else "") + f"<ul>{items}</ul>"


def _reasons(reasons: dict[str, int]) -> str:
    if not reasons:
        return ""
    return "<h2 class='h5'>Reasons</h2>" + _table("Reasons", ("Reason", "Records"), reasons.items())


def _figures(statistics: dict[str, Any]) -> list[tuple[str, object]]:
    names = {
        "rows": "records",
        "quarantined": "records in quarantine",
        "distinct_vectors": "distinct feature vectors",
        "duplicate_rows": "records that repeat an earlier one",
        "contradictory_vectors": "feature vectors with more than one label",
        "contradictory_rows": "records of such vectors",
    }
    figures: list[tuple[str, object]] = [
        (text, f"{statistics[name]:,}") for name, text in names.items() if name in statistics
    ]
    labels = statistics.get("label_counts", {})
    figures += [(f"records labelled {label}", f"{n:,}") for label, n in labels.items()]
    missing = {name: share for name, share in statistics["missing_share"].items() if share}
    return figures + [(f"{name} missing", f"{share:.2%}") for name, share in missing.items()]


def _rows(quarantined: pd.DataFrame) -> str:
    if quarantined.empty:
        return "<p>No record is in quarantine.</p>"
    shown = quarantined.head(MAX_ROWS)
    rest = [name for name in shown.columns if name not in ("_id", "reasons")]
    columns = ["_id", "reasons", *rest]
    rows = shown[columns].astype(object).itertuples(index=False, name=None)
    table = _table("Records in quarantine", columns, rows, cells="text-nowrap")
    count = f"{len(shown):,} of {len(quarantined):,}" if len(shown) < len(quarantined) else "All"
    return f"<h2 class='h5'>Records in quarantine</h2><p>{count} are shown.</p>{table}"


def _table(
    name: str, header: Sequence[str], rows: Iterable[Sequence[object]], cells: str = ""
) -> str:
    """Return a table, which scrolls where it is too wide, also by keyboard."""
    head = "".join(f"<th scope='col'>{escape(str(name))}</th>" for name in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_short(plain(cell)))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return (
        f"<div class='table-responsive' tabindex='0' role='region' aria-label='{name}'>"
        f"<table class='table table-sm table-bordered w-auto {cells}'>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _short(text: str) -> str:
    if len(text) <= MAX_CELL_CHARS:
        return text
    return f"{text[:MAX_CELL_CHARS]}... ({len(text):,} characters)"
