"""Fits `include/pipelines/sites/simulate.json` and shows how near the simulator comes.

`./nightcatch bench fit_simulator PATH [--write]`: PATH is the real file. Without `--write` the
tables shipped are only compared with it.
"""

import argparse
import itertools
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.ingest.files.layout import Record
from include.ingest.files.reader import Row, read_records
from include.pipelines.sites.records import FIELDS, LAYOUT, TARGET
from include.pipelines.sites.simulate import TABLES_PATH, draw, read_tables, simulate

_NAMES = [field.name for field in FIELDS]
_MOST_PARENTS = 2


def main() -> None:
    """Print how near simulated records come to the real ones; `--write` fits the tables first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="the real UCI file, CSV or ARFF")
    parser.add_argument("--write", action="store_true", help="fit and replace simulate.json")
    options = parser.parse_args()

    real = _frame(row.record for row in read_records(options.path, LAYOUT) if isinstance(row, Row))
    if options.write:
        TABLES_PATH.write_text(_spelled(fit(real)), "utf-8")
    synthetic = _frame(simulate(len(real), seed=0))
    print(json.dumps(compare(real, synthetic)))


def fit(real: pd.DataFrame) -> dict[str, Any]:
    """Return the content of `simulate.json` for these records."""
    content = {
        "source": "UCI 327 Phishing Websites, https://doi.org/10.24432/C51W2X, CC BY 4.0",
        "phishing_share": round(float((real[TARGET.source] == TARGET.positive).mean()), 4),
        "repeat_share": 0.0,
        "columns": [_column(real, name, parents) for name, parents in _parents(real).items()],
    }
    wanted, low, high = real.duplicated().mean(), 0.0, 1.0
    for _ in range(10):
        content["repeat_share"] = middle = round((low + high) / 2, 4)
        tables = read_tables(json.dumps(content))
        reached = _frame(draw(tables, len(real), seed=0)).duplicated().mean()
        low, high = (middle, high) if reached < wanted else (low, middle)
    return content


def compare(real: pd.DataFrame, synthetic: pd.DataFrame) -> dict[str, float]:
    """Print the strongest dependencies of both and return the figures that sum them up."""
    columns = [*_NAMES, TARGET.source]
    pairs = {
        pair: _information(real[pair[0]], real[pair[1]])
        for pair in itertools.combinations(columns, 2)
    }
    strongest = sorted(pairs, key=lambda pair: -pairs[pair])[:20]
    again = {pair: _information(synthetic[pair[0]], synthetic[pair[1]]) for pair in strongest}
    print(f"{'mutual information, nats':<56}{'real':>8}{'synthetic':>9}")
    for pair in strongest:
        print(f"{' - '.join(pair):<56}{pairs[pair]:>8.3f}{again[pair]:>9.3f}")
    marginals = [
        abs((real[name] == value).mean() - (synthetic[name] == value).mean())
        for name in columns
        for value in real[name].unique()
    ]
    return {
        "rows": len(real),
        "phishing_share": round(float((synthetic[TARGET.source] == TARGET.positive).mean()), 4),
        "duplicate_share": round(float(synthetic.duplicated().mean()), 4),
        "worst_marginal_difference": round(max(marginals), 4),
        "worst_information_difference": round(max(abs(pairs[p] - again[p]) for p in strongest), 4),
    }


def _frame(records: Iterable[Record]) -> pd.DataFrame:
    return pd.DataFrame.from_records(records, columns=[*_NAMES, TARGET.source])


def _parents(real: pd.DataFrame) -> dict[str, list[str]]:
    """Return what each column depends on, in the order of what it says about the label."""
    order = sorted(_NAMES, key=lambda name: -_information(real[name], real[TARGET.source]))
    parents: dict[str, list[str]] = {}
    for name in order:
        chosen: list[str] = []
        for _ in range(min(_MOST_PARENTS, len(parents))):
            rest = [other for other in parents if other not in chosen]
            groups = [group for _, group in real.groupby([TARGET.source, *chosen])]
            chosen.append(max(rest, key=lambda other: _within(groups, name, other)))
        parents[name] = chosen
    return parents


def _within(groups: list[pd.DataFrame], one: str, other: str) -> float:
    """Return the mutual information of two columns within groups, weighted by their sizes."""
    return sum(len(group) * _information(group[one], group[other]) for group in groups)


def _information(one: pd.Series, other: pd.Series) -> float:
    """Return the mutual information of two columns in nats."""
    joint: npt.NDArray[np.float64] = pd.crosstab(one, other).to_numpy() / len(one)
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / apart[seen])).sum())


def _column(real: pd.DataFrame, name: str, parents: list[str]) -> dict[str, Any]:
    """Return one column's probabilities for every label and values of its parents."""
    values = sorted(int(value) for value in real[name].unique())
    choices = [sorted(real[column].unique()) for column in (TARGET.source, *parents)]
    given = {
        ",".join(str(value) for value in case): [
            round(float(share), 4) for share in _shares(real, name, values, parents, case)
        ]
        for case in itertools.product(*choices)
    }
    return {"name": name, "parents": parents, "values": values, "given": given}


def _shares(
    real: pd.DataFrame, name: str, values: list[int], parents: list[str], case: tuple[int, ...]
) -> list[float]:
    """Return the shares of a column's values in a case; one never seen counts as its wider one."""
    columns = [TARGET.source, *parents][: len(case)]
    seen = real.loc[real[columns].eq(list(case)).all(axis=1), name]
    if seen.empty:
        return _shares(real, name, values, parents, case[:-1])
    return [float((seen == value).mean()) for value in values]


def _spelled(content: dict[str, Any]) -> str:
    """Spell the tables with one line per column, so that a change can be read."""
    head = json.dumps({key: content[key] for key in content if key != "columns"}, indent=1)
    columns = ",\n  ".join(json.dumps(column) for column in content["columns"])
    return head.removesuffix("\n}") + f',\n "columns": [\n  {columns}\n ]\n}}\n'


if __name__ == "__main__":
    main()
