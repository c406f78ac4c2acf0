"""The gate: rules that a model must pass to be approved, each with its figure and limit."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from include.evaluation.gate.policy import Policy
from include.evaluation.gate.probe_rules import probe_rules
from include.evaluation.gate.replay_rules import replay_rules
from include.evaluation.gate.rule_results import (
    Verdict,
    at_least,
    at_most,
    decided,
    not_evaluated,
    without_limit,
)
from include.evaluation.gate.slice_rules import slice_rules
from include.evaluation.intervals import clopper_pearson

_FLOORS = (
    ("accuracy", "accuracy"),
    ("roc_auc", "ROC AUC"),
    ("recall_at_fpr", "recall at 1 % false positives"),
)
_CEILINGS = (
    ("onnx_difference", "largest difference between ONNX and scikit-learn"),
    ("latency_us", "median microseconds of a core to score one record"),
    ("size_bytes", "bytes of the models"),
)


def apply_gate(gate_inputs: Mapping[str, Any], policy: Policy) -> tuple[Verdict, ...]:
    """Return the verdict of every rule.

    Parameters
    ----------
    gate_inputs : mapping
        ``test`` (figures of `include.evaluation.metrics.evaluate`), ``fpr_interval`` (of
        `include.evaluation.intervals.rate_interval`), ``review_fpr_interval`` (the same of rows
        at least suspicious), ``block`` (how that threshold was set, of
        `include.training.threshold.Threshold`), ``later_months`` (of
        `include.training.later_months.later_months_figures`, or None), ``champion`` (of
        `include.evaluation.comparison.compare_with_champion`, or None), ``slices`` (of
        `include.evaluation.slices.slice_figures`), ``known_pages`` and ``edits`` (of
        `include.evaluation.probes`), ``replay`` (a `Replay` of run documents), ``simpler`` (of
        `include.evaluation.simple_baselines.simpler_figures`), ``shuffled`` (of
        `include.evaluation.shuffled_labels.shuffled_figures`), ``drift`` (``blocked`` columns),
        ``accept_drift``, ``onnx_difference``, ``latency_us``, ``size_bytes``.
    policy : Policy
    """
    test, block = gate_inputs["test"], gate_inputs["block"]
    floors = (policy.min_accuracy, policy.min_roc_auc, policy.min_recall_at_fpr)
    ceilings = (policy.max_onnx_difference, policy.max_latency_us, policy.max_size_bytes)
    return (
        *(
            at_least(rule, title, test[rule], limit)
            for (rule, title), limit in zip(_FLOORS, floors, strict=True)
        ),
        at_most("calibration_error", "expected calibration error", test["ece"], policy.max_ece),
        at_most("brier", "Brier score", test["brier"], policy.max_brier),
        _budget(test, gate_inputs["fpr_interval"], block),
        _bound(test, gate_inputs["fpr_interval"], block["used_budget"], policy),
        _review(test, gate_inputs["review_fpr_interval"], policy),
        _later(gate_inputs["later_months"], policy),
        *_champion(gate_inputs["champion"], policy),
        *slice_rules(
            gate_inputs["slices"],
            test,
            block["used_budget"],
            policy,
            accepted=gate_inputs["accept_drift"],
        ),
        *probe_rules(gate_inputs["known_pages"], gate_inputs["edits"], policy),
        *replay_rules(gate_inputs["replay"], policy),
        *_simpler(gate_inputs["simpler"], test, policy),
        _shuffled(gate_inputs["shuffled"], policy.max_shuffled_roc_auc),
        _drift(gate_inputs["drift"], gate_inputs["accept_drift"]),
        *(
            at_most(rule, title, gate_inputs[rule], limit)
            for (rule, title), limit in zip(_CEILINGS, ceilings, strict=True)
        ),
    )


def _flagged(test: Mapping[str, Any], interval: Sequence[float]) -> str:
    low, high = interval
    negatives = test["n_rows"] - test["n_phishing"]
    return (
        f"{test['false_positives']} of {negatives} legitimate rows called phishing, a rate of "
        f"{low:.2%} to {high:.2%} (confidence interval)"
    )


def _budget(
    test: Mapping[str, Any], interval: Sequence[float], block: Mapping[str, Any]
) -> Verdict:
    """Reject when the rate is shown to be above the budget, and above what its own rows excluded.

    A threshold that few rows set has a rate above its budget by chance as often as below it.
    """
    limit = max(block["used_budget"], block["fpr_upper_bound"])
    passed = bool(interval[0] <= limit)
    sentence = (
        f"{_flagged(test, interval)}: the budget of {block['used_budget']:.2%}, up to "
        f"{limit:.2%} by the rows that set it, is {'kept' if passed else 'exceeded'}"
    )
    if block["shortage"]:
        sentence += f" ({block['shortage']})"
    return decided("false_positives", passed, sentence, interval[0], limit)


def _review(test: Mapping[str, Any], interval: Sequence[float], policy: Policy) -> Verdict:
    """Reject when too many legitimate rows are shown to be at least suspicious."""
    rule, limit = "review_false_positives", policy.max_review_fpr
    low, high = interval
    found = (
        f"{test['review_fpr']:.2%} ({low:.2%} to {high:.2%}) of the legitimate rows are at least"
    )
    found += " suspicious"
    if limit is None:
        return without_limit(rule, found)
    passed = bool(low <= limit)
    sentence = f"{found}: {'not shown to be ' if passed else ''}more than {limit:.2%}"
    return decided(rule, passed, sentence, low, limit)


def _bound(
    test: Mapping[str, Any], interval: Sequence[float], budget: float, policy: Policy
) -> Verdict:
    """Reject when the rate's upper bound is far above the budget, if the rows suffice."""
    rule, times = "false_positive_bound", policy.max_fpr_over_budget
    if times is None:
        return without_limit(rule, _flagged(test, interval))
    limit, high = min(times * budget, 1.0), interval[1]
    negatives = test["n_rows"] - test["n_phishing"]
    if clopper_pearson(0, negatives, policy.confidence)[1] > limit:
        return not_evaluated(
            rule,
            f"{negatives} legitimate rows are too few to show a rate of at most {limit:.2%} "
            f"({times:g} times the budget) even if none is flagged: not evaluated",
        )
    passed = bool(high <= limit)
    sentence = (
        f"the false-positive rate is at most {high:.2%} with {policy.confidence:.0%} confidence, "
        f"{'within' if passed else 'above'} {limit:.2%} ({times:g} times the budget)"
    )
    return decided(rule, passed, sentence, high, limit)


def _later(later: Mapping[str, Any] | None, policy: Policy) -> Verdict:
    """Reject when a threshold set on earlier months exceeds its budget on later ones."""
    rule, times = "later_months", policy.max_later_fpr_over_budget
    if later is None or later["all"] is None:
        return not_evaluated(rule, "too few dated rows to evaluate later months")
    figures, since, budget = later["all"], later["since"], later["budget"]
    negatives = figures["n_rows"] - figures["n_phishing"]
    found = (
        f"a threshold for {budget:.2%} set before {since} flags {figures['fpr']:.2%} of "
        f"{negatives} legitimate rows since"
    )
    if times is None:
        return without_limit(rule, found)
    low = clopper_pearson(figures["false_positives"], negatives, policy.confidence)[0]
    limit = min(max(times * budget, later["fpr_upper_bound"]), 1.0)
    passed = bool(low <= limit)
    sentence = f"{found}: {'not shown to be ' if passed else ''}above {limit:.2%}"
    sentence += f" ({times:g} times the budget, or what the rows that set it do not exclude)"
    return decided(rule, passed, f"{sentence} with {policy.confidence:.0%} confidence", low, limit)


def _champion(comparison: Mapping[str, Any] | None, policy: Policy) -> Iterator[Verdict]:
    if comparison is None:
        words = "no champion yet"
        if policy.has_floor:
            yield not_evaluated("champion", f"{words}: only the absolute limits decide")
        else:
            yield Verdict(
                "champion", False, f"{words} and no absolute limit set: cannot be evaluated"
            )
        return
    p_value, limit = comparison["p_champion_better"], 1 - policy.confidence
    passed = bool(p_value >= limit)
    sentence = (
        f"{'not shown worse' if passed else 'worse'} than the champion: right alone on "
        f"{comparison['only_candidate_right']} rows, wrong alone on "
        f"{comparison['only_champion_right']} (p = {p_value:.3g}, limit {limit:.3g})"
    )
    yield decided("champion", passed, sentence, p_value, limit)
    losses = (policy.max_accuracy_loss, policy.max_roc_auc_loss, policy.max_recall_loss)
    for (figure, title), loss in zip(_FLOORS, losses, strict=True):
        found = comparison["differences"][figure]
        yield _not_inferior(f"champion_{figure}", title, found, loss, policy.confidence)


def _not_inferior(
    rule: str, title: str, found: Mapping[str, float], loss: float | None, confidence: float
) -> Verdict:
    change = f"{title} {found['value']:+.4f} against the champion on the same rows"
    if loss is None:
        return without_limit(rule, change)
    passed = bool(found["low"] >= -loss)
    sentence = (
        f"{change}, {found['low']:+.4f} or more with {confidence:.0%} confidence: a loss of "
        f"{loss:.4g} is {'excluded' if passed else 'possible'}"
    )
    return decided(rule, passed, sentence, found["low"], -loss)


def _simpler(
    simpler: Mapping[str, Mapping[str, Any]], test: Mapping[str, Any], policy: Policy
) -> Iterator[Verdict]:
    """Yield verdicts against the simplest family, unless it was chosen, and against a constant."""
    if simpler.keys() <= {"constant"}:
        yield not_evaluated("simpler", "the chosen family is the simplest that was searched")
    for name, figures in simpler.items():
        rule = "constant" if name == "constant" else "simpler"
        both = f"{name} has ROC AUC {figures['roc_auc']:.4f}, this model {test['roc_auc']:.4f}"
        yield _lead(rule, both, figures["lead"], policy)


def _lead(rule: str, both: str, lead: Mapping[str, float], policy: Policy) -> Verdict:
    """Reject a lead of zero or one shown to be too small; pass one that is significant."""
    limit = policy.min_lead_over_simpler
    if limit is None:
        return without_limit(rule, both)
    sure = f"a lead of {lead['low']:+.4f} to {lead['high']:+.4f} with {policy.confidence:.0%} each"
    if not lead["value"] > 0 or not lead["high"] >= limit:
        sentence = f"a simpler model is as good, publish that one: {both}, {sure}"
        sentence += f", where {limit:.4g} matters"
        return decided(rule, False, sentence, lead["high"], limit)
    if not lead["low"] > 0:
        return not_evaluated(rule, f"too few rows to distinguish a simpler model: {both}, {sure}")
    return decided(rule, True, f"better than a simpler model: {both}, {sure}", lead["high"], limit)


def _shuffled(shuffled: Mapping[str, Any], limit: float | None) -> Verdict:
    """Reject when shuffled labels can be predicted: there is leakage across the split."""
    title = f"ROC AUC of {shuffled['family']} fitted on shuffled labels"
    return at_most("shuffled", title, shuffled["roc_auc"], limit)


def _drift(drift: Mapping[str, Any], accepted: bool) -> Verdict:
    """Reject when a column drifted beyond the blocking limit, unless drift was accepted."""
    moved = drift["blocked"]
    if not moved:
        sentence = "no column drifted beyond the blocking limit"
    else:
        sentence = f"drifted beyond the blocking limit: {', '.join(moved)}"
        sentence += "; accepted in the run's parameters" * accepted
    return decided("drift", accepted or not moved, sentence, len(moved), 0)
