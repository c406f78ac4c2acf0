"""What failed expectations mean: sentences for the run, and reasons for single rows."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from include.validation.project import Results

MAX_NAMED = 10


@dataclass(frozen=True)
class Finding:
    """A failed dataset-level expectation, or the summary of a row-level one.

    Attributes
    ----------
    severity : str
        ``"critical"``, ``"warning"`` or ``"info"``.
    sentence : str
    """

    severity: str
    sentence: str


@dataclass(frozen=True)
class RowReason:
    """Why one row goes to quarantine.

    Attributes
    ----------
    row_id : str
    column : str
    reason : str
    """

    row_id: str
    column: str
    reason: str


def dataset_findings(results: Results) -> list[Finding]:
    """Return one finding for each failed dataset-level expectation.

    A sentence may name what other expectations found: ``{means[x]}`` is the mean of column x;
    ``{points}`` is its own finding in percentage points.
    """
    means = _means(results)
    evaluated = [
        (each, _dataset_sentence(each, means))
        for each in _failed(results)
        if not _is_row_rule(each)
    ]
    return [Finding(_severity(each), sentence) for each, sentence in evaluated if sentence]


def row_findings(results: Results) -> list[Finding]:
    """Return one finding for each row-level expectation that failed without quarantining."""
    findings = []
    for each in _failed(results):
        if _is_row_rule(each) and _severity(each) != "critical":
            result, column = each["result"], _column(each)
            share = result["unexpected_count"] / result["element_count"]
            sentence = f"{column}: {result['unexpected_count']} records ({share:.1%}), for example "
            reason = next(_reasons(each)).reason
            findings.append(Finding(_severity(each), sentence + reason))
    return findings


def row_reasons(results: Results) -> list[RowReason]:
    """Return every reason for which a critical row-level expectation rejects a row."""
    return [
        reason
        for each in _failed(results)
        if _is_row_rule(each) and _severity(each) == "critical"
        for reason in _reasons(each)
    ]


def plain(value: object) -> str:
    """Return `value` as its reader would write it: 7 for 7.0, "missing" for NaN."""
    if value is None or value != value:
        return "missing"
    if isinstance(value, float):
        return f"{value:.7g}"  # float32 has seven digits
    return str(value)


def listed(values: list[Any]) -> str:
    """Return the values in words; from the eleventh on, only their number."""
    named = ", ".join(plain(value) for value in values[:MAX_NAMED])
    return named if len(values) <= MAX_NAMED else f"{named} and {len(values) - MAX_NAMED} more"


def _failed(results: Results) -> list[dict[str, Any]]:
    return [each for each in results if not each["success"]]


def _rule(result: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = result["expectation_config"]
    return rule


def _is_row_rule(result: dict[str, Any]) -> bool:
    return bool(_rule(result)["meta"].get("level") == "row")


def _severity(result: dict[str, Any]) -> str:
    return str(_rule(result).get("severity", "critical"))


def _column(result: dict[str, Any]) -> str:
    return str(_rule(result)["kwargs"].get("column", "the records"))


def _template(result: dict[str, Any], fallback: str) -> str:
    return str(_rule(result)["meta"].get("failure", fallback))


def _means(results: Results) -> Mapping[str, float]:
    """Return what the expectations of a column's mean found; NaN for all other columns."""
    found = {
        _column(each): float(each["result"]["observed_value"])
        for each in results
        if _rule(each)["type"] == "expect_column_mean_to_be_between"
        and each["result"].get("observed_value") is not None
    }
    return defaultdict(lambda: math.nan, found)


def _dataset_sentence(result: dict[str, Any], means: Mapping[str, float]) -> str:
    found = result["result"]
    observed = found.get("observed_value")
    mismatched = (found.get("details") or {}).get("mismatched") or {}
    missing = mismatched.get("missing") or found.get("partial_missing_list") or []
    unexpected = mismatched.get("unexpected") or []
    template = _template(result, f"{{column}}: {_rule(result)['type']} found {{observed}}")
    if "{unexpected}" in template and not unexpected:
        return ""  # it failed for what is missing, which is another rule's sentence
    return template.format(
        column=_column(result),
        observed=math.nan if observed is None else observed,
        points=100 * abs(observed) if isinstance(observed, float) else math.nan,
        missing=listed(missing),
        unexpected=listed(unexpected),
        means=means,
    )


def _reasons(result: dict[str, Any]) -> Iterator[RowReason]:
    column = _column(result)
    template = _template(result, f"{{column}} holds {{value}}, against {_rule(result)['type']}")
    for row in result["result"]["unexpected_index_list"]:
        values = [plain(value) for name, value in row.items() if name != "_id"]
        reason = template.format(column=column, value=", ".join(values))
        yield RowReason(str(row["_id"]), column, reason)
