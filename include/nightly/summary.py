"""A run in a dozen numbers, whatever it came to: what people and other programs read of it."""

from typing import Any

from include.contract.judgement import GATE
from include.errors import ObjectMissingError
from include.nightly.night import Night

_FIGURES = ("accuracy", "roc_auc", "recall_at_fpr", "recall", "fpr")


def summarise(night: Night) -> dict[str, Any]:
    """Return what the run has written down so far, in numbers; what it lacks is left out."""
    taken, judged = _read(night, "snapshot.json"), _read(night, "validation.json")
    moved, chosen = _read(night, "drift.json"), _read(night, "chosen.json")
    test = _read(night, "evaluation.json").get("test", {})
    judged_by = [verdict for verdict in _read(night, GATE) or [] if verdict["judged"]]
    found = {
        "snapshot": taken.get("digest"),
        "rows": taken.get("rows"),
        "accepted": judged.get("accepted"),
        "quarantined": judged.get("quarantined"),
        "max_psi": moved.get("max_psi"),
        "family": chosen.get("family"),
        "families_searched": len(chosen["candidates"]) if chosen else None,
        "threshold": chosen.get("threshold"),
        "test_rows": test.get("n_rows"),
        **{name: test.get(name) for name in _FIGURES},
        "version": _read(night, "version.json").get("version"),
        "rules_passed": sum(verdict["passed"] for verdict in judged_by) if judged_by else None,
        "rules": len(judged_by) or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _read(night: Night, name: str) -> Any:
    try:
        return night.read_json(name)
    except ObjectMissingError:
        return {}
