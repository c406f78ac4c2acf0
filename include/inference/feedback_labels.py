"""Parse a body of feedback: labels for earlier predictions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from include.contract.verdicts import LEGITIMATE, PHISHING
from include.errors import RequestRejectedError
from include.inference.prediction_ids import is_id, is_of, responded_ms
from include.inference.record_schema import MAX_FAULTS

LABELS = (PHISHING, LEGITIMATE)
"""What a prediction may turn out to have been; suspicious is no truth."""
MAX_SOURCE_CHARS = 100
MAX_COMMENT_CHARS = 500
_MEMBERS = frozenset(("id", "label", "source"))
_OPTIONAL = frozenset(("comment",))
_CLOCKS_DIFFER_MS = 5 * 60 * 1000


@dataclass(frozen=True)
class TrueLabel:
    """The true label of one prediction.

    Attributes
    ----------
    id : str
        Of the prediction, as it was returned.
    label : str
        One of `LABELS`.
    source : str
        Who or what gave the label.
    pipeline : str
        The one that scored it.
    comment : str
        For the person who reviews it; may be empty.
    """

    id: str
    label: str
    source: str
    pipeline: str
    comment: str = ""


def _entries(document: object, max_labels: int) -> tuple[Sequence[object], str]:
    """Return the labels of a body, and the JSON pointer of the first without its number."""
    if not isinstance(document, dict):
        raise RequestRejectedError("the body is not a JSON object")
    if "feedback" not in document:
        return [document], "#"
    entries = document["feedback"]
    if len(document) > 1:
        raise RequestRejectedError("beside the list 'feedback' there are other members")
    if not isinstance(entries, list) or not 0 < len(entries) <= max_labels:
        raise RequestRejectedError(f"feedback is not a list of 1 to {max_labels} labels")
    return entries, "#/feedback/"


def read_labels(
    document: object, max_labels: int, pipelines: Sequence[str], now: datetime
) -> tuple[list[TrueLabel], list[dict[str, Any]]]:
    """Return the labels of a body, and up to `MAX_FAULTS` rules that they break with their place.

    Parameters
    ----------
    document : object
        One label, or ``{"feedback": [...]}``.
    max_labels : int
    pipelines : sequence of str
        Those whose predictions may be labelled.
    now : datetime

    Raises
    ------
    RequestRejectedError
        If the body is neither, or has too many labels.
    """
    entries, place = _entries(document, max_labels)
    truths: list[TrueLabel] = []
    faults: list[dict[str, Any]] = []
    for number, entry in enumerate(entries):
        pointer = place if place == "#" else f"{place}{number}"
        if not isinstance(entry, dict) or not _MEMBERS <= entry.keys() <= _MEMBERS | _OPTIONAL:
            detail = "a label is an object of id, label, source and, if you like, comment"
            faults.append({"pointer": pointer, "rule": "type", "detail": detail})
            continue
        pipeline = _pipeline_of(entry["id"], pipelines, now)
        broken = _broken(entry, pipeline)
        faults += [
            {"pointer": f"{pointer}/{name}", "field": name, "rule": rule, "detail": detail}
            for name, rule, detail in broken
        ]
        if not broken and pipeline is not None:
            said = entry["label"], entry["source"], pipeline, entry.get("comment", "")
            truths.append(TrueLabel(entry["id"], *said))
    return truths, faults[:MAX_FAULTS]


def _broken(entry: Mapping[str, Any], pipeline: str | None) -> list[tuple[str, str, str]]:
    """Return field, rule and detail for each rule that a label breaks."""
    found = []
    if pipeline is None:
        found.append(("id", "id", "it is not the id of a prediction of a pipeline followed here"))
    if entry["label"] not in LABELS:
        found.append(("label", "allowed", f"a label is one of {', '.join(LABELS)}"))
    source = entry["source"]
    if not isinstance(source, str) or not 0 < len(source) <= MAX_SOURCE_CHARS:
        found.append(("source", "length", f"a source is text of 1 to {MAX_SOURCE_CHARS} letters"))
    elif not source.isprintable():
        found.append(("source", "type", "a source has printable letters only"))
    comment = entry.get("comment", "")
    if not isinstance(comment, str) or len(comment) > MAX_COMMENT_CHARS:
        found.append(
            ("comment", "length", f"a comment is text of up to {MAX_COMMENT_CHARS} letters")
        )
    elif not comment.isprintable():
        found.append(("comment", "type", "a comment has printable letters only"))
    return found


def _pipeline_of(response_id: object, pipelines: Sequence[str], now: datetime) -> str | None:
    """Return the pipeline of a response; None if it cannot be of one of these by now."""
    if not isinstance(response_id, str) or not is_id(response_id):
        return None
    if responded_ms(response_id) > now.timestamp() * 1000 + _CLOCKS_DIFFER_MS:
        return None
    return next((name for name in pipelines if is_of(response_id, name)), None)
