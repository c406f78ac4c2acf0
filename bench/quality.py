"""Group-disjoint metrics of the whole procedure over five splits, beside a random split's."""

import json

import numpy as np

from bench._procedure import FPR_BUDGET, SEED, search, ship, split
from bench._sites import read_records
from include.training.families import tabular_families
from include.training.random_split import random_split_figures
from include.training.split import Shares

SALTS = ("0", "1", "2", "3", "4")
SHOWN = ("accuracy", "recall_at_fpr", "roc_auc", "recall", "fpr", "ece")


def main() -> None:
    """Print one line per split and the means; the last line is one JSON object."""
    records = read_records()
    families = {family.name: family for family in tabular_families("default", SEED)}
    group_disjoint, flattering = [], []
    print(f"{'split':22}" + "".join(f"{name:>15}" for name in SHOWN))
    for salt in SALTS:
        sides = split(records, salt)
        packaged = ship(search(sides.train, "default"), sides)
        chosen = packaged.candidate
        group_disjoint.append(packaged.evaluated_on(sides.test))
        flattering.append(
            random_split_figures(
                families[chosen.family],
                chosen.params,
                records.X,
                records.y,
                shares=Shares(),
                seed=int(salt),
                fpr_budget=FPR_BUDGET,
            )
        )
        print(_line(f"{salt} {chosen.family}", group_disjoint[-1]), flush=True)
        print(_line("  split at random", flattering[-1]), flush=True)
    means = {name: float(np.mean([figures[name] for figures in group_disjoint])) for name in SHOWN}
    claimed = {name: float(np.mean([figures[name] for figures in flattering])) for name in SHOWN}
    print(_line("mean", means))
    print(_line("  split at random", claimed))
    print(json.dumps({**means, "random_split": claimed}))


def _line(title: str, figures: dict[str, float]) -> str:
    return f"{title:22}" + "".join(f"{figures[name]:15.4f}" for name in SHOWN)


if __name__ == "__main__":
    main()
