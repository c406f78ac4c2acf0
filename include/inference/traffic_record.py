"""A response as the traffic log keeps it: one JSON line per item."""

import hashlib
import hmac
import json
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import repeat
from typing import NamedTuple

from include.contract.manifest import Manifest
from include.contract.pointer import Pointer
from include.contract.verdicts import DecidedBy
from include.inference.prediction_ids import responded_at
from include.inference.redaction import redact_url
from include.inference.verdict import verdict

_dump = json.JSONEncoder(separators=(",", ":")).encode
_dump_sorted = json.JSONEncoder(separators=(",", ":"), sort_keys=True).encode

Inputs = object  # a checked record


class TrafficRecord(NamedTuple):
    """One scored response; a tuple and no dataclass, as every request makes one.

    Attributes
    ----------
    id : str
        Of the response; an item of several is ``<id>-<number>``.
    pointer : Pointer
    manifest : Manifest
    items : sequence
        The checked records, as they were sent; a text has one member.
    probabilities : sequence of float
    numbers : sequence of int or None
        None when one item was sent by itself.
    is_sample : bool
        Whether it is a part of a table whose probabilities are counted already.
    decisions : sequence of DecidedBy or None
        What decided on each item; None for the model on all.
    size_chars : int
        Of the cells of a table's sample.
    """

    id: str
    pointer: Pointer
    manifest: Manifest
    items: Sequence[Inputs]
    probabilities: Sequence[float]
    numbers: Sequence[int] | None = None
    is_sample: bool = False
    decisions: Sequence[DecidedBy] | None = None
    size_chars: int = 0


def lines_of(
    scored: TrafficRecord, hash_key: bytes = b"", *, is_redacted: bool = False
) -> Iterator[str]:
    """Yield a line of JSON per item: what is kept of it, and the prediction.

    Formatted from cached parts, as JSON's own writer takes as long for a line as a small
    model to score.

    Parameters
    ----------
    scored : TrafficRecord
    hash_key : bytes
        Of the keyed hash of an item, which stands in its place or, where items are redacted, beside
        it; empty for no hash. Without the key nobody can find out by trying whether a certain URL
        was sent.
    is_redacted : bool
        Whether texts are redacted; where that changes one, the line has no ``inputs`` but
        ``redacted_inputs``, so that nobody takes them for what was sent.
    """
    pointer = scored.pointer
    model = _model(pointer.pipeline, pointer.version, pointer.serial)
    time = responded_at(scored.id).isoformat(timespec="milliseconds")
    numbers = repeat("") if scored.numbers is None else map("-{}".format, scored.numbers)
    decisions = scored.decisions or repeat(DecidedBy.MODEL)
    for number, inputs, probability, decided_by in zip(  # noqa: B905 - `repeat` has no end
        numbers, scored.items, scored.probabilities, decisions
    ):
        predicted = verdict(probability, scored.manifest, decided_by)
        kept = ",".join(_kept(inputs, hash_key, is_redacted=is_redacted))
        yield (
            f'{{"id":"{scored.id}{number}","time":"{time}",{model},{kept},'
            f'"probability":{predicted["probability"]},"prediction":"{predicted["prediction"]}",'
            f'"decided_by":"{predicted["decided_by"]}"}}'
        )


def _kept(inputs: Inputs, hash_key: bytes, *, is_redacted: bool) -> Iterator[str]:
    if hash_key:
        yield f'"inputs_hmac":"{keyed_hash_of(inputs, hash_key)}"'
    redacted = _redacted(inputs) if is_redacted else inputs
    if redacted != inputs:
        yield f'"redacted_inputs":{_inputs_json(redacted)}'
    elif is_redacted or not hash_key:
        yield f'"inputs":{_inputs_json(inputs)}'


def _redacted(inputs: Inputs) -> Inputs:
    """Return a record whose texts are redacted; numbers are traits, and stay."""
    assert isinstance(inputs, dict), "a record was checked before it was scored"
    return {
        name: redact_url(value) if isinstance(value, str) else value
        for name, value in inputs.items()
    }


@lru_cache(maxsize=16)
def _model(pipeline: str, version: str, serial: int) -> str:
    return _dump({"pipeline": pipeline, "version": version, "serial": serial})[1:-1]


def _inputs_json(inputs: Inputs) -> str:
    """Return the inputs as JSON; a record of whole numbers by a template of its names."""
    if isinstance(inputs, dict) and set(map(type, inputs.values())) == {int}:
        return _template(tuple(inputs)) % tuple(inputs.values())
    return _dump(inputs)


@lru_cache(maxsize=64)
def _template(names: tuple[str, ...]) -> str:
    return "{" + ",".join(_dump(name).replace("%", "%%") + ":%d" for name in names) + "}"


def hash_of(inputs: Inputs) -> str:
    """Return the SHA-256 of the inputs as JSON with sorted names and without blanks."""
    return hashlib.sha256(_dump_sorted(inputs).encode()).hexdigest()


def keyed_hash_of(inputs: Inputs, key: bytes) -> str:
    """Return the HMAC-SHA-256 of the same: equal inputs are still seen to be equal."""
    return hmac.new(key, _dump_sorted(inputs).encode(), hashlib.sha256).hexdigest()


def plain(value: object) -> object:
    """Return a number of a matrix as JSON has it: whole ones without a point, NaN as null."""
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return None
    return int(value) if value.is_integer() else value
