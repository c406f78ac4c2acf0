"""What a person reads before approving a version: one short text in Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from include.contract.run_documents import Evaluation
from include.evaluation.gate.rule_results import Verdict

_RATES = (
    ("recall", "Phishing rows called Phishing"),
    ("review_recall", "Phishing rows at least Suspicious"),
    ("fpr", "Legitimate rows called Phishing"),
    ("review_fpr", "Legitimate rows at least Suspicious"),
)


def approval_request(
    pipeline: str, version: str, evaluation: Evaluation, verdicts: Sequence[Verdict], hours: float
) -> str:
    """Return figures, weakest slices and what the gate could not evaluate, in Markdown.

    Parameters
    ----------
    pipeline, version : str
    evaluation : Evaluation
    verdicts : sequence of Verdict
        Of every gate rule; all passed.
    hours : float
        How long the request waits for a response.
    """
    passed = [each for each in verdicts if each.evaluated]
    open_rules = [each.rule.replace("_", " ") for each in verdicts if not each.evaluated]
    report = f"/data-docs/versions/{pipeline}/{version}/report.html"
    compare = f"/models/{pipeline}/compare?new={version}"
    lines = [
        f"Passed {len(passed)} of {len(passed)} gate rules that could be evaluated. "
        f"**[Compare it with the version in production]({compare})**, and decide there; "
        f"[report of this version]({report})",
        "",
        *_table(evaluation),
        "",
        *_weakest(evaluation.slices),
        f"- **Not evaluated**, for want of rows or of a limit: {', '.join(open_rules)}"
        if open_rules
        else "- Every rule was evaluated.",
        "",
        f"**Approve** serves it within seconds. **Reject**, or no response in {hours:g} hours, "
        "fails the run and keeps what is in production.",
    ]
    return "\n".join(lines)


def _table(evaluation: Evaluation) -> Iterator[str]:
    test, champion = evaluation.test, evaluation.champion_on_same_rows or {}
    before = champion.get("version", "nothing yet")
    yield f"| Rows never trained on | this version | in production: {before} |"
    yield "|---|---|---|"
    for name, title in _RATES:
        yield f"| {title} | {_percent(test[name])} | {_percent(champion.get(name))} |"
    auc = champion.get("roc_auc")
    yield f"| ROC AUC | {test['roc_auc']:.4f} | {'' if auc is None else f'{auc:.4f}'} |"


def _weakest(slices: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the slices with the lowest recall and the most false positives, if any has rows."""
    caught = [each for each in slices if each["recall_evaluated"]]
    alarmed = [each for each in slices if each["fpr_evaluated"]]
    if caught:
        worst = min(caught, key=lambda each: float(each["recall"]))
        rate, n_rows = _percent(worst["recall"]), worst["n_positive"]
        yield f"- **Weakest slice**: {_named(worst)}, {rate} of {n_rows} phishing caught"
    if alarmed:
        worst = max(alarmed, key=lambda each: float(each["fpr"]))
        rate, n_rows = _percent(worst["fpr"]), worst["n"] - worst["n_positive"]
        yield f"- **Most false alarms**: {_named(worst)}, {rate} of {n_rows} legitimate flagged"


def _named(found: Mapping[str, Any]) -> str:
    return f"`{found['name']} = {found['value']}`"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"
