"""Makes up `sites` records where no real ones can be had; a stand-in to try NightCatch with.

The label is drawn first, then each column given the label and two columns drawn before it: a
k-dependence Bayesian classifier with k = 2 (M. Sahami, Learning Limited Dependence Bayesian
Classifiers, KDD 1996). Now and then an earlier record is drawn again instead, because 47 % of the
real rows are exact duplicates. So class share, every column's distribution within a class and the
strongest dependencies between columns are the real ones; finer ones are not, and a model of these
records is about one point of accuracy worse than a model of the real ones.

`simulate.json` holds the probabilities, rounded to four places, made by `bench/fit_simulator.py`
from: R. Mohammad, L. McCluskey (2012), Phishing Websites, UCI Machine Learning Repository,
https://doi.org/10.24432/C51W2X, licensed under CC BY 4.0; aggregated, no record is included.
"""

import json
import random
from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from include.ingest.files.layout import Record
from include.pipelines.sites.records import FIELDS, TARGET

TABLES_PATH = Path(__file__).with_name("simulate.json")
_COLUMNS = (*(field.name for field in FIELDS), TARGET.source)
_POOL_ROWS = 4_096


@dataclass(frozen=True)
class Column:
    """One column's probabilities.

    Attributes
    ----------
    name : str
    parents : tuple of str
        The columns it depends on besides the label; drawn before it.
    values : tuple of int
    cumulative : dict of tuple of int to tuple of float
        Cumulative probabilities of `values`, for each label with its parents' values.
    """

    name: str
    parents: tuple[str, ...]
    values: tuple[int, ...]
    cumulative: dict[tuple[int, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Tables:
    """What the simulator draws from.

    Attributes
    ----------
    phishing_share, repeat_share : float
        How often a record is phishing, and how often an earlier record is drawn again.
    columns : tuple of Column
        Each after its parents.
    """

    phishing_share: float
    repeat_share: float
    columns: tuple[Column, ...]


def simulate(n_records: int, seed: int) -> Iterator[Record]:
    """Yield that many made-up records; the same seed gives the same ones.

    Parameters
    ----------
    n_records : int
    seed : int

    Yields
    ------
    dict of str to int
        The 30 columns and `Result`.
    """
    return draw(read_tables(TABLES_PATH.read_text("utf-8")), n_records, seed)


def read_tables(text: str) -> Tables:
    """Return the tables that `simulate.json` writes out."""
    content = json.loads(text)
    columns = tuple(
        Column(
            name=column["name"],
            parents=tuple(column["parents"]),
            values=tuple(column["values"]),
            cumulative={
                tuple(int(value) for value in given.split(",")): tuple(accumulate(shares))
                for given, shares in column["given"].items()
            },
        )
        for column in content["columns"]
    )
    return Tables(content["phishing_share"], content["repeat_share"], columns)


def draw(tables: Tables, n_records: int, seed: int) -> Iterator[Record]:
    """Yield records drawn from the tables, with a bounded memory of earlier ones to repeat."""
    rng = random.Random(seed)
    pool: list[Record] = []
    for _ in range(n_records):
        if pool and rng.random() < tables.repeat_share:
            record = pool[int(rng.random() * len(pool))]
        else:
            record = _draw_one(tables, rng)
            if len(pool) < _POOL_ROWS:
                pool.append(record)
            else:
                pool[int(rng.random() * _POOL_ROWS)] = record
        yield dict(record)


def _draw_one(tables: Tables, rng: random.Random) -> Record:
    """Draw a new record: the label, then each column after its parents."""
    phishing = rng.random() < tables.phishing_share
    label = TARGET.positive if phishing else TARGET.negative
    drawn: dict[str, int] = {}
    for column in tables.columns:
        given = (label, *(drawn[parent] for parent in column.parents))
        cumulative = column.cumulative[given]
        index = bisect(cumulative, rng.random() * cumulative[-1])
        drawn[column.name] = column.values[index]
    drawn[TARGET.source] = label
    return {name: drawn[name] for name in _COLUMNS}
