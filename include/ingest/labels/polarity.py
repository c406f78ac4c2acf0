"""Which way round a file codes its labels: what they were taken for, and what contradicts it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pymongo.collection import Collection

from include.contract.schema import Target
from include.errors import DataRejectedError
from include.ingest.files.layout import Identity
from include.ingest.labels.documents import Source, documents
from include.ingest.labels.inserts import Document, ids_present

# "documented": the file's two numbers mean what the pipeline's do; "inverted": the opposite.
Coding = Literal["documented", "inverted"]
_MIN_CONTRADICTIONS = 5
_MAX_SHARE_AGREEING = 0.2
_MAX_AUC = 0.4


@dataclass(frozen=True)
class Known:
    """Records of a load whose like is stored already.

    Attributes
    ----------
    n_agreeing, n_contradicting : int
        Stored with the same label, and with the opposite one.
    """

    n_agreeing: int
    n_contradicting: int

    @property
    def seems_inverted(self) -> bool:
        """Whether nearly all that is known has the opposite label."""
        n_known = self.n_agreeing + self.n_contradicting
        return (
            self.n_contradicting >= _MIN_CONTRADICTIONS
            and self.n_agreeing <= _MAX_SHARE_AGREEING * n_known
        )


@dataclass(frozen=True)
class ModelOpinion:
    """How the version in production ranks a sample of a load, beside the file's labels.

    Attributes
    ----------
    version : str
    n_records : int
    auc, low, high : float
        Area under the ROC curve by those labels, and its 95 % interval; one half is chance.
    """

    version: str
    n_records: int
    auc: float
    low: float
    high: float

    @property
    def seems_inverted(self) -> bool:
        """Whether the model ranks the records the other way round, beyond chance."""
        return self.high < _MAX_AUC

    def __str__(self) -> str:
        return (
            f"version {self.version}, in production, ranks {self.n_records} of the records against "
            f"their labels: AUC {self.auc:.2f}, {self.low:.2f} to {self.high:.2f} with 95 % "
            "confidence, where one half is chance"
        )


AskModel = Callable[[Sequence[Document]], ModelOpinion | None]
"""Scores records by the version in production; None if there is none or it has no result."""


def compare_with_stored(
    collection: Collection[Document],
    batch: Sequence[Document],
    source: Source,
    identity: Identity | None,
    target: Target,
) -> Known:
    """Return how many documents of a batch are stored with the same or the opposite label.

    Raises
    ------
    StoreUnavailableError
    """
    own = {document["_id"] for document in batch}
    opposite = set(opposite_ids(batch, source, identity, target))
    present = ids_present(collection, own | opposite)
    return Known(len(own & present), len((opposite - own) & present))


def opposite_ids(
    batch: Iterable[Document], source: Source, identity: Identity | None, target: Target
) -> Iterable[str]:
    """Yield the `_id` that each record would have with the other label."""
    other = {target.positive: target.negative, target.negative: target.positive}
    for document in batch:
        if (label := document.get(target.source)) in other:
            noted = ("_id", "loaded_from", "simulated")
            record = {name: value for name, value in document.items() if name not in noted}
            (duplicate,) = documents([record | {target.source: other[label]}], source, identity)
            yield duplicate["_id"]


def refuse_inverted(known: Known, opinion: ModelOpinion | None, source: Source) -> None:
    """Raise if what is stored, or the version in production, contradicts the labels.

    Raises
    ------
    DataRejectedError
    """
    if known.seems_inverted:
        n_known = known.n_agreeing + known.n_contradicting
        why = (
            f"{known.n_contradicting} of {n_known} records that are stored already have the "
            "opposite label there"
        )
    elif opinion is not None and opinion.seems_inverted:
        why = str(opinion)
    else:
        return
    raise DataRejectedError(
        f"{source.name}: {why}, so the file seems to code its labels the other way round; nothing "
        "was loaded. State the coding: labels 'inverted' swaps the two numbers, 'documented' loads "
        "them as they are"
    )


def describe_coding(codes: Mapping[int, int], target: Target, coding: Coding | None) -> str:
    """Return what the numbers of a file's labels were taken for; empty where it has none.

    Parameters
    ----------
    codes : mapping of int to int
        Each number in the file, and the value stored for it.
    target : Target
    coding : {"documented", "inverted"} or None
        As it was stated.
    """
    names = {target.positive: "phishing", target.negative: "legitimate"}
    taken = [f"{code} for {names[to]}" for code, to in sorted(codes.items()) if to in names]
    if not taken:
        return ""
    other = "documented" if coding == "inverted" else "inverted"
    return f"labels: took {', '.join(taken)}; if the file means the opposite, load it as {other!r}"
