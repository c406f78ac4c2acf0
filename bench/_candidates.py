"""Simulate runs on real rows: poisoned labels, a cheap model, the gate's verdicts.

Each split keeps a quarter of the rows as the truth: their labels are never spoilt, no model and no
gate sees them, and they say how much worse than the champion a candidate really is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from bench._procedure import FPR_BUDGET
from bench._sites import Records
from include.errors import TrainingError
from include.estimators.calibrated import SigmoidCalibratedClassifier
from include.evaluation.comparison import compare_with_champion
from include.evaluation.gate.policy import Policy
from include.evaluation.gate.rule_results import rejections
from include.evaluation.gate.rules import apply_gate
from include.evaluation.intervals import rate_interval
from include.evaluation.metrics import evaluate
from include.evaluation.shuffled_labels import shuffled_figures
from include.evaluation.simple_baselines import simpler_figures
from include.evaluation.slices import SliceResult, slice_figures
from include.training.calibrate import calibrate
from include.training.deduplicate import fit_distinct
from include.training.split import Shares, assign_sides
from include.training.threshold import ChosenThresholds, choose_thresholds

Labels = npt.NDArray[np.int8]
_ROUNDS_OF_BOOSTING = 30
_LEARNING_RATE = 0.2
_SHARE_OF_A_RUN = 0.9  # each run has somewhat different rows


@dataclass(frozen=True)
class Model:
    """A calibrated model and its thresholds."""

    estimator: SigmoidCalibratedClassifier
    chosen: ChosenThresholds

    def probability(self, X: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return P(phishing) of each row."""
        found: npt.NDArray[np.float64] = self.estimator.predict_proba(X)[:, 1]
        return found


@dataclass(frozen=True)
class Outcome:
    """What the gate said of a candidate, and what is true of it.

    Attributes
    ----------
    rejected_by : tuple of str
        The rules; none when it passed.
    is_worse : bool
        Whether it is worse than the champion by more than the policy allows, on the truth.
    """

    rejected_by: tuple[str, ...]
    is_worse: bool


class SimulatedRuns:
    """One split of the real rows, its champion, and candidates trained on spoilt labels.

    Parameters
    ----------
    records : Records
    labels : mapping of str to ndarray
        The slices' names, row by row.
    policy : Policy
    as_served : mapping
        ``onnx_difference``, ``latency_us`` and ``size_bytes``, measured on a real package.
    salt : str
        Names the split.
    """

    def __init__(
        self,
        records: Records,
        labels: Mapping[str, npt.NDArray[np.object_]],
        policy: Policy,
        as_served: Mapping[str, float],
        salt: str,
    ) -> None:
        self.records, self.labels, self.policy = records, labels, policy
        kept = assign_sides(records.groups, f"truth-{salt}", Shares(0.8, 0.0, 0.2)) == "train"
        sides = assign_sides(records.groups, f"run-{salt}", Shares(0.7, 0.15, 0.15))
        self.sides = np.where(kept, sides, "truth")
        self._same_every_run: dict[str, Any] = {
            "later_months": None,
            "shuffled": shuffled_figures(records.X, records.y, records.groups, self.sides, seed=0),
            "drift": {"blocked": []},
            "accept_drift": False,
            **as_served,
        }
        self.champion = self._fit(records.y, 0)

    def champion_passes(self) -> bool:
        """Return whether the champion passed the gate when there was none before it."""
        gate_inputs = self._gate_inputs(self.champion, self.records.y, self.records.y, 0)
        return not rejections(apply_gate({**gate_inputs, "champion": None}, self.policy))

    def outcome(
        self,
        y: Labels,
        y_test: Labels,
        seed: int,
        spoilt: npt.NDArray[np.bool_] | None = None,
    ) -> Outcome:
        """Return what becomes of a candidate.

        Parameters
        ----------
        y, y_test : ndarray of shape (n_rows,)
            Labels of training and evaluation.
        seed : int
        spoilt : ndarray of shape (n_rows,), bool, optional
            Rows among which its recall must not have fallen either.
        """
        try:
            candidate = self._fit(y, seed)
        except TrainingError:
            return Outcome(("no model",), True)
        verdicts = apply_gate(self._gate_inputs(candidate, y, y_test, seed), self.policy)
        rejected_by = tuple(each.rule for each in verdicts if not each.passed)
        return Outcome(rejected_by, self._is_worse(candidate, spoilt))

    def _fit(self, y: Labels, seed: int) -> Model:
        X, held_back = self.records.X, self.sides == "calibration"
        this_run = np.random.default_rng(seed).random(len(y)) < _SHARE_OF_A_RUN
        train = (self.sides == "train") & this_run
        boosting = HistGradientBoostingClassifier(
            max_iter=_ROUNDS_OF_BOOSTING,
            learning_rate=_LEARNING_RATE,
            early_stopping=False,
            random_state=seed,
        )
        fitted = fit_distinct(Pipeline([("classifier", boosting)]), X[train], y[train])
        estimator = calibrate(fitted, X[held_back], y[held_back])
        probability = estimator.predict_proba(X[held_back])[:, 1]
        return Model(estimator, choose_thresholds(y[held_back], probability, FPR_BUDGET))

    def _is_worse(self, candidate: Model, spoilt: npt.NDArray[np.bool_] | None) -> bool:
        truth, policy = self.records.where(self.sides == "truth"), self.policy
        ours, theirs = candidate.probability(truth.X), self.champion.probability(truth.X)
        after = evaluate(truth.y, ours, candidate.chosen.values, FPR_BUDGET)
        before = evaluate(truth.y, theirs, self.champion.chosen.values, FPR_BUDGET)
        caught = truth.y == 1
        if spoilt is not None:
            caught &= spoilt[self.sides == "truth"]
        fallen = np.mean(theirs[caught] >= self.champion.chosen.block.value) - np.mean(
            ours[caught] >= candidate.chosen.block.value
        )
        allowed = {
            "accuracy": policy.max_accuracy_loss,
            "roc_auc": policy.max_roc_auc_loss,
            "recall_at_fpr": policy.max_recall_loss,
            "recall": policy.max_slice_loss,
        }
        worse = any(
            limit is not None and before[name] - after[name] > limit
            for name, limit in allowed.items()
        )
        return bool(worse or fallen > (policy.max_slice_loss or 1.0))

    def _gate_inputs(self, model: Model, y: Labels, y_test: Labels, seed: int) -> dict[str, Any]:
        """Return what `include.run.steps.training.evaluate_chosen` would write."""
        test = self.sides == "test"
        sure: dict[str, Any] = {"confidence": self.policy.confidence, "seed": seed}
        X, truth, groups = self.records.X[test], y_test[test], self.records.groups[test]
        ours, theirs = model.probability(X), self.champion.probability(X)
        chosen, legitimate = model.chosen, truth == 0
        flagged, champions = (
            p >= each.block.value for p, each in ((ours, chosen), (theirs, self.champion.chosen))
        )
        rows = SliceResult(
            truth, ours >= 0.5, flagged, ours >= chosen.review.value, groups, champions
        )
        train = self.sides == "train"
        plain = LogisticRegression(max_iter=200).fit(self.records.X[train], y[train])
        simplest = plain.predict_proba(X)[:, 1]
        how: dict[str, Any] = {"fpr_budget": FPR_BUDGET, **sure}
        return {
            "test": evaluate(truth, ours, chosen.values, FPR_BUDGET),
            "block": chosen.document()["block"],
            "fpr_interval": rate_interval(flagged[legitimate], groups[legitimate], **sure),
            "review_fpr_interval": rate_interval(
                (ours >= chosen.review.value)[legitimate], groups[legitimate], **sure
            ),
            "champion": compare_with_champion(truth, ours, theirs, groups, **how),
            "known_pages": None,
            "edits": (),
            "slices": slice_figures(
                rows,
                {name: parts[test] for name, parts in self.labels.items()},
                min_rows=self.policy.min_slice_rows,
                **sure,
            ),
            "simpler": {
                "LogisticRegression": simpler_figures(truth, ours, simplest, groups, **how)
            },
            **self._same_every_run,
        }
