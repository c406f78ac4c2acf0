"""TrafficRecord items as the traffic log has them: each id once, however often its batch came."""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from include.contract import keys
from include.contract.schema import InputField
from include.contract.verdicts import VERDICTS
from include.inference.prediction_ids import is_id, responded_ms
from include.inference.traffic_record import hash_of
from include.monitoring.records.jsonl_reader import Lines
from include.monitoring.records.sample import DistinctSample
from include.pipelines import Pipeline
from include.stores.objects import ObjectStore

# Some 70 MB of records; drift of more would be no other.
MAX_ITEMS = 100_000
_TEXT = "string"
_KEPT, _HASH = ("inputs", "redacted_inputs"), "inputs_hmac"
_LINES_PER_ITEM = 10  # what was asked again and again is read, and counts once
_ID = re.compile(rb'"id":\s*"([0-9a-f]{32}(?:-\d{1,9})?)"')


class Item(NamedTuple):
    """One prediction; a tuple, as there are many.

    Attributes
    ----------
    probability : float
    verdict : str
        By the thresholds of its version.
    version : str
    inputs : tuple or None
        In the pipeline's order; None where only a hash was kept, or the inputs were other ones.
    duplicate : str
        Equal where the inputs are.
    is_redacted : bool
        Whether the inputs have the shape of what was sent, and are not it.
    """

    probability: float
    verdict: str
    version: str
    inputs: tuple[Any, ...] | None
    duplicate: str
    is_redacted: bool = False


class Traffic(NamedTuple):
    """The traffic of a day.

    Attributes
    ----------
    sample : DistinctSample of Item
    lines : Lines
        What was read.
    """

    sample: DistinctSample[Item]
    lines: Lines


def read_traffic(
    store: ObjectStore, pipeline: Pipeline, day: str, max_items: int = MAX_ITEMS
) -> Traffic:
    """Return the traffic of a day, in bounded memory.

    Raises
    ------
    StoreUnavailableError
    """
    sample: DistinctSample[Item] = DistinctSample(max_items)
    lines = Lines(store)
    for raw in lines.under(keys.traffic_prefix(pipeline.name, day)):
        for name, item in _parsed(raw, pipeline.inputs, lines):
            sample.put(name, item)
    return Traffic(sample, lines)


def read_first(
    store: ObjectStore, pipeline: Pipeline, since: datetime, until: datetime, max_items: int
) -> dict[str, Item]:
    """Return the first different inputs that were scored since a time, by the ids of their items.

    Read again later, there are more of them, and those before are the same, save for batches that
    a scorer could not send at their time.

    Parameters
    ----------
    store : ObjectStore
    pipeline : Pipeline
    since, until : datetime
        Aware, UTC.
    max_items : int
        Reading ends there, and after `_LINES_PER_ITEM` times as many lines.

    Raises
    ------
    StoreUnavailableError
    """
    since_ms, n_lines = since.timestamp() * 1000, 0
    first: dict[str, tuple[str, Item]] = {}
    lines = Lines(store)
    n_days = (until.date() - since.date()).days + 1
    for day in days_up_to(until.date().isoformat(), n_days):
        for raw in lines.under(keys.traffic_prefix(pipeline.name, day)):
            named = _ID.search(raw)
            if named is None or responded_ms(named[1].decode()) < since_ms:
                continue
            n_lines += 1
            for name, item in _parsed(raw, pipeline.inputs, lines):
                if item.inputs is not None:
                    first.setdefault(item.duplicate, (name, item))
            if len(first) >= max_items or n_lines >= max_items * _LINES_PER_ITEM:
                return dict(first.values())
    return dict(first.values())


def days_up_to(last_day: str, n_days: int) -> Iterator[str]:
    """Yield that many days up to one of them, the earliest first."""
    last = date.fromisoformat(last_day)
    for back in range(n_days - 1, -1, -1):
        yield (last - timedelta(days=back)).isoformat()


def find_items(
    store: ObjectStore, pipeline: Pipeline, day: str, wanted: Collection[bytes]
) -> Iterator[tuple[str, Item]]:
    """Yield the items of a day whose ids are wanted; one that came twice, twice."""
    lines = Lines(store)
    for raw in lines.under(keys.traffic_prefix(pipeline.name, day)):
        named = _ID.search(raw)
        if named is not None and named[1] in wanted:
            yield from _parsed(raw, pipeline.inputs, lines)


def _parsed(raw: bytes, fields: Sequence[InputField], lines: Lines) -> Iterator[tuple[str, Item]]:
    """Yield the item of a line, unless it has none."""
    try:
        yield parse_item(json.loads(raw), fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        lines.refuse(f"{type(err).__name__}: {err}"[:200])


def parse_item(line: Any, fields: Sequence[InputField]) -> tuple[str, Item]:
    """Return the id and the item of a line of the traffic log.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        If it is none.
    """
    name, probability, said = line["id"], line["probability"], line["prediction"]
    if not isinstance(name, str) or not is_id(name):
        raise ValueError("its id is none")
    if isinstance(probability, bool) or not 0 <= probability <= 1:
        raise ValueError("its probability is not within 0 and 1")
    if said not in VERDICTS:
        raise ValueError("its prediction is no verdict")
    version = line["version"]
    if not keys.is_version_name(version):
        raise ValueError("its version is none")
    kept = next((line[each] for each in _KEPT if each in line), None)
    values = None if kept is None else _ordered(kept, fields)
    # Different URLs may be the same once they are redacted, so a hash comes first.
    duplicate = hash_of(kept) if kept is not None and _HASH not in line else str(line[_HASH])
    is_redacted = "inputs" not in line
    return name, Item(float(probability), said, version, values, duplicate, is_redacted)


def _ordered(inputs: Any, fields: Sequence[InputField]) -> tuple[Any, ...] | None:
    """Return the values in order; None where the inputs have other names."""
    if inputs.keys() != {field.name for field in fields}:
        return None
    for field in fields:
        value = inputs[field.name]
        if isinstance(value, str) != (field.dtype == _TEXT) and value is not None:
            raise ValueError(f"its {field.name} is of another type")
    return tuple(inputs[field.name] for field in fields)
