"""Values of a type their column cannot hold: blank in the frame, and listed beside it."""

from collections.abc import Iterator

import pandas as pd

from include.validation.findings import Finding, RowReason

NO_TYPE_ERRORS = pd.DataFrame(columns=["_id", "column", "value", "bson_type"])
_NUMBERS = {"int", "long", "double", "decimal"}


def type_reasons(frame: pd.DataFrame, type_errors: pd.DataFrame) -> list[RowReason]:
    """Return why each row with a value of a wrong type is rejected.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    type_errors : DataFrame of shape (n_errors, 4)
        ``_id``, ``column``, ``value`` (text) and ``bson_type``, as a snapshot lists them.
    """
    return [
        RowReason(row_id, column, f"{column} holds {_described(frame, column, value, kind)}")
        for row_id, column, value, kind in _rows(type_errors)
    ]


def type_findings(
    frame: pd.DataFrame, type_errors: pd.DataFrame, max_share: float
) -> list[Finding]:
    """Return one finding for each column with more wrong values than the share `max_share`."""
    findings = []
    for column, wrong in type_errors.groupby("column"):
        if len(wrong) > max_share * len(frame):
            _, _, value, kind = next(_rows(wrong))
            sentence = (
                f"{column} is of a wrong type in {len(wrong)} of {len(frame)} records: "
                f"it holds {_described(frame, column, value, kind)}"
            )
            findings.append(Finding("critical", sentence))
    return findings


def _rows(type_errors: pd.DataFrame) -> Iterator[tuple[str, str, str, str]]:
    rows = type_errors[["_id", "column", "value", "bson_type"]]
    yield from rows.itertuples(index=False, name=None)


def _described(frame: pd.DataFrame, column: str, value: str, kind: str) -> str:
    shown = f"'{value}'" if kind == "string" else value
    if column in frame.columns and not pd.api.types.is_numeric_dtype(frame[column].dtype):
        return f"{shown} ({kind}), expected another type"
    if kind in _NUMBERS:
        return f"{shown} ({kind}), which this column cannot hold"
    return f"{shown} ({kind}), expected a number"
