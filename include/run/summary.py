"""A run in a dozen numbers, however far it came: what people and other programs read of it."""

from typing import Any, TypeVar

from include.contract.run_documents import (
    ChosenModel,
    DriftSummary,
    Evaluation,
    GateVerdicts,
    PackagedVersion,
    SnapshotSummary,
    ValidationSummary,
    parse,
)
from include.errors import ObjectMissingError
from include.run.run_context import RunContext

_FIGURES = (
    *("recall", "fpr", "precision", "review_recall", "review_fpr"),
    *("roc_auc", "recall_at_fpr", "accuracy"),
)
DocumentT = TypeVar("DocumentT")


def summarise(run: RunContext) -> dict[str, Any]:
    """Return what the run has written so far, in numbers; what it lacks is left out."""
    found: dict[str, Any] = {}
    if taken := _read(run, SnapshotSummary):
        found |= {"snapshot": taken.digest, "rows": taken.rows}
    if validated := _read(run, ValidationSummary):
        found |= {"accepted": validated.accepted, "quarantined": validated.quarantined}
    if moved := _read(run, DriftSummary):
        found["max_psi"] = moved.max_psi
    if chosen := _read(run, ChosenModel):
        found |= {"family": chosen.family, "families_searched": len(chosen.candidates)}
        found |= {"block_threshold": chosen.thresholds.block}
        found |= {"review_threshold": chosen.thresholds.review}
    if evaluation := _read(run, Evaluation):
        found["test_rows"] = evaluation.test["n_rows"]
        found |= {name: evaluation.test[name] for name in _FIGURES}
    if packaged := _read(run, PackagedVersion):
        found["version"] = packaged.version
    if gate := _read(run, GateVerdicts):
        passed = [verdict.passed for verdict in gate.verdicts if verdict.evaluated]
        found |= {"rules_passed": sum(passed), "rules": len(passed)}
    return {name: value for name, value in found.items() if value is not None}


def _read(run: RunContext, kind: type[DocumentT]) -> DocumentT | None:
    """Return a document as it lies in the bucket: for people, no step relies on it."""
    try:
        return parse(kind, run.store.get(run.key(kind.NAME)))  # type: ignore[attr-defined]
    except ObjectMissingError:
        return None
