"""The limits of the gate, read from a pipeline's `policy.toml`."""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from include.errors import PolicyError

_SHARES = (
    "min_accuracy",
    "min_roc_auc",
    "min_recall_at_fpr",
    "max_ece",
    "max_brier",
    "max_slice_disputed",
    "max_shuffled_roc_auc",
)


@dataclass(frozen=True)
class Policy:
    """Limits of the gate; a rule whose limit is None is not evaluated, and its verdict says so.

    Attributes
    ----------
    confidence : float
        With which a statistical rule speaks, e.g. 0.95.
    min_accuracy, min_roc_auc, min_recall_at_fpr : float or None
        Floors; the recall is the ROC curve's at the false-positive budget.
    max_ece, max_brier : float or None
        Largest expected calibration error and mean squared error of the probabilities.
    max_fpr_over_budget : float or None
        The upper bound of the false-positive rate, as a multiple of the budget.
    max_later_fpr_over_budget : float or None
        Largest false-positive rate on later months of a threshold set before them, as a multiple
        of the budget.
    max_accuracy_loss, max_roc_auc_loss, max_recall_loss : float or None
        How much worse than the champion, on the same rows, a model must be shown not to be.
    min_slice_rows : int
        Fewer phishing (legitimate) rows say nothing of a slice's recall (false alarms).
    max_slice_recall_gap : float or None
        How far a slice's recall may lie below that of all rows.
    max_slice_fpr_over_budget : float or None
        Largest false-positive rate of a slice, as a multiple of the budget.
    max_slice_loss : float or None
        How much worse than the champion a slice's recall or false-positive rate may be.
    max_slice_disputed : float or None
        Largest share of a slice's legitimate rows that the champion may flag: labels may be wrong.
    max_shuffled_roc_auc : float or None
        Of a model that learned shuffled labels.
    min_lead_over_simpler : float or None
        A lead in ROC AUC over a simpler model that is shown to be smaller is none.
    max_onnx_difference : float or None
        Largest difference of a probability between ONNX and scikit-learn, on any test row.
    max_latency_us : float or None
        Median time of a core to score one record in process, in microseconds.
    max_size_bytes : int or None
        Of the models of a version, ONNX and joblib together.
    """

    confidence: float = 0.95
    min_accuracy: float | None = None
    min_roc_auc: float | None = None
    min_recall_at_fpr: float | None = None
    max_ece: float | None = None
    max_brier: float | None = None
    max_fpr_over_budget: float | None = None
    max_later_fpr_over_budget: float | None = None
    max_accuracy_loss: float | None = None
    max_roc_auc_loss: float | None = None
    max_recall_loss: float | None = None
    min_slice_rows: int = 50
    max_slice_recall_gap: float | None = None
    max_slice_fpr_over_budget: float | None = None
    max_slice_loss: float | None = None
    max_slice_disputed: float | None = None
    max_shuffled_roc_auc: float | None = None
    min_lead_over_simpler: float | None = None
    max_onnx_difference: float | None = None
    max_latency_us: float | None = None
    max_size_bytes: int | None = None

    @property
    def has_floor(self) -> bool:
        """Whether an absolute limit is set, which can reject a model without a champion."""
        floors = (self.min_accuracy, self.min_roc_auc, self.min_recall_at_fpr)
        return any(floor is not None for floor in floors)


def read_policy(path: Path) -> Policy:
    """Return the policy that a TOML file holds.

    Raises
    ------
    PolicyError
        If there is no such file, it is no TOML, names a limit that no rule knows, or gives one
        that is no limit.
    """
    try:
        limits = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as err:
        raise PolicyError(f"{path} is missing: the gate needs its limits") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise PolicyError(f"{path} is not TOML: {err}") from err
    known = {field.name for field in fields(Policy)}
    if unknown := sorted(limits.keys() - known):
        raise PolicyError(f"{path}: unknown limits: {', '.join(unknown)}")
    for name, limit in limits.items():
        _check(path, name, limit)
    return Policy(**limits)


def _check(path: Path, name: str, limit: Any) -> None:
    """Refuse a limit that would always pass or always fail."""
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not limit >= 0:
        raise PolicyError(f"{path}: {name} = {limit!r} must be a number of at least 0")
    if name in _SHARES and limit > 1:
        raise PolicyError(f"{path}: {name} = {limit!r} must be within 0 and 1")
    if name == "confidence" and not 0.5 < limit < 1:
        raise PolicyError(f"{path}: confidence = {limit!r} must be between 0.5 and 1")
