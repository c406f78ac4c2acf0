"""From accepted rows to one judged model: search, choice, calibration, threshold, evaluation."""

import logging
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from include.evaluation.metrics import ceiling, evaluate
from include.evaluation.shuffled_labels import shuffled_figures
from include.run import gate_inputs
from include.run.champion import Champion
from include.run.rows import Rows, read_rows, read_side
from include.run.run_context import RunContext, TrainingOptions
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


def family_names(run: RunContext, order: TrainingOptions) -> list[str]:
    """Return the names of the candidates, one mapped task each."""
    return list(_families(run, order))


def search(run: RunContext, family_name: str, order: TrainingOptions) -> dict[str, Any]:
    """Return one family's best by cross-validation; its estimator is kept under the run.

    Times are kept apart: a search that runs again gives the same summary.
    """
    train = read_side(run, "train")
    candidate = search_family(
        _families(run, order)[family_name],
        train.X,
        train.y,
        train.groups,
        seed=order.seed,
        n_folds=run.pipeline.folds[order.effort],
        fpr_budget=order.fpr_budget,
    )
    summary = {
        "family": candidate.family,
        "params": candidate.params,
        "scores": {metric: list(folds) for metric, folds in candidate.scores.items()},
    }
    seconds = {"search": candidate.search_seconds, "fit": candidate.fit_seconds}
    sha256 = run.write_estimator(_estimator_name(family_name), candidate.estimator)
    run.write_json(f"candidates/{family_name}.json", summary)
    run.write_json(f"candidates/{family_name}.seconds.json", seconds)
    _log.info(
        "%s: average precision %.4f over %d folds of %d rows; search %.1f s, last fit %.1f s",
        family_name,
        candidate.mean("average_precision"),
        run.pipeline.folds[order.effort],
        len(train.y),
        candidate.search_seconds,
        candidate.fit_seconds,
    )
    return {**summary, "sha256": sha256}


def choose(
    run: RunContext, summaries: list[dict[str, Any]], order: TrainingOptions
) -> dict[str, Any]:
    """Return the family with the best cross-validation, calibrated, with its threshold.

    The sigmoid is fitted on the calibration side. The threshold is set there too, and on the
    training side's out-of-fold scores where the calibration side has too few legitimate rows for
    a budget. The test side is not looked at.
    """
    candidates = {entry["family"]: _as_candidate(entry) for entry in summaries}
    family = select(list(candidates.values())).family
    digest = next(entry["sha256"] for entry in summaries if entry["family"] == family)
    calibration = read_side(run, "calibration")
    fitted = run.read_estimator(_estimator_name(family), digest)
    estimator = calibrate(fitted, calibration.X, calibration.y)
    y, probability = calibration.y, estimator.predict_proba(calibration.X)[:, 1]
    if np.sum(y == 0) < ENOUGH_NEGATIVES:
        train = read_side(run, "train")
        unseen = out_of_fold_probability(estimator, train.X, train.y, train.groups, seed=order.seed)
        y, probability = np.append(y, train.y), np.append(probability, unseen)
    threshold = choose_threshold(y, probability, order.fpr_budget)
    simplest = _simplest(run, summaries, order)
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
    sha256 = run.write_estimator(_CHOSEN, estimator)
    run.write_json("chosen.json", chosen)
    best = candidates[family].mean("average_precision")
    _log.info(
        "%s of %d families is chosen: average precision %.4f by cross-validation; threshold %.4f "
        "flags %.2f%% of %d legitimate rows, the budget is %.2f%%",
        *(family, len(candidates), best, threshold.value),
        *(100 * threshold.fpr, threshold.n_negatives, 100 * order.fpr_budget),
    )
    return {**chosen, "sha256": sha256}


def evaluate_chosen(
    run: RunContext,
    chosen: dict[str, Any],
    champion: Champion | None,
    order: TrainingOptions,
) -> dict[str, Any]:
    """Return the group-disjoint test metrics: the only use of the test side."""
    rows, sides = read_rows(run)
    test = rows.where(sides == "test")
    estimator = read_chosen(run, chosen)
    probability = estimator.predict_proba(test.X)[:, 1]
    threshold, budget = chosen["threshold"], chosen["fpr_budget"]
    tested = gate_inputs.Tested(run, order, test, probability, threshold)
    evaluation = {
        "test": evaluate(test.y, probability, threshold, budget),
        "random_split": random_split_figures(
            _families(run, order)[chosen["family"]],
            chosen["params"],
            rows.X,
            rows.y,
            shares=run.pipeline.shares,
            seed=order.seed,
            fpr_budget=budget,
        ),
        "later_months": _later_months(run, chosen, rows, sides, order),
        "ceiling": ceiling(rows.duplicates, rows.y),
        "rows": {side: int(np.sum(sides == side)) for side in ("train", "calibration", "test")},
        "simpler": gate_inputs.simpler(tested, *_simpler_than(run, chosen)),
        "shuffled": shuffled_figures(rows.X, rows.y, rows.groups, sides, seed=order.seed),
        **gate_inputs.beside_champion(
            tested, champion, gate_inputs.read_slices(run, sides == "test")
        ),
    }
    run.write_json("evaluation.json", evaluation)
    for side in ("test", "random_split", "champion_on_same_rows"):
        _log_figures(side, evaluation[side])
    return evaluation


def _log_figures(side: str, found: dict[str, Any] | None) -> None:
    if found is not None:
        shown = [f"{name} {found[name]:.4f}" for name in _SHOWN if name in found]
        _log.info("%s: %d rows, %s", side, found["n_rows"], ", ".join(shown))


def read_chosen(run: RunContext, chosen: dict[str, Any]) -> Any:
    """Return the chosen, calibrated estimator of the run."""
    return run.read_estimator(_CHOSEN, chosen["sha256"])


def _later_months(
    run: RunContext,
    chosen: dict[str, Any],
    rows: Rows,
    sides: npt.NDArray[np.str_],
    order: TrainingOptions,
) -> dict[str, Any] | None:
    if run.pipeline.first_seen is None:
        return None
    return later_months_figures(
        _families(run, order)[chosen["family"]],
        chosen["params"],
        Dated(rows.X, rows.y, rows.groups, sides, rows.times),
        fpr_budget=order.fpr_budget,
    )


def _simplest(
    run: RunContext, summaries: list[dict[str, Any]], order: TrainingOptions
) -> dict[str, Any]:
    """Return the summary of the first family that was searched: families are simplest first."""
    searched = {entry["family"]: entry for entry in summaries}
    return next(searched[name] for name in _families(run, order) if name in searched)


def _simpler_than(run: RunContext, chosen: dict[str, Any]) -> tuple[str, Any]:
    """Return the simplest family searched and its estimator, None where it is the one chosen."""
    family, sha256 = chosen["simplest"]["family"], chosen["simplest"]["sha256"]
    if family == chosen["family"]:
        return family, None
    return family, run.read_estimator(_estimator_name(family), sha256)


def _families(run: RunContext, order: TrainingOptions) -> dict[str, Family]:
    families = run.pipeline.families(order.effort, order.seed, order.imputer)
    return {family.name: family for family in families}


def _estimator_name(family: str) -> str:
    return f"candidates/{family}.joblib"


def _as_candidate(entry: dict[str, Any]) -> Candidate:
    scores = {metric: tuple(folds) for metric, folds in entry["scores"].items()}
    return Candidate(entry["family"], entry["params"], scores, 0.0, 0.0, None)
