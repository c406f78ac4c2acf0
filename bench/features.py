"""What each group of a URL's features is worth: the model without it, on later months.

Trained on `urls_train.csv.gz` with `domain_ranks.csv.gz` as the reference data's popularity list;
`urls_dev.csv.gz` and `urls_everyday.csv.gz` only evaluate, and nothing is chosen. A group is left
out by giving its columns one value in training and in evaluation. FEATURES_TREES sets the number of
boosted trees (default 150).
"""

import json
import os
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from bench._everyday import LOGIN_SOURCE, EvaluationSet, read_evaluation_sets, read_reference
from bench._url_models import SEED, features, hard_examples
from bench._urls import read_urls
from include.evaluation.metrics import recall_at_fpr
from include.features.input_names import described
from include.features.urls import URL_FEATURES
from include.training.added import fitted_on
from include.training.text_families import stack
from include.training.threshold import choose_threshold

GROUPS: Mapping[str, Sequence[str]] = {
    "characters and shape of the address": (
        "lengths",
        "letters of the host",
        "letters of the path",
        "marks in the path",
        "oddities of the address",
        "levels of the figures",
    ),
    "brands and lures in the words": ("brands and lures",),
    "ranks, platforms, shorteners": ("ranks and hosts",),
    "owners of brands, look-alikes": ("owners of brands and look-alikes",),
    "the URL inside the URL": ("the URL inside the URL",),
    "pieces of the host": ("pieces of the host",),
    "pieces of the path": ("pieces of the path",),
    "words and traits": ("words", "traits"),
    "what other domains share with it": ("what other domains share with it",),
}
"""Groups of `include.features.input_names` that say the same kind of thing."""
_ADDED_ROWS = "the added hard examples"
_BUDGET = 0.001

Matrix = npt.NDArray[np.float32]


def main() -> None:
    """Print a table with a row per group; the last line is one JSON object."""
    train, evaluated = read_urls("urls_train"), read_evaluation_sets()
    _, reference, _ = read_reference()
    added = hard_examples(train, reference)
    X = features(train.urls, reference)
    shown = {name: features(evaluated[name].urls, reference) for name in ("dev", "everyday")}
    trees = int(os.environ.get("FEATURES_TREES", "150"))
    found = {}
    for name, columns in {"all features": (), **_columns(), _ADDED_ROWS: ()}.items():
        rows = (X, train.y) if name == _ADDED_ROWS else fitted_on(X, train.y, added)
        model = clone(stack(SEED, trees)).fit(without(rows[0], columns), rows[1])
        scores = {
            of: model.predict_proba(without(each, columns))[:, 1] for of, each in shown.items()
        }
        found[name] = figures(evaluated, scores)
        _show(name, found)
    print(json.dumps(found))


def without(X: Matrix, columns: Sequence[int]) -> Matrix:
    """Return the features with the named columns set to 0, which no token and no category has."""
    if not columns:
        return X
    X = X.copy()
    X[:, columns] = 0
    return X


def figures(
    evaluated: Mapping[str, EvaluationSet], scores: Mapping[str, npt.NDArray[np.float64]]
) -> dict[str, float]:
    """Return what a model finds on later months, and how many log-in pages that costs.

    Returns
    -------
    dict
        `login_flagged`: share of log-in pages above the threshold that lets through 0.1 % of the
        legitimate URLs of later months.
    """
    dev, everyday = evaluated["dev"], evaluated["everyday"]
    threshold = choose_threshold(dev.y, scores["dev"], _BUDGET).value
    is_login = everyday.sources == LOGIN_SOURCE
    return {
        "auc": float(roc_auc_score(dev.y, scores["dev"])),
        "auc_unseen": float(roc_auc_score(dev.y[dev.unseen], scores["dev"][dev.unseen])),
        "recall_1pct": recall_at_fpr(dev.y, scores["dev"], 0.01),
        "recall_01pct": recall_at_fpr(dev.y, scores["dev"], _BUDGET),
        "login_flagged": float((scores["everyday"][is_login] >= threshold).mean()),
    }


def _columns() -> dict[str, list[int]]:
    names = described(URL_FEATURES)
    assert names is not None
    assert {each for group in GROUPS.values() for each in group} == set(names.groups)
    return {
        name: [column for each in group for column in names.groups[each]]
        for name, group in GROUPS.items()
    }


def _show(name: str, found: Mapping[str, Mapping[str, float]]) -> None:
    if len(found) == 1:
        print(f"{'left out':38}" + "".join(f"{key:>15}" for key in found[name]))
    label = "nothing" if len(found) == 1 else name
    print(f"{label:38}" + "".join(f"{value:15.4f}" for value in found[name].values()), flush=True)


if __name__ == "__main__":
    main()
