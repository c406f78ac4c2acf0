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

from include.ingest.records import Record, Row, read_records
from include.pipelines.sites.records import FIELDS, LAYOUT, TARGET
from include.pipelines.sites.simulate import TABLES_PATH, draw, read_tables, simulate

_NAMES = [field.name for field in FIELDS]


def main() -> None:
    """Print how near simulated records come to the real ones; `--write` fits the tables first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path, help="the real UCI file, CSV or ARFF")
    parser.add_argument("--write", action="store_true", help="fit and replace simulate.json")
    options = parser.parse_args()

    real = _frame(row.record for row in read_records(options.path, LAYOUT) if isinstance(row, Row))
    if options.write:
        TABLES_PATH.write_text(_spelled(fit(real)), "utf-8")
    made_up = _frame(simulate(len(real), seed=0))
    print(json.dumps(compare(real, made_up)))


def fit(real: pd.DataFrame) -> dict[str, Any]:
    """Return the content of `simulate.json` for these records."""
    content = {
        "source": "UCI 327 Phishing Websites, https://doi.org/10.24432/C51W2X, CC BY 4.0",
        "phishing_share": round(float((real[TARGET.source] == TARGET.positive).mean()), 4),
        "repeat_share": 0.0,
        "columns": [_column(real, name, parent) for name, parent in _tree(real)],
    }
    wanted, low, high = real.duplicated().mean(), 0.0, 1.0
    for _ in range(10):
        content["repeat_share"] = middle = round((low + high) / 2, 4)
        tables = read_tables(json.dumps(content))
        reached = _frame(draw(tables, len(real), seed=0)).duplicated().mean()
        low, high = (middle, high) if reached < wanted else (low, middle)
    return content


def compare(real: pd.DataFrame, made_up: pd.DataFrame) -> dict[str, float]:
    """Print the strongest dependencies of both and return the figures that sum them up."""
    columns = [*_NAMES, TARGET.source]
    pairs = {
        pair: _information(real[pair[0]], real[pair[1]])
        for pair in itertools.combinations(columns, 2)
    }
    strongest = sorted(pairs, key=lambda pair: -pairs[pair])[:20]
    again = {pair: _information(made_up[pair[0]], made_up[pair[1]]) for pair in strongest}
    print(f"{'mutual information, nats':<56}{'real':>8}{'made up':>9}")
    for pair in strongest:
        print(f"{' - '.join(pair):<56}{pairs[pair]:>8.3f}{again[pair]:>9.3f}")
    marginals = [
        abs((real[name] == value).mean() - (made_up[name] == value).mean())
        for name in columns
        for value in real[name].unique()
    ]
    return {
        "rows": len(real),
        "phishing_share": round(float((made_up[TARGET.source] == TARGET.positive).mean()), 4),
        "duplicate_share": round(float(made_up.duplicated().mean()), 4),
        "worst_marginal_difference": round(max(marginals), 4),
        "worst_information_difference": round(max(abs(pairs[p] - again[p]) for p in strongest), 4),
    }


def _frame(records: Iterable[Record]) -> pd.DataFrame:
    return pd.DataFrame.from_records(records, columns=[*_NAMES, TARGET.source])


def _tree(real: pd.DataFrame) -> list[tuple[str, str | None]]:
    """Return (column, parent) pairs of the maximum spanning tree, parents first (Prim)."""
    weights: dict[tuple[str, str], float] = {}
    for one, other in itertools.combinations(_NAMES, 2):
        weights[one, other] = weights[other, one] = sum(
            len(group) / len(real) * _information(group[one], group[other])
            for _, group in real.groupby(TARGET.source)
        )
    root = max(_NAMES, key=lambda name: sum(w for (one, _), w in weights.items() if one == name))
    tree: list[tuple[str, str | None]] = [(root, None)]
    while len(tree) < len(_NAMES):
        done = [name for name, _ in tree]
        parent, child = max(
            ((one, other) for one in done for other in _NAMES if other not in done),
            key=lambda pair: weights[pair],
        )
        tree.append((child, parent))
    return tree


def _information(one: pd.Series, other: pd.Series) -> float:
    """Return the mutual information of two columns in nats."""
    joint: npt.NDArray[np.float64] = pd.crosstab(one, other).to_numpy() / len(one)
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float((joint[seen] * np.log(joint[seen] / apart[seen])).sum())


def _column(real: pd.DataFrame, name: str, parent: str | None) -> dict[str, Any]:
    """Return one column's probabilities for each label and value of its parent that occur."""
    values = sorted(int(value) for value in real[name].unique())
    keys = [TARGET.source] if parent is None else [TARGET.source, parent]
    table = [
        {
            "label": int(key[0]),
            "parent": None if parent is None else int(key[1]),
            "probabilities": [round(float((group[name] == v).mean()), 4) for v in values],
        }
        for key, group in real.groupby(keys)
    ]
    return {"name": name, "parent": parent, "values": values, "table": table}


def _spelled(content: dict[str, Any]) -> str:
    """Spell the tables with one line per column, so that a change can be read."""
    head = json.dumps({key: content[key] for key in content if key != "columns"}, indent=1)
    columns = ",\n  ".join(json.dumps(column) for column in content["columns"])
    return head.removesuffix("\n}") + f',\n "columns": [\n  {columns}\n ]\n}}\n'


if __name__ == "__main__":
    main()
