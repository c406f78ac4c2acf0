"""The limits of the gate, read from a pipeline's `policy.toml`."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from include.config.reading import POLICY, read_toml
from include.errors import PolicyError

# A limit beyond these would always pass or always fail.
Share = Annotated[float, Field(ge=0, le=1)]
Limit = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, config=POLICY)
class Policy:
    """Limits of the gate; a rule whose limit is None is not evaluated, and its verdict says so.

    Attributes
    ----------
    confidence : float
        With which a statistical rule speaks, e.g. 0.95.
    min_accuracy, min_roc_auc, min_recall_at_fpr : float or None
        Floors; the recall is the ROC curve's at 1 % false positives.
    max_ece, max_brier : float or None
        Largest expected calibration error and mean squared error of the probabilities.
    max_fpr_over_budget : float or None
        The upper bound of the false-positive rate, as a multiple of the budget.
    max_review_fpr : float or None
        Largest share of legitimate rows that are at least suspicious.
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
    max_fpr_of_slice, max_review_fpr_of_slice : mapping of str to float
        Largest shares of the legitimate rows of single slices, by ``name = value``, that are called
        phishing, and at least suspicious.
    max_known_pages_fpr : float or None
        Largest share of the pipeline's known legitimate pages that may be called phishing.
    max_known_pages_rise : float or None
        How much more of them than the champion.
    max_edit_loss : float or None
        How much lower than the champion's the recall of phishing that an attacker edited may be
        shown to be, for each edit; of what is at least suspicious.
    min_replay_rows : int
        Fewer requests of the last days say nothing of what would change.
    max_replay_changes : float or None
        Largest share of replayed requests whose verdict may be shown to change.
    max_replay_alert_ratio : float or None
        How many times the champion's alerts a model may be shown to raise on them.
    max_replay_false_alarms : int or None
        How many requests reviewed as legitimate may become alerts that the champion does not raise.
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

    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    min_accuracy: Share | None = None
    min_roc_auc: Share | None = None
    min_recall_at_fpr: Share | None = None
    max_ece: Share | None = None
    max_brier: Share | None = None
    max_fpr_over_budget: Limit | None = None
    max_review_fpr: Share | None = None
    max_later_fpr_over_budget: Limit | None = None
    max_accuracy_loss: Limit | None = None
    max_roc_auc_loss: Limit | None = None
    max_recall_loss: Limit | None = None
    min_slice_rows: Annotated[int, Field(ge=0)] = 50
    max_slice_recall_gap: Limit | None = None
    max_slice_fpr_over_budget: Limit | None = None
    max_slice_loss: Limit | None = None
    max_fpr_of_slice: Mapping[str, Share] = field(default_factory=dict)
    max_review_fpr_of_slice: Mapping[str, Share] = field(default_factory=dict)
    max_known_pages_fpr: Share | None = None
    max_known_pages_rise: Limit | None = None
    max_edit_loss: Limit | None = None
    min_replay_rows: Annotated[int, Field(ge=0)] = 500
    max_replay_changes: Share | None = None
    max_replay_alert_ratio: Limit | None = None
    max_replay_false_alarms: Annotated[int, Field(ge=0)] | None = None
    max_slice_disputed: Share | None = None
    max_shuffled_roc_auc: Share | None = None
    min_lead_over_simpler: Limit | None = None
    max_onnx_difference: Limit | None = None
    max_latency_us: Limit | None = None
    max_size_bytes: Annotated[int, Field(ge=0)] | None = None

    @property
    def has_floor(self) -> bool:
        """Whether an absolute limit is set, which can reject a model without a champion."""
        floors = (self.min_accuracy, self.min_roc_auc, self.min_recall_at_fpr)
        return any(floor is not None for floor in floors)


def read_policy(path: Path) -> Policy:
    """Return the policy in a TOML file.

    Raises
    ------
    PolicyError
        If the file is missing or not TOML, or has unknown limits or wrong values: each is named.
    """
    if not path.exists():
        raise PolicyError(f"{path} is missing: the gate needs its limits")
    return read_toml(Policy, path, PolicyError)
