"""Contributions with the labels of the manifest."""

import math
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


def explain_rows(matrix: Matrix, in_production: ProductionModel[OnnxModel]) -> list[dict[str, Any]]:
    """Return an explanation of each row's score; the strongest contribution comes first.

    `known` says in sentences what the version's reference data know of a URL.
    Contributions are in log-odds: above zero they speak for phishing. They and the base add up to
    the log-odds of the probability. The base is that of a record without any value, or of
    a text without any of its parts.
    """
    model = in_production.model
    explanations = model.explain(matrix)
    if model.features is None:
        named = [_inputs(row.tolist(), in_production.manifest) for row in matrix]
    else:
        named = [_parts(text, model.features) for text in matrix[:, 0]]
    known = _known(matrix, model)
    return [_describe(*each) for each in zip(named, explanations, known, strict=True)]


def _known(matrix: Matrix, model: OnnxModel) -> list[list[str]]:
    """Return what the reference data say of each row, in sentences."""
    if model.reference is None:
        return [[] for _ in matrix]
    return [sentences_about(take_apart(text), model.reference) for text in matrix[:, 0]]


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
