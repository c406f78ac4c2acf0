"""The default search of all eight families against the seeds' own grids, on the same rows.

Both run one after the other in this process, on one core; time is that core's time, which other
programs on a busy machine do not change. Score: accuracy on test rows whose feature vectors are in
no training row, for the model each side chooses.
"""

import json
from collections.abc import Mapping
from time import process_time

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bench._procedure import FPR_BUDGET, SEED, search, ship, split
from bench._sites import Records, read_records
from include.contract.verdicts import Thresholds
from include.evaluation.metrics import Figures, evaluate

SALT = "0"
SHOWN = ("accuracy", "recall_at_fpr", "roc_auc", "log_loss")

Grid = Mapping[str, list[object]]
N_TREES: list[object] = [8, 16, 32, 64, 128, 256]
SEEDS_GRIDS: tuple[tuple[ClassifierMixin, Grid], ...] = (
    (RandomForestClassifier(random_state=SEED), {"n_estimators": N_TREES}),
    (DecisionTreeClassifier(random_state=SEED), {"criterion": ["gini", "entropy", "log_loss"]}),
    (
        GradientBoostingClassifier(random_state=SEED),
        {
            "learning_rate": [0.1, 0.01, 0.05, 0.001],
            "subsample": [0.6, 0.7, 0.75, 0.85, 0.9],
            "n_estimators": N_TREES,
        },
    ),
    (LogisticRegression(max_iter=1000), {}),
    (
        AdaBoostClassifier(random_state=SEED),
        {"learning_rate": [0.1, 0.01, 0.001], "n_estimators": N_TREES},
    ),
)


def main() -> None:
    """Print both sides' time and group-disjoint test metrics; the last line is one JSON object."""
    sides = split(read_records(), SALT)
    with threadpool_limits(limits=1):
        started = process_time()
        candidates = search(sides.train, "default")
        ours_s = process_time() - started
        packaged = ship(candidates, sides)
        ours = packaged.evaluated_on(sides.test)
        theirs_name, theirs_s, theirs = _seeds(sides.train, sides.test)
    print(_line(f"ours: {packaged.candidate.family}", ours_s, ours))
    print(_line(f"seeds: {theirs_name}", theirs_s, theirs))
    result = {
        "ratio": ours_s / theirs_s,
        "score": ours["accuracy"],
        "seeds_score": theirs["accuracy"],
        "ours_s": ours_s,
        "seeds_s": theirs_s,
        "recall_at_fpr": ours["recall_at_fpr"],
        "seeds_recall_at_fpr": theirs["recall_at_fpr"],
    }
    print(json.dumps(result))


def _seeds(train: Records, test: Records) -> tuple[str, float, Figures]:
    """Search the seeds' way: every row, plain folds, the best mean accuracy."""
    started = process_time()
    searches = []
    for estimator, grid in SEEDS_GRIDS:
        began = process_time()
        searches.append(GridSearchCV(estimator, dict(grid), cv=3).fit(train.X, train.y))
        print(f"  seeds' {type(estimator).__name__:26} {process_time() - began:7.1f} s", flush=True)
    elapsed = process_time() - started
    best = max(searches, key=lambda each: float(each.best_score_))
    probability = best.predict_proba(test.X)[:, 1].astype(np.float64)
    figures = evaluate(test.y, probability, Thresholds(0.5, 0.5), FPR_BUDGET)
    return type(best.best_estimator_).__name__, elapsed, figures


def _line(title: str, seconds: float, figures: Figures) -> str:
    shown = "".join(f"  {name} {figures[name]:.4f}" for name in SHOWN)
    return f"{title:34} {seconds:7.1f} s{shown}"


if __name__ == "__main__":
    main()
