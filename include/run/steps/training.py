"""From accepted rows to one evaluated model: search, choice, calibration, threshold, evaluation."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from include.contract.run_documents import (
    CandidateResult,
    ChosenModel,
    Evaluation,
    SearchTime,
    SplitSummary,
)
from include.contract.verdicts import PHISHING, REVIEW_BUDGET, SUSPICIOUS, Budgets
from include.evaluation.metrics import ceiling, evaluate
from include.evaluation.shuffled_labels import shuffled_figures
from include.evaluation.verdict_figures import verdict_figures
from include.run.champion import Champion
from include.run.rows import Rows, read_added, read_rows, read_side, read_slices
from include.run.run_context import RunContext, TrainingOptions, recorded_step
from include.run.steps import gate_inputs
from include.training.calibrate import calibrate
from include.training.families import Family
from include.training.later_months import Dated, later_months_figures
from include.training.memory import TrainingMemory
from include.training.out_of_fold import out_of_fold_probability
from include.training.random_split import random_split_figures
from include.training.search import Candidate, search_family, select
from include.training.split import SIDES
from include.training.threshold import ENOUGH_NEGATIVES, choose_thresholds

_log = logging.getLogger(__name__)
_CHOSEN = "chosen.joblib"
_SHOWN = ("accuracy", "roc_auc", "recall_at_fpr", "recall", "fpr", "ece")


def family_names(run: RunContext, order: TrainingOptions) -> list[str]:
    """Return the names of the candidates, one mapped task each."""
    return list(_families(run, order))


def search(run: RunContext, family_name: str, order: TrainingOptions) -> CandidateResult:
    """Return one family's best by cross-validation; its estimator is kept under the run.

    Times are kept apart: a search that runs again gives the same result.
    """
    with run.step(f"search {family_name}"):
        max_rows = _max_rows(run, order, "train")
        train = read_side(run, "train", with_items=False)
        n_folds = run.pipeline.folds[order.effort]
        candidate = search_family(
            _families(run, order)[family_name],
            train.X,
            train.y,
            train.groups,
            seed=order.seed,
            n_folds=n_folds,
            fpr_budget=REVIEW_BUDGET,
            added=read_added(run),
            max_rows=max_rows,
        )
        result = CandidateResult(candidate.family, candidate.params, candidate.scores)
        times = SearchTime(candidate.search_seconds, candidate.fit_seconds)
        run.write_estimator(_estimator_file(family_name), candidate.estimator)
        run.write(result, CandidateResult.NAME.format(family=family_name))
        run.write(times, SearchTime.NAME.format(family=family_name))
    _log.info(
        "%s: average precision %.4f over %d folds of %d rows; search %.1f s, last fit %.1f s",
        *(family_name, candidate.mean("average_precision"), n_folds, len(train.y)),
        *(times.search, times.fit),
    )
    return result


@recorded_step("choose")
def choose(run: RunContext, order: TrainingOptions) -> ChosenModel:
    """Return the family with the best cross-validation, calibrated, with its thresholds.

    The sigmoid is fitted on the calibration side. The thresholds are set there too, and on the
    training side's out-of-fold scores where the calibration side has too few legitimate rows for
    a budget. The test side is not read.
    """
    searched = _searched(run, order)
    best = select(list(searched.values()))
    calibration = read_side(run, "calibration", with_items=False)
    fitted = run.read_estimator(_estimator_file(best.family))
    estimator = calibrate(fitted, calibration.X, calibration.y)
    found = choose_thresholds(
        *_threshold_scores(run, estimator, calibration, order), order.fpr_budget
    )
    chosen = ChosenModel(
        family=best.family,
        simplest=next(iter(searched)),
        params=best.params,
        candidates=tuple(sorted(searched)),
        thresholds=found.values,
        budgets=Budgets(order.fpr_budget),
        calibration={**found.document(), "n_rows": len(calibration.y)},
        order=asdict(order),
    )
    run.write_estimator(_CHOSEN, estimator)
    run.write(chosen)
    _log.info(
        "%s of %d families is chosen: average precision %.4f by cross-validation",
        *(best.family, len(searched), best.mean("average_precision")),
    )
    for verdict, threshold in ((PHISHING, found.block), (SUSPICIOUS, found.review)):
        _log.info(
            "%s from %.4f on: %.2f%% of %d legitimate rows; the budget is %.2f%% %s",
            *(verdict, threshold.value, 100 * threshold.fpr, threshold.n_negatives),
            *(100 * threshold.budget, threshold.shortage),
        )
    return chosen


def _threshold_scores(
    run: RunContext, estimator: Any, calibration: Rows, order: TrainingOptions
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]]:
    """Return labels and probabilities of rows that the estimator was not trained on."""
    y, probability = calibration.y, estimator.predict_proba(calibration.X)[:, 1]
    if np.sum(y == 0) < ENOUGH_NEGATIVES:
        train = read_side(run, "train", with_items=False)
        unseen = out_of_fold_probability(
            *(estimator, train.X, train.y, train.groups),
            seed=order.seed,
            added=read_added(run),
            max_rows=_memory(run, order).max_rows,
        )
        y, probability = np.append(y, train.y), np.append(probability, unseen)
    return y, probability


@recorded_step("evaluate")
def evaluate_chosen(
    run: RunContext, champion: Champion | None, order: TrainingOptions
) -> Evaluation:
    """Return the group-disjoint test metrics: the only use of the test side."""
    max_rows = _max_rows(run, order, *SIDES)
    rows, sides = read_rows(run)
    chosen, test = run.read(ChosenModel), rows.where(sides == "test")
    probability = read_chosen(run).predict_proba(test.X)[:, 1]
    tested = gate_inputs.Tested(run, order, test, probability, chosen.thresholds)
    evaluation = Evaluation(
        test=evaluate(test.y, probability, chosen.thresholds, REVIEW_BUDGET),
        random_split=random_split_figures(
            _families(run, order)[chosen.family],
            chosen.params,
            rows.X,
            rows.y,
            shares=run.pipeline.shares,
            seed=order.seed,
            fpr_budget=order.fpr_budget,
            added=read_added(run),
            max_rows=max_rows,
        ),
        later_months=_later_months(run, chosen, rows, sides, order),
        ceiling=ceiling(rows.duplicates, rows.y),
        rows=run.read(SplitSummary).rows,
        verdicts=verdict_figures(test.y, probability, chosen.thresholds),
        simpler=gate_inputs.simpler(tested, *_simpler_than(run, chosen)),
        shuffled=shuffled_figures(rows.X, rows.y, rows.groups, sides, seed=order.seed),
        **gate_inputs.probed(tested, read_chosen(run), champion),
        **gate_inputs.beside_champion(tested, champion, read_slices(run, sides == "test")),
    )
    run.write(evaluation)
    for side in ("test", "random_split", "champion_on_same_rows"):
        _log_figures(side, getattr(evaluation, side))
    return evaluation


def _log_figures(side: str, found: Mapping[str, Any] | None) -> None:
    if found is not None:
        shown = [f"{name} {found[name]:.4f}" for name in _SHOWN if name in found]
        _log.info("%s: %d rows, %s", side, found["n_rows"], ", ".join(shown))


def read_chosen(run: RunContext) -> Any:
    """Return the chosen, calibrated estimator of the run."""
    return run.read_estimator(_CHOSEN)


def _later_months(
    run: RunContext,
    chosen: ChosenModel,
    rows: Rows,
    sides: npt.NDArray[np.str_],
    order: TrainingOptions,
) -> dict[str, Any] | None:
    if run.pipeline.first_seen is None:
        return None
    return later_months_figures(
        _families(run, order)[chosen.family],
        chosen.params,
        Dated(rows.X, rows.y, rows.groups, sides, rows.times),
        fpr_budget=order.fpr_budget,
        added=read_added(run),
        max_rows=_memory(run, order).max_rows,
    )


def _max_rows(run: RunContext, order: TrainingOptions, *sides: str) -> int:
    """Return how many rows may be held in memory; refuse more than can be read at all."""
    memory, n_rows = _memory(run, order), run.read(SplitSummary).rows
    _log.info(memory.statement(sum(n_rows[side] for side in sides)))
    return memory.max_rows


def _memory(run: RunContext, order: TrainingOptions) -> TrainingMemory:
    limit_mb = order.memory_mb or 1000 * run.pipeline.memory_gb
    return TrainingMemory(limit_mb, run.pipeline.n_columns)


def _simpler_than(run: RunContext, chosen: ChosenModel) -> tuple[str, Any]:
    """Return the simplest family searched and its estimator, None where it is the one chosen."""
    if chosen.simplest == chosen.family:
        return chosen.simplest, None
    return chosen.simplest, run.read_estimator(_estimator_file(chosen.simplest))


def _families(run: RunContext, order: TrainingOptions) -> dict[str, Family]:
    families = run.pipeline.families(order.effort, order.seed, order.imputer)
    return {family.name: family for family in families}


def _searched(run: RunContext, order: TrainingOptions) -> dict[str, Candidate]:
    """Return the result of each search that this run recorded, simplest family first."""
    found = {}
    for family in _families(run, order):
        name = CandidateResult.NAME.format(family=family)
        if run.has(name):
            result = run.read(CandidateResult, name)
            scores = {metric: tuple(folds) for metric, folds in result.scores.items()}
            found[family] = Candidate(family, dict(result.params), scores, 0.0, 0.0, None)
    return found


def _estimator_file(family: str) -> str:
    return f"candidates/{family}.joblib"
