"""From accepted rows to one judged model: search, choice, calibration, threshold, evaluation."""

import logging
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from include.evaluation.metrics import ceiling, evaluate
from include.evaluation.shuffled import shuffled_figures
from include.nightly import evidence
from include.nightly.champion import Champion
from include.nightly.night import Night, Order
from include.nightly.rows import Rows, read_rows, read_side
from include.training.calibrate import calibrate
from include.training.families import Family
from include.training.later_months import Dated, later_months_figures
from include.training.out_of_fold import out_of_fold_probability
from include.training.random_split import random_split_figures
from include.training.search import Candidate, search_family, select
from include.training.threshold import ENOUGH_NEGATIVES, choose_threshold

_log = logging.getLogger(__name__)
_CHOSEN = "chosen.joblib"
_SHOWN = ("accuracy", "roc_auc", "recall_at_fpr", "recall", "fpr", "ece")


def family_names(night: Night, order: Order) -> list[str]:
    """Return the names of the candidates, one mapped task each."""
    return list(_families(night, order))


def search(night: Night, family_name: str, order: Order) -> dict[str, Any]:
    """Return one family's best by cross-validation; its estimator is kept under the run.

    Times are kept apart: a search that runs again gives the same summary.
    """
    train = read_side(night, "train")
    candidate = search_family(
        _families(night, order)[family_name],
        train.X,
        train.y,
        train.groups,
        seed=order.seed,
        n_folds=night.pipeline.folds[order.effort],
        fpr_budget=order.fpr_budget,
    )
    summary = {
        "family": candidate.family,
        "params": candidate.params,
        "scores": {metric: list(folds) for metric, folds in candidate.scores.items()},
    }
    seconds = {"search": candidate.search_seconds, "fit": candidate.fit_seconds}
    sha256 = night.write_estimator(_estimator_name(family_name), candidate.estimator)
    night.write_json(f"candidates/{family_name}.json", summary)
    night.write_json(f"candidates/{family_name}.seconds.json", seconds)
    _log.info(
        "%s: average precision %.4f over %d folds of %d rows; search %.1f s, last fit %.1f s",
        family_name,
        candidate.mean("average_precision"),
        night.pipeline.folds[order.effort],
        len(train.y),
        candidate.search_seconds,
        candidate.fit_seconds,
    )
    return {**summary, "sha256": sha256}


def choose(night: Night, summaries: list[dict[str, Any]], order: Order) -> dict[str, Any]:
    """Return the family with the best cross-validation, calibrated, with its threshold.

    The sigmoid is fitted on the calibration side. The threshold is set there too, and on the
    training side's out-of-fold scores where the calibration side has too few legitimate rows for
    a budget. The test side is not looked at.
    """
    candidates = {entry["family"]: _as_candidate(entry) for entry in summaries}
    family = select(list(candidates.values())).family
    digest = next(entry["sha256"] for entry in summaries if entry["family"] == family)
    calibration = read_side(night, "calibration")
    fitted = night.read_estimator(_estimator_name(family), digest)
    estimator = calibrate(fitted, calibration.X, calibration.y)
    y, probability = calibration.y, estimator.predict_proba(calibration.X)[:, 1]
    if np.sum(y == 0) < ENOUGH_NEGATIVES:
        train = read_side(night, "train")
        unseen = out_of_fold_probability(estimator, train.X, train.y, train.groups, seed=order.seed)
        y, probability = np.append(y, train.y), np.append(probability, unseen)
    threshold = choose_threshold(y, probability, order.fpr_budget)
    simplest = _simplest(night, summaries, order)
    chosen = {
        "family": family,
        "simplest": {"family": simplest["family"], "sha256": simplest["sha256"]},
        "params": candidates[family].params,
        "candidates": sorted(candidates),
        "threshold": threshold.value,
        "fpr_budget": order.fpr_budget,
        "calibration": {**vars(threshold), "n_rows": len(calibration.y)},
        "order": asdict(order),
    }
    sha256 = night.write_estimator(_CHOSEN, estimator)
    night.write_json("chosen.json", chosen)
    best = candidates[family].mean("average_precision")
    _log.info(
        "%s of %d families is chosen: average precision %.4f by cross-validation; threshold %.4f "
        "flags %.2f%% of %d legitimate rows, the budget is %.2f%%",
        *(family, len(candidates), best, threshold.value),
        *(100 * threshold.fpr, threshold.n_negatives, 100 * order.fpr_budget),
    )
    return {**chosen, "sha256": sha256}


def evaluate_chosen(
    night: Night, chosen: dict[str, Any], champion: Champion | None, order: Order
) -> dict[str, Any]:
    """Return the honest figures: the one look at the test side, beside the random-split figure."""
    rows, sides = read_rows(night)
    test = rows.where(sides == "test")
    estimator = read_chosen(night, chosen)
    probability = estimator.predict_proba(test.X)[:, 1]
    threshold, budget = chosen["threshold"], chosen["fpr_budget"]
    tested = evidence.Tested(night, order, test, probability, threshold)
    evaluation = {
        "test": evaluate(test.y, probability, threshold, budget),
        "random_split": random_split_figures(
            _families(night, order)[chosen["family"]],
            chosen["params"],
            rows.X,
            rows.y,
            shares=night.pipeline.shares,
            seed=order.seed,
            fpr_budget=budget,
        ),
        "later_months": _later_months(night, chosen, rows, sides, order),
        "ceiling": ceiling(rows.twins, rows.y),
        "rows": {side: int(np.sum(sides == side)) for side in ("train", "calibration", "test")},
        "simpler": evidence.simpler(tested, *_simpler_than(night, chosen)),
        "shuffled": shuffled_figures(rows.X, rows.y, rows.groups, sides, seed=order.seed),
        **evidence.beside_champion(tested, champion, evidence.read_slices(night, sides == "test")),
    }
    night.write_json("evaluation.json", evaluation)
    for side in ("test", "random_split", "champion_on_same_rows"):
        _log_figures(side, evaluation[side])
    return evaluation


def _log_figures(side: str, found: dict[str, Any] | None) -> None:
    if found is not None:
        shown = [f"{name} {found[name]:.4f}" for name in _SHOWN if name in found]
        _log.info("%s: %d rows, %s", side, found["n_rows"], ", ".join(shown))


def read_chosen(night: Night, chosen: dict[str, Any]) -> Any:
    """Return the chosen, calibrated estimator of the run."""
    return night.read_estimator(_CHOSEN, chosen["sha256"])


def _later_months(
    night: Night, chosen: dict[str, Any], rows: Rows, sides: npt.NDArray[np.str_], order: Order
) -> dict[str, Any] | None:
    if night.pipeline.first_seen is None:
        return None
    return later_months_figures(
        _families(night, order)[chosen["family"]],
        chosen["params"],
        Dated(rows.X, rows.y, rows.groups, sides, rows.times),
        fpr_budget=order.fpr_budget,
    )


def _simplest(night: Night, summaries: list[dict[str, Any]], order: Order) -> dict[str, Any]:
    """Return the summary of the first family that was searched: families are simplest first."""
    searched = {entry["family"]: entry for entry in summaries}
    return next(searched[name] for name in _families(night, order) if name in searched)


def _simpler_than(night: Night, chosen: dict[str, Any]) -> tuple[str, Any]:
    """Return the simplest family searched and its estimator, None where it is the one chosen."""
    family, sha256 = chosen["simplest"]["family"], chosen["simplest"]["sha256"]
    if family == chosen["family"]:
        return family, None
    return family, night.read_estimator(_estimator_name(family), sha256)


def _families(night: Night, order: Order) -> dict[str, Family]:
    families = night.pipeline.families(order.effort, order.seed, order.imputer)
    return {family.name: family for family in families}


def _estimator_name(family: str) -> str:
    return f"candidates/{family}.joblib"


def _as_candidate(entry: dict[str, Any]) -> Candidate:
    scores = {metric: tuple(folds) for metric, folds in entry["scores"].items()}
    return Candidate(entry["family"], entry["params"], scores, 0.0, 0.0, None)
