"""Contributions with the labels of the manifest."""

import math
from time import thread_time
from typing import Any

from include.contract.manifest import Manifest
from include.errors import RequestRejectedError
from include.features.feature_sets import FeatureSet
from include.inference.explain.contributions import Explanation
from include.inference.explain.field_labels import labels_of
from include.inference.model import OnnxModel
from include.inference.record_schema import Matrix
from include.registry.follow import ProductionModel
from include.urls.address import take_apart
from include.urls.reference.sentences import sentences_about

MAX_ROWS = 100
# Of one request: a URL of many parts is scored 128 times, and other requests wait meanwhile.
BUDGET_S = 1.0
_DIGITS = 6


def check_explainable(matrix: Matrix, in_production: ProductionModel[OnnxModel]) -> None:
    """Return when the rows are few enough.

    Raises
    ------
    RequestRejectedError
        If they are not.
    """
    if len(matrix) > MAX_ROWS:
        raise RequestRejectedError(
            f"{len(matrix)} items to explain in one request, the limit is {MAX_ROWS}"
        )


def explain_rows(
    matrix: Matrix, in_production: ProductionModel[OnnxModel], budget_s: float = BUDGET_S
) -> list[dict[str, Any]]:
    """Return an explanation of each row's score; the strongest contribution comes first.

    `known` says in sentences what the version's reference data know of a URL. There are fewer
    explanations than rows where `budget_s` seconds of computing were spent before the last one;
    the first row always has one.

    Contributions are in log-odds: above zero they speak for phishing. They and the base add up to
    the log-odds of the probability. The base is that of a record without any value, or of
    a text without any of its parts.
    """
    began_s = thread_time()
    described: list[dict[str, Any]] = []
    for number in range(len(matrix)):
        if described and thread_time() - began_s > budget_s:
            break
        described.append(_explain(matrix[number : number + 1], in_production))
    return described


def _explain(row: Matrix, in_production: ProductionModel[OnnxModel]) -> dict[str, Any]:
    """Return the explanation of a matrix of one row."""
    model = in_production.model
    (explanation,) = model.explain(row)
    if model.features is None:
        return _describe(_inputs(row[0].tolist(), in_production.manifest), explanation, [])
    text = row[0, 0]
    known = (
        sentences_about(take_apart(text), model.reference) if model.reference is not None else []
    )
    return _describe(_parts(text, model.features), explanation, known)


def _inputs(row: list[float], manifest: Manifest) -> list[dict[str, Any]]:
    entries = []
    for field, value in zip(manifest.inputs, row, strict=True):
        labels = labels_of(field)
        entries.append(
            {
                "input": field.name,
                "value": None if math.isnan(value) else value,
                "subject": labels.subject,
                "meaning": labels.of(value),
            }
        )
    return entries


def _parts(text: str, features: FeatureSet) -> list[dict[str, Any]]:
    return [
        {"input": part.name, "value": part.text, "subject": part.subject, "meaning": part.text}
        for part in features.parts(text)
    ]


def _describe(
    named: list[dict[str, Any]], explanation: Explanation, known: list[str]
) -> dict[str, Any]:
    values = explanation.contributions.tolist()
    entries = [
        {**entry, "contribution": round(value, _DIGITS)}
        for entry, value in zip(named, values, strict=True)
    ]
    return {
        "unit": "log-odds",
        "base": round(explanation.base, _DIGITS),
        "log_odds": round(explanation.log_odds, _DIGITS),
        "is_exact": explanation.is_exact,
        "known": known,
        "contributions": sorted(entries, key=lambda entry: -abs(entry["contribution"])),
    }
