"""What differs between pipelines: a folder each, found by its name, with one `PIPELINE` inside.

A pipeline may use every stage; no stage knows a pipeline.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, get_args

import numpy as np
import numpy.typing as npt

from include.contract.schema import InputField, Target
from include.errors import SettingMissingError
from include.evaluation.gate.policy import Policy, read_policy
from include.features.feature_sets import FeatureSet
from include.ingest.feeds.settings import Feeds, read_feeds
from include.ingest.files.download import Dataset
from include.ingest.files.layout import Layout, Record
from include.registry.retention.policy import Retention, read_retention
from include.training.grids import FOLDS, Effort, Imputer
from include.training.split import Shares
from include.urls.reference.facts import Reference

if TYPE_CHECKING:
    import pandas as pd

    from include.training.families import Family

EFFORTS: tuple[Effort, ...] = get_args(Effort)
Approval = Literal["auto", "human"]
IMPUTERS: tuple[Imputer, ...] = get_args(Imputer)


class MadeRow(NamedTuple):
    """A row that only trains.

    Attributes
    ----------
    item : str
        What the model's features are made of.
    label : int
        1 = phishing.
    group : str
        Of the training row that it is made of, or its own: where it is held out, so is this one.
    kind : str
    """

    item: str
    label: int
    group: str
    kind: str


class AddedRowsMaker(Protocol):
    """Makes rows that only train; equal arguments give equal rows."""

    def __call__(
        self,
        items: Sequence[str],
        labels: Sequence[int],
        groups: Sequence[str],
        reference: Reference,
        is_trained: Callable[[str], bool],
        seed: str,
    ) -> list[MadeRow]:
        """Return rows to train on besides the given ones.

        Parameters
        ----------
        items, labels, groups : sequence
            The rows on the training side; 1 = phishing.
        reference : Reference
        is_trained : callable
            Whether a group is on the training side.
        seed : str
        """


_REVIEWER = InputField("reviewed_by", "string", None, "Who decided on the label, if anybody did")


@dataclass(frozen=True)
class Pipeline:
    """One kind of record, and how a model of it is trained and evaluated.

    Attributes
    ----------
    name : str
        Also the name of its collection, its suite and its folder in the bucket.
    title : str
        One line for the Airflow UI.
    layout : Layout
        What a record looks like in files and in MongoDB.
    datasets : tuple of Dataset
        Public data sets that `load` can find or download.
    simulate : callable (n_records, seed) -> iterator of records
        Stands in where no data set can be had.
    group_keys : callable (frame) -> ndarray of shape (n_rows,)
        Rows of equal keys never lie on two sides of a split, nor in two folds.
    families : callable (effort, seed, imputer) -> tuple of Family
        The candidates; `effort` is one of `EFFORTS`, `imputer` of `IMPUTERS`.
    features : FeatureSet or None
        Makes what a model is shown of the one input, a text; None where it is shown the inputs.
    first_seen : str or None
        Name of the detail that says when a record was first seen.
    memory_gb : int
        Gigabytes that a task holding all rows may need: what it takes of the pool that all
        pipelines share.
    folds : mapping of str to int
        How many folds the search has, by effort.
    shares : Shares
        How much of the groups each side gets.
    fpr_budget : float
        Default share of legitimate rows that may be called phishing.
    max_quarantined_share : float
        A larger share of bad rows fails the run.
    suite_columns : callable (frame, run_at) -> DataFrame, optional
        Further columns of the records for the suite, row by row; `run_at` is
        when the run was due, None where nobody says.
    added_rows : AddedRowsMaker, optional
        Makes rows that only train, of the rows on the training side and the reference data.
    drift_columns : callable (frame) -> DataFrame, optional
        What drift is measured on; the inputs and the stored label unless given.
    doubt : callable (record) -> str, optional
        Why a feed's label is unlikely from the record alone; such a record waits for a review.
    slices : callable (frame) -> DataFrame, optional
        Parts of the rows that the gate looks at one by one: a column each way to part them, which
        names the row's part; an empty name belongs to none.
    known_pages : callable () -> tuple of str, optional
        Legitimate texts that no version may call phishing; they are never trained on.
    edits : mapping of str to callable (text) -> str or None
        What an attacker changes of a text at no cost, by name; None where an edit does not apply.
    """

    name: str
    title: str
    layout: Layout
    datasets: tuple[Dataset, ...]
    simulate: Callable[[int, int], Iterator[Record]]
    group_keys: Callable[["pd.DataFrame"], npt.NDArray[np.object_]]
    families: Callable[[Effort, int, Imputer], "tuple[Family, ...]"]
    features: FeatureSet | None = None
    first_seen: str | None = None
    memory_gb: int = 1
    folds: Mapping[Effort, int] = field(default_factory=lambda: FOLDS)
    shares: Shares = Shares()
    fpr_budget: float = 0.01
    max_quarantined_share: float = 0.05
    approval: Approval = "auto"
    suite_columns: Callable[["pd.DataFrame", datetime | None], "pd.DataFrame"] | None = None
    added_rows: "AddedRowsMaker | None" = None
    drift_columns: Callable[["pd.DataFrame"], "pd.DataFrame"] | None = None
    doubt: Callable[[Record], str] | None = None
    slices: Callable[["pd.DataFrame"], "pd.DataFrame"] | None = None
    known_pages: Callable[[], tuple[str, ...]] | None = None
    edits: Mapping[str, Callable[[str], str | None]] = field(default_factory=dict)

    @property
    def policy(self) -> Policy:
        """What a model must show to be approved, as the folder's `policy.toml` says now."""
        return read_policy(Path(__file__).with_name(self.name) / "policy.toml")

    @property
    def feeds(self) -> Feeds:
        """Where its labels come from by themselves, as the folder's `feeds.toml` says now."""
        return read_feeds(Path(__file__).with_name(self.name) / "feeds.toml")

    @property
    def retention(self) -> Retention:
        """How long what its runs made is kept, as the folder's `retention.toml` says now."""
        return read_retention(Path(__file__).with_name(self.name) / "retention.toml")

    @property
    def inputs(self) -> tuple[InputField, ...]:
        """What the model takes, in its order."""
        return self.layout.fields

    @property
    def n_columns(self) -> int:
        """How many columns a model is shown."""
        return len(self.inputs) if self.features is None else self.features.n_columns

    @property
    def target(self) -> Target:
        """How the stored label is read."""
        return self.layout.target

    @property
    def collection(self) -> str:
        """The MongoDB collection of the records."""
        return self.name

    @property
    def columns(self) -> tuple[InputField, ...]:
        """Every column a snapshot takes besides `_id`: inputs, stored label, details, reviewer."""
        target = self.target
        label = InputField(target.source, "int8", (target.negative, target.positive), "label")
        # Files and feeds have no say in it, so it is no detail; records of a pipeline without any
        # details are numbers alone.
        reviewer = (_REVIEWER,) if self.layout.details else ()
        return (*self.inputs, label, *self.layout.details, *reviewer)

    def watched(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return the columns of records whose drift is measured, and `_id`."""
        if self.drift_columns is not None:
            return self.drift_columns(frame).assign(_id=frame["_id"])
        columns = [*(each.name for each in self.inputs), self.target.source]
        return frame[["_id", *(name for name in columns if name in frame.columns)]]


def names() -> tuple[str, ...]:
    """Return the name of every pipeline, in order: the folders beside this file."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.ispkg))


def get(name: str) -> Pipeline:
    """Return the pipeline of that name.

    Raises
    ------
    SettingMissingError
        If there is none.
    """
    if name not in names():
        raise SettingMissingError(f"no pipeline {name!r}; there are: {', '.join(names())}")
    module: Any = importlib.import_module(f"{__name__}.{name}")
    pipeline: Pipeline = module.PIPELINE
    return pipeline
