"""What answers should have been, as feedback says: the last word about each counts."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from include.contract import keys
from include.inference.feedback_labels import LABELS
from include.inference.prediction_ids import day_of, is_id
from include.monitoring.records.jsonl_reader import Lines
from include.monitoring.records.sample import DistinctSample
from include.monitoring.records.traffic import Item, days_up_to, find_items
from include.pipelines import Pipeline
from include.stores.objects import ObjectStore

MAX_LABELS = 100_000


class Said(NamedTuple):
    """A label of one prediction; labels are ordered by time.

    Attributes
    ----------
    time : str
        ISO 8601 in UTC.
    source : str
    is_phishing : bool
    client : str
        The API client that sent it.
    comment : str
        Why, for the person who reviews it.
    """

    time: str
    source: str
    is_phishing: bool
    client: str = ""
    comment: str = ""


class Labelled(NamedTuple):
    """A prediction and its true label.

    Attributes
    ----------
    id : str
    item : Item
    said : Said
    """

    id: str
    item: Item
    said: Said


class Feedback(NamedTuple):
    """Predictions whose labels came in on some days.

    Attributes
    ----------
    pipeline : str
    labelled : list of Labelled
        In the order of their ids.
    n_labels : int
        Answers that have a label.
    n_without_answer : int
        Of those, whose answer is in no traffic that is kept.
    lines : Lines
        What was read of feedback.
    """

    pipeline: str
    labelled: list[Labelled]
    n_labels: int
    n_without_answer: int
    lines: Lines


def read_feedback(store: ObjectStore, pipeline: Pipeline, last_day: str, n_days: int) -> Feedback:
    """Return the labels that came in on `n_days` days up to `last_day`, with their predictions.

    Raises
    ------
    StoreUnavailableError
    """
    last_word, lines = read_said(store, pipeline.name, last_day, n_days)
    labelled = find_labelled(store, pipeline, last_word)
    n_labels = len(last_word)
    return Feedback(pipeline.name, labelled, n_labels, n_labels - len(labelled), lines)


def read_said(
    store: ObjectStore, pipeline: str, last_day: str, n_days: int
) -> tuple[dict[str, Said], Lines]:
    """Return the last label of each prediction that came in on some days, and what was read.

    Raises
    ------
    StoreUnavailableError
    """
    last_word: DistinctSample[Said] = DistinctSample(MAX_LABELS)
    lines = Lines(store)
    for day in days_up_to(last_day, n_days):
        for raw in lines.under(keys.feedback_prefix(pipeline, day)):
            for name, said in _parsed(raw, lines):
                last_word.put(name, max(said, last_word.get(name) or said))
    return dict(last_word.in_order()), lines


def find_labelled(
    store: ObjectStore, pipeline: Pipeline, said: Mapping[str, Said]
) -> list[Labelled]:
    """Return the labels whose predictions are kept, with them.

    Raises
    ------
    StoreUnavailableError
    """
    items = _answers(store, pipeline, list(said))
    return [Labelled(name, items[name], each) for name, each in said.items() if name in items]


def _answers(store: ObjectStore, pipeline: Pipeline, names: list[str]) -> dict[str, Item]:
    """Return the answers of these ids, of whatever days they are."""
    of_day: dict[str, set[bytes]] = {}
    for name in names:
        of_day.setdefault(day_of(name), set()).add(name.encode())
    return {
        name: item
        for day, wanted in sorted(of_day.items())
        for name, item in find_items(store, pipeline, day, wanted)
    }


def _parsed(raw: bytes, lines: Lines) -> Iterator[tuple[str, Said]]:
    try:
        yield _parse(json.loads(raw))
    except (ValueError, KeyError, TypeError, RecursionError) as err:
        lines.refuse(f"{type(err).__name__}: {err}"[:200])


def _parse(line: Any) -> tuple[str, Said]:
    name, label = line["id"], line["label"]
    if not isinstance(name, str) or not is_id(name):
        raise ValueError("its id is none")
    day_of(name)  # of a year that there is
    if label not in LABELS:
        raise ValueError("its label is none")
    client, comment = str(line.get("client", "")), str(line.get("comment", ""))
    return name, Said(str(line["time"]), str(line["source"]), label == LABELS[0], client, comment)
