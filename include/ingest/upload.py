"""A file that a person uploads: what of it would be loaded, and the load of its good rows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from pymongo.collection import Collection

from include.errors import DataRejectedError
from include.ingest.files.allowed import allowed
from include.ingest.files.layout import Layout, Record
from include.ingest.files.reader import Row, read_records
from include.ingest.files.text_lines import BadLine
from include.ingest.labels.batches import LoadReport, load_records
from include.ingest.labels.documents import Source, documents
from include.ingest.labels.inserts import Document, ids_present
from include.ingest.labels.polarity import Coding
from include.ingest.load import given_values

MAX_BYTES = 10_000_000
MAX_ROWS = 200_000
SHOWN_GOOD, SHOWN_BAD = 20, 200
_BATCH_ROWS = 5_000
_GZIP = b"\x1f\x8b"


class Uploaded(Protocol):
    """What an upload needs of a pipeline."""

    @property
    def layout(self) -> Layout:
        """The columns of its records."""


@dataclass
class Preview:
    """What a load of a file would do.

    Attributes
    ----------
    n_good, n_bad : int
        Rows that would be loaded, and those that would not.
    n_phishing, n_known : int
        Of the good ones: labelled phishing, and stored already.
    good : list of Row
        The first of them.
    bad : list of BadLine
        The first of them; `column_of` says which cell is wrong.
    """

    n_good: int = 0
    n_bad: int = 0
    n_phishing: int = 0
    n_known: int = 0
    good: list[Row] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)


@dataclass(frozen=True)
class Upload:
    """An uploaded file.

    Attributes
    ----------
    path : Path
    name : str
        As the person calls it.
    pipeline : Uploaded
    by : str
        The person.
    label : {"phishing", "legitimate"} or None
        What every record is, where the file has no labels.
    coding : {"documented", "inverted"} or None
        What its two numbers mean, if that was stated.
    """

    path: Path
    name: str
    pipeline: Uploaded
    by: str
    label: str | None = None
    coding: Coding | None = None

    @property
    def source(self) -> str:
        """Who reported the records, where the file does not say."""
        return f"upload by {self.by}"

    def rows(self) -> Iterator[Row | BadLine]:
        """Yield each row; one with a value that is not allowed is bad.

        Raises
        ------
        DataRejectedError
            If the file cannot be read as a table or list of these records, or is too long.
        """
        with self.path.open("rb") as file:
            if file.read(2) == _GZIP:
                raise DataRejectedError(f"{self.name}: unpack it first")
        given = given_values(self.pipeline.layout, self.label, self.source)
        rows = read_records(
            self.path, self.pipeline.layout, given, inverted=self.coding == "inverted"
        )
        try:
            for number, row in enumerate(rows, start=1):
                if number > MAX_ROWS:
                    raise DataRejectedError(
                        f"{self.name}: more than {MAX_ROWS:,} rows; load it by the DAG load_records"
                    )
                yield allowed(row, self.pipeline.layout)
        except DataRejectedError as err:
            raise DataRejectedError(str(err).replace(str(self.path), self.name)) from err

    def preview(self, collection: Collection[Document]) -> Preview:
        """Return what a load would do; errors are those of `rows` and of MongoDB."""
        layout, found = self.pipeline.layout, Preview()
        records = documents(self._counted(found), Source(self.source), layout.identity)
        while batch := list(islice(records, _BATCH_ROWS)):
            found.n_known += len(ids_present(collection, [each["_id"] for each in batch]))
        return found

    def load(self, collection: Collection[Document]) -> LoadReport:
        """Load the good rows; the report names the others.

        Raises
        ------
        DataRejectedError
            As `rows` does; also if there is no good row, or the labels seem inverted.
        StoreUnavailableError
        """
        layout = self.pipeline.layout
        return load_records(
            collection,
            self.rows(),
            Source(f"{self.source}: {self.name}"),
            identity=layout.identity,
            target=layout.target,
            coding=self.coding,
        )

    def _counted(self, found: Preview) -> Iterator[Record]:
        target = self.pipeline.layout.target
        for row in self.rows():
            if isinstance(row, BadLine):
                found.n_bad += 1
                found.bad += [row] if len(found.bad) < SHOWN_BAD else []
                continue
            found.n_good += 1
            found.n_phishing += row.record.get(target.source) == target.positive
            found.good += [row] if len(found.good) < SHOWN_GOOD else []
            yield row.record


def column_of(bad: BadLine) -> str:
    """Return the column whose cell is wrong; empty where it is the whole line."""
    column = bad.reason.partition(":")[0]
    return column if column in bad.cells else ""
