"""The gate rules on replayed traffic: each can only reject."""

from collections.abc import Iterator, Mapping
from typing import Any

from include.evaluation.gate.policy import Policy
from include.evaluation.gate.rule_results import Verdict, decided, not_evaluated, without_limit


def replay_rules(replay: Mapping[str, Any], policy: Policy) -> Iterator[Verdict]:
    """Yield the verdicts on what would change for those who ask now.

    Parameters
    ----------
    replay : mapping
        ``n_days``, and in ``figures`` those of `include.evaluation.replay.replay_figures`, or None
        where there was nothing to replay; ``missing`` says why.
    policy : Policy
    """
    figures = replay["figures"]
    if figures is None:
        yield not_evaluated("replay", f"no traffic is replayed: {replay['missing']}")
        return
    if figures["n"] < policy.min_replay_rows:
        yield not_evaluated(
            "replay",
            f"{figures['n']} requests of {replay['n_days']} days are too few to replay, fewer than "
            f"{policy.min_replay_rows}",
        )
    else:
        yield _changes(figures, policy.max_replay_changes)
        yield _alerts(figures, policy.max_replay_alert_ratio)
    yield _false_alarms(figures["reviewed"], policy.max_replay_false_alarms)
    yield _allowed(figures["allowed"])


def _changes(figures: Mapping[str, Any], limit: float | None) -> Verdict:
    rule, low = "replay_changes", figures["changed_interval"][0]
    found = f"{figures['n_changed']} of {figures['n']} replayed verdicts change"
    if limit is None:
        return without_limit(rule, found)
    passed = bool(low <= limit)
    words = "not shown to be more than" if passed else "significantly more than"
    return decided(
        rule, passed, f"{found} ({figures['changed']:.2%}): {words} {limit:.1%}", low, limit
    )


def _alerts(figures: Mapping[str, Any], limit: float | None) -> Verdict:
    rule, low = "replay_alerts", figures["alert_ratio_interval"][0]
    alerts = figures["alerts"]
    found = (
        f"replayed traffic has {alerts['both'] + alerts['new']} alerts, "
        f"{alerts['both'] + alerts['gone']} by the champion"
    )
    if limit is None:
        return without_limit(rule, found)
    passed = bool(low <= limit)
    words = "not shown to be more than" if passed else "significantly more than"
    return decided(rule, passed, f"{found}: {words} {limit:g} times as many", low, limit)


def _false_alarms(reviewed: Mapping[str, Any], limit: int | None) -> Verdict:
    rule, n_new = "replay_false_alarms", reviewed["only_challenger"]
    found = f"{n_new} of {reviewed['n']} requests reviewed as legitimate are new false alarms"
    if limit is None:
        return without_limit(rule, found)
    passed = bool(n_new <= limit)
    words = "at most" if passed else "above the allowed"
    return decided(rule, passed, f"{found}, {words} {limit}", n_new, limit)


def _allowed(allowed: Mapping[str, Any]) -> Verdict:
    """Reject more flags on what people have allowed: the list only hides them."""
    passed = bool(allowed["challenger"] <= allowed["champion"])
    sentence = (
        f"of {allowed['n']} replayed requests on the allow list {allowed['challenger']} would be "
        f"called phishing, {allowed['champion']} by the champion"
    )
    return decided(
        "replay_allow_list", passed, sentence, allowed["challenger"], allowed["champion"]
    )
