"""Parse the JSON body of a scoring request: its form and its limits, not yet the values."""

import codecs
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from include.errors import RequestRejectedError, RequestUnreadableError
from include.inference.record_schema import Fault, shorten
from include.services.scorer.settings import Limits

_KINDS = ("record", "records", "url", "urls")
_SHORT_BYTES = 64 * 1024
_MAX_VALUES = 500_000
_BEGINNINGS = (b",", b"[", b"{")
_MEMBERS = frozenset((*_KINDS, "pipeline"))


class PredictRequest(NamedTuple):
    """Items to score; a tuple and no dataclass, as every request makes one.

    Attributes
    ----------
    kind : str
        The member that held them: ``record``, ``records``, ``url`` or ``urls``.
    items : sequence
        Records or URLs, unchecked.
    pipeline : str or None
        The one that the client names.
    """

    kind: str
    items: Sequence[object]
    pipeline: str | None

    @property
    def is_text(self) -> bool:
        """Whether the items are URLs."""
        return self.kind in ("url", "urls")

    @property
    def is_single(self) -> bool:
        """Whether one item was sent by itself, so that one prediction is due and not a list."""
        return self.kind in ("record", "url")

    def records(self, text_input: str) -> Sequence[object]:
        """Return the items as records; a URL becomes one of a single input of that name."""
        return [{text_input: item} for item in self.items] if self.is_text else self.items

    def describe(self, fault: Fault) -> dict[str, str]:
        """Return a fault with its place in the body, as a JSON pointer (RFC 6901)."""
        parts = [self.kind]
        if not self.is_single:
            parts.append(str(fault.row))
        if fault.field and not self.is_text:
            parts.append(fault.field)
        pointer = "#/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts)
        field = {"field": fault.field} if fault.field else {}
        return {"pointer": pointer, **field, "rule": fault.rule, "detail": fault.detail}


def parse_predict_request(body: bytes, limits: Limits) -> PredictRequest:
    """Return the items of a body.

    Raises
    ------
    RequestUnreadableError
        If it is no JSON text in UTF-8.
    RequestRejectedError
        As `predict_request_of`, or if a member is repeated.
    """
    return predict_request_of(parse_json(body), limits)


def predict_request_of(document: object, limits: Limits) -> PredictRequest:
    """Return the items of a JSON value.

    Raises
    ------
    RequestRejectedError
        If a member is unknown or of the wrong type, or there are too many items.
    """
    if not isinstance(document, dict):
        raise RequestRejectedError("the body is not a JSON object")
    unknown = document.keys() - _MEMBERS
    if unknown:
        raise RequestRejectedError(f"unknown member {shorten(min(unknown))!r}")
    kinds = [name for name in document if name != "pipeline"]
    if len(kinds) != 1:
        raise RequestRejectedError(f"send exactly one of: {', '.join(_KINDS)}")
    pipeline = document.get("pipeline")
    if pipeline is not None and not isinstance(pipeline, str):
        raise RequestRejectedError("pipeline is not text")
    return PredictRequest(kinds[0], parse_items(kinds[0], document[kinds[0]], limits), pipeline)


def parse_items(kind: str, value: object, limits: Limits) -> Sequence[object]:
    """Return the items of a member of a body.

    Raises
    ------
    RequestRejectedError
        If they are no list, none, or too many.
    """
    if kind in ("record", "url"):
        return [value]
    if not isinstance(value, list):
        raise RequestRejectedError(f"{kind} is not a list")
    if not value:
        raise RequestRejectedError(f"{kind} is an empty list")
    if len(value) > limits.records:
        raise RequestRejectedError(
            f"{len(value)} {kind} in one request, the limit is {limits.records}"
        )
    return value


def require_json() -> None:
    """Return when the request's body is declared as JSON, and not compressed."""
    require_plain()
    if not request.is_json:
        raise UnsupportedMediaType("Send application/json.")


def require_plain() -> None:
    """Return when the request's body is not compressed."""
    if request.content_encoding not in (None, "identity"):
        raise UnsupportedMediaType("A compressed body is not read; send it as it is.")


def parse_json(body: bytes) -> object:
    """Return the value of a JSON text.

    Raises
    ------
    RequestUnreadableError
        If it is no JSON text in UTF-8.
    RequestRejectedError
        If a member is repeated, or it is nested too deeply or has too many values: each takes up
        to thirty times the bytes that were sent.
    """
    if len(body) > _SHORT_BYTES and sum(map(body.count, _BEGINNINGS)) > _MAX_VALUES:
        raise RequestRejectedError(f"the JSON has more than {_MAX_VALUES} values")
    try:
        return _DECODER.decode(body.removeprefix(codecs.BOM_UTF8).decode())
    except RecursionError as err:
        raise RequestRejectedError("the JSON is nested too deeply") from err
    except ValueError as err:
        raise RequestUnreadableError(f"the body is not JSON: {err}") from err


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise RequestRejectedError(f"member {shorten(twice)!r} is given twice")
    return members


# Made once: `json.loads` would make one for each body.
_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates)
