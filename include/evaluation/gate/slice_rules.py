"""The gate rules on slices; each names the slices that break it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from include.evaluation.gate.policy import Policy
from include.evaluation.gate.rule_results import Verdict, decided, not_evaluated, without_limit

Slice = Mapping[str, Any]


def slice_rules(
    slices: Sequence[Slice],
    test: Mapping[str, Any],
    budget: float,
    policy: Policy,
    *,
    accepted: bool,
) -> Iterator[Verdict]:
    """Yield the verdicts on slices, against all rows and against the champion.

    A slice breaks a rule only when its interval lies wholly beyond the limit; the intervals of
    all slices hold together with the policy's confidence.

    Parameters
    ----------
    slices : sequence of mapping
        Of `include.evaluation.slices.slice_figures`.
    test : mapping
        Figures of all rows.
    budget : float
        The false-positive budget.
    policy : Policy
    accepted : bool
        Whether the run's parameters accept changed records.
    """
    gap, times = policy.max_slice_recall_gap, policy.max_slice_fpr_over_budget
    yield _worst(
        "slice_recall",
        "recall",
        slices,
        lambda each: test["recall"] - each["recall_interval"][1],
        gap,
        "recall below that of all rows",
    )
    yield _worst(
        "slice_false_positives",
        "fpr",
        slices,
        lambda each: each["fpr_interval"][0],
        None if times is None else times * budget,
        "false-positive rate",
    )
    yield from _own_limits(slices, policy)
    if any(each["recall_change"] or each["fpr_change"] for each in slices):
        loss = policy.max_slice_loss
        yield _worst(
            "slice_recall_loss",
            "recall",
            slices,
            lambda each: -each["recall_change"][1],
            loss,
            "recall below the champion's",
        )
        yield _worst(
            "slice_false_positive_rise",
            "fpr",
            slices,
            lambda each: each["fpr_change"][0],
            loss,
            "false-positive rate above the champion's",
        )
        yield _disputed(slices, policy.max_slice_disputed, accepted)


def _own_limits(slices: Sequence[Slice], policy: Policy) -> Iterator[Verdict]:
    for rule, figure, limits, words in (
        ("slice_limits", "fpr", policy.max_fpr_of_slice, "legitimate rows called phishing"),
        (
            "slice_review_limits",
            "review_fpr",
            policy.max_review_fpr_of_slice,
            "legitimate rows at least suspicious",
        ),
    ):
        if limits:
            yield _own_limit(rule, slices, figure, limits, words)


def _own_limit(
    rule: str, slices: Sequence[Slice], figure: str, limits: Mapping[str, float], words: str
) -> Verdict:
    """Reject slices of which more legitimate rows are shown to be flagged than their own limit."""
    evaluated, broken, worst = [], [], -1.0
    for each in slices:
        name = f"{each['name']} = {each['value']}"
        if name not in limits or not each["fpr_evaluated"]:
            continue
        low, limit = each[f"{figure}_interval"][0], limits[name]
        shown = f"{name} {each[figure]:.2%} (limit {limit:.2%})"
        evaluated.append(shown)
        worst = max(worst, low - limit)
        if not low <= limit:
            broken.append(shown)
    if not evaluated:
        return not_evaluated(rule, f"{words}: no slice with its own limit has enough rows")
    sentence = f"{words}: not shown to be above the slice's limit: {'; '.join(evaluated)}"
    if broken:
        sentence = f"{words}: significantly above the slice's limit: {'; '.join(broken)}"
    return decided(rule, not broken, sentence, worst, 0.0)


def _disputed(slices: Sequence[Slice], limit: float | None, accepted: bool) -> Verdict:
    """Reject slices whose legitimate labels the champion disputes: perhaps mislabelled."""
    verdict = _worst(
        "slice_disputed_labels",
        "fpr",
        slices,
        lambda each: each["disputed_interval"][0],
        limit,
        "rows labelled legitimate that the champion flags",
    )
    if verdict.passed or not accepted:
        return verdict
    sentence = f"{verdict.sentence}; accepted in the run's parameters"
    return replace(verdict, passed=True, sentence=sentence)


def _worst(
    rule: str,
    figure: str,
    slices: Sequence[Slice],
    excess: Callable[[Slice], float],
    limit: float | None,
    words: str,
) -> Verdict:
    """Return the verdict over the slices with enough rows; those that break it are named."""
    if limit is None:
        return without_limit(rule, f"slices: {words}")
    evaluated = [(excess(each), each) for each in slices if each[f"{figure}_evaluated"]]
    if not evaluated:
        return not_evaluated(rule, f"no slice has enough rows for {figure}: not evaluated")
    worst = max(amount for amount, _ in evaluated)
    broken = [
        f"{each['name']} = {each['value']} ({amount:.1%}, {each['n']} rows)"
        for amount, each in evaluated
        if not amount <= limit
    ]
    count = f"{len(evaluated)} of {len(slices)} slices have enough rows"
    sentence = f"{count}; {words}: in none significantly more than {limit:.1%}"
    if broken:
        sentence = f"{count}; {words}: significantly more than {limit:.1%} in {', '.join(broken)}"
    return decided(rule, not broken, sentence, worst, limit)
