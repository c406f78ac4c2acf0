"""The gate rules on known legitimate pages and on attackers' edits."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from include.evaluation.gate.policy import Policy
from include.evaluation.gate.rule_results import (
    Verdict,
    at_most,
    decided,
    not_evaluated,
    without_limit,
)

_SHOWN = 5


def probe_rules(
    pages: Mapping[str, Any] | None, edits: Sequence[Mapping[str, Any]], policy: Policy
) -> Iterator[Verdict]:
    """Yield the verdicts of a pipeline that has such pages or edits.

    Parameters
    ----------
    pages : mapping or None
        Of `include.evaluation.probes.known_page_figures`, and whether the records are `simulated`:
        a model of made-up sites is not rejected for what it says of real ones.
    edits : sequence of mapping
        Of `include.evaluation.probes.edit_figures`.
    policy : Policy
    """
    if pages is not None:
        yield from _pages(pages, policy)
    if edits:
        yield _edits(edits, policy.max_edit_loss)


def _pages(pages: Mapping[str, Any], policy: Policy) -> Iterator[Verdict]:
    """Reject a model that flags more of the known pages than the limit, or than the champion."""
    title = f"share of {pages['n']} known log-in pages called phishing"
    if pages["simulated"]:
        yield not_evaluated("known_pages", f"{title} {pages['fpr']:.1%}; the records are simulated")
        return
    verdict = at_most("known_pages", title, pages["fpr"], policy.max_known_pages_fpr)
    if pages["flagged"]:
        named = ", ".join(pages["flagged"][:_SHOWN])
        more = len(pages["flagged"]) - _SHOWN
        named += f" and {more} more" if more > 0 else ""
        sentence = f"{verdict.sentence}: {named}"
        verdict = Verdict(**{**vars(verdict), "sentence": sentence})
    yield verdict
    if pages["champion_fpr"] is not None:
        yield _rise(pages, policy.max_known_pages_rise)


def _rise(pages: Mapping[str, Any], rise: float | None) -> Verdict:
    rule = "known_pages_rise"
    found = (
        f"{pages['fpr']:.1%} of the known log-in pages are called phishing, "
        f"{pages['champion_fpr']:.1%} by the champion"
    )
    if rise is None:
        return without_limit(rule, found)
    limit = pages["champion_fpr"] + rise
    passed = bool(pages["fpr"] <= limit)
    sentence = f"{found}: {'no' if passed else 'a'} rise of more than {rise:.1%}"
    return decided(rule, passed, sentence, pages["fpr"], limit)


def _edits(edits: Sequence[Mapping[str, Any]], limit: float | None) -> Verdict:
    """Reject when an edit is shown to help against this model and not against the champion."""
    rule = "edits"
    shown = "; ".join(
        f"{each['name']} {each['review_before']:.1%} to {each['review_recall']:.1%}"
        for each in edits
        if each["n"]
    )
    found = f"recall, at least suspicious, before and after an attacker's edit: {shown}"
    if limit is None:
        return without_limit(rule, found)
    compared = [each for each in edits if each["change"] is not None]
    if not compared:
        return not_evaluated(rule, f"{found}; no champion to compare with")
    worst = max(-each["change"][1] for each in compared)
    broken = [each["name"] for each in compared if not -each["change"][1] <= limit]
    words = f"significantly more than {limit:.1%} below the champion's"
    words = f"{words} under {', '.join(broken)}" if broken else f"none {words}"
    return decided(rule, not broken, f"{found}; {words}", worst, limit)
