"""A run in a dozen numbers, whatever it came to: what people and other programs read of it."""

from typing import Any

from include.contract.gate_verdicts import GATE
from include.errors import ObjectMissingError
from include.run.run_context import RunContext

_FIGURES = ("accuracy", "roc_auc", "recall_at_fpr", "recall", "fpr")


def summarise(run: RunContext) -> dict[str, Any]:
    """Return what the run has written down so far, in numbers; what it lacks is left out."""
    taken, evaluated = _read(run, "snapshot.json"), _read(run, "validation.json")
    moved, chosen = _read(run, "drift.json"), _read(run, "chosen.json")
    test = _read(run, "evaluation.json").get("test", {})
    evaluated_by = [verdict for verdict in _read(run, GATE) or [] if verdict["evaluated"]]
    found = {
        "snapshot": taken.get("digest"),
        "rows": taken.get("rows"),
        "accepted": evaluated.get("accepted"),
        "quarantined": evaluated.get("quarantined"),
        "max_psi": moved.get("max_psi"),
        "family": chosen.get("family"),
        "families_searched": len(chosen["candidates"]) if chosen else None,
        "threshold": chosen.get("threshold"),
        "test_rows": test.get("n_rows"),
        **{name: test.get(name) for name in _FIGURES},
        "version": _read(run, "version.json").get("version"),
        "rules_passed": sum(verdict["passed"] for verdict in evaluated_by)
        if evaluated_by
        else None,
        "rules": len(evaluated_by) or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _read(run: RunContext, name: str) -> Any:
    try:
        return run.read_json(name)
    except ObjectMissingError:
        return {}
