"""Contributions in the words of the manifest."""

import math
from typing import Any

from include.errors import RequestRejectedError
from include.registry.follow import InForce
from include.services.scorer.contributions import Explanation
from include.services.scorer.meanings import meaning_of
from include.services.scorer.model import OnnxModel
from include.services.scorer.records import Matrix

MAX_ROWS = 100
_DIGITS = 6


def check_explainable(matrix: Matrix, in_force: InForce[OnnxModel]) -> None:
    """Return when the rows are few enough, and of inputs that can be told apart.

    Raises
    ------
    RequestRejectedError
        If they are not.
    """
    if in_force.model.schema.is_text:
        raise RequestRejectedError("only records are explained; an address is one single input")
    if len(matrix) > MAX_ROWS:
        raise RequestRejectedError(
            f"{len(matrix)} records to explain in one request, the limit is {MAX_ROWS}"
        )


def explain_rows(matrix: Matrix, in_force: InForce[OnnxModel]) -> list[dict[str, Any]]:
    """Return an explanation of each row's score; the strongest contribution comes first.

    Contributions are in log-odds: above zero they speak for phishing. They and the base, which is
    said of a record of which nothing is known, add up to the log-odds of the probability.
    """
    explanations = in_force.model.explain(matrix)
    return [
        _describe(row.tolist(), explanation, in_force)
        for row, explanation in zip(matrix, explanations, strict=True)
    ]


def _describe(
    row: list[float], explanation: Explanation, in_force: InForce[OnnxModel]
) -> dict[str, Any]:
    entries = []
    values = explanation.contributions.tolist()
    for field, value, contribution in zip(in_force.manifest.inputs, row, values, strict=True):
        meaning = meaning_of(field)
        entries.append(
            {
                "input": field.name,
                "value": None if math.isnan(value) else value,
                "subject": meaning.subject,
                "meaning": meaning.of(value),
                "contribution": round(contribution, _DIGITS),
            }
        )
    return {
        "unit": "log-odds",
        "base": round(explanation.base, _DIGITS),
        "log_odds": round(explanation.log_odds, _DIGITS),
        "is_exact": explanation.is_exact,
        "contributions": sorted(entries, key=lambda entry: -abs(entry["contribution"])),
    }
