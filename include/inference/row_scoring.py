"""Score rows of cells without a server: what the scorer would say of each, or its fault."""

from collections.abc import Sequence
from typing import Any

from include.contract.verdicts import DecidedBy
from include.inference.decisions import decisions
from include.inference.explain.rows import explain_rows
from include.inference.listed import ListLookup
from include.inference.model import OnnxModel
from include.inference.record_schema import Fault, describe_reading
from include.inference.verdict import verdict
from include.registry.follow import ProductionModel

_AT_ONCE = 256


def score_rows(
    rows: Sequence[Sequence[str]],
    in_production: ProductionModel[OnnxModel],
    lookup: ListLookup | None,
    now_s: float,
) -> list[dict[str, Any] | Fault]:
    """Return the members of the scorer's prediction of each row, or the first rule it breaks.

    Equal rows are scored once.

    Parameters
    ----------
    rows : sequence of sequence of str
        A cell for each of the model's inputs.
    in_production : ProductionModel
    lookup : ListLookup or None
        The list in effect.
    now_s : float
        Seconds since 1970; entries of the list that have expired by then do nothing.

    Returns
    -------
    list
        In order, without ids; of a text with `scored_url`, and `unwrapped` where it was.
    """
    unique = list(dict.fromkeys(map(tuple, rows)))
    scored: dict[Sequence[str], dict[str, Any] | Fault] = {}
    for start in range(0, len(unique), _AT_ONCE):
        batch = unique[start : start + _AT_ONCE]
        scored.update(zip(batch, _score(batch, in_production, lookup, now_s), strict=True))
    return [scored[tuple(row)] for row in rows]


def reasons(row: Sequence[str], in_production: ProductionModel[OnnxModel]) -> dict[str, Any]:
    """Return what moved the score of a row without faults, as `/explain` does."""
    schema = in_production.model.schema
    matrix = schema.matrix([schema.parse_cells(0, row, [])])
    return explain_rows(matrix, in_production)[0]


def _score(
    rows: Sequence[Sequence[str]],
    in_production: ProductionModel[OnnxModel],
    lookup: ListLookup | None,
    now_s: float,
) -> list[dict[str, Any] | Fault]:
    model, manifest = in_production.model, in_production.manifest
    scored: list[Any] = []
    parsed: list[list[Any]] = []
    for number, cells in enumerate(rows):
        faults: list[Fault] = []
        values = model.schema.parse_cells(number, cells, faults)
        scored.append(faults[0] if faults else None)
        if not faults:
            parsed.append(values)
    if not parsed:
        return scored
    matrix = model.schema.matrix(parsed)
    is_text = model.schema.is_text
    probabilities = model.score(matrix).tolist()
    decided: Sequence[DecidedBy] = [DecidedBy.MODEL] * len(parsed)
    if is_text:
        decided = decisions(
            *(matrix[:, 0].tolist(), probabilities, model.score, manifest.thresholds),
            *(lookup, now_s),
        )
    sound = [number for number, fault in enumerate(scored) if fault is None]
    columns = zip(sound, parsed, probabilities, decided, strict=True)
    for number, values, probability, decided_by in columns:
        read_as = describe_reading(rows[number][0], values[0]) if is_text else {}
        scored[number] = {**read_as, **verdict(probability, manifest, decided_by)}
    return scored
