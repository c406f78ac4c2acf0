"""Grid search of one family by cross-validation, and selection between families."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from include.errors import TrainingError
from include.evaluation.metrics import recall_at_fpr
from include.training.added import AddedRows, fitted_on
from include.training.bounded import ALL_ROWS, added_to, at_most, fit_bounded
from include.training.deduplicate import distinct_rows, weight_params
from include.training.families import Family, Stages
from include.training.grids import SIMPLEST_FIRST

SELECTION_METRIC = "average_precision"
METRICS = ("roc_auc", "average_precision", "log_loss", "accuracy", "recall_at_fpr")

Rows = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int8]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Candidate:
    """The best model of one family by cross-validation.

    Attributes
    ----------
    family : str
        Name of the family.
    params : dict of str to object
        The chosen grid point, boosting stages included.
    scores : dict of str to tuple of float
        Every metric, fold by fold, on held-out rows.
    search_seconds, fit_seconds : float
        Time of the whole search, and of the last fit on all training rows.
    estimator : sklearn.pipeline.Pipeline
        Fitted on all training rows.
    """

    family: str
    params: dict[str, object]
    scores: dict[str, tuple[float, ...]]
    search_seconds: float
    fit_seconds: float
    estimator: Pipeline

    def mean(self, metric: str) -> float:
        """Return the mean of `metric` over the folds."""
        return float(np.mean(self.scores[metric]))


def search_family(
    family: Family,
    X: Rows,
    y: Labels,
    groups: npt.NDArray[np.object_],
    *,
    seed: int,
    n_folds: int,
    fpr_budget: float = 0.01,
    added: AddedRows | None = None,
    max_rows: int = ALL_ROWS,
) -> Candidate:
    """Return the family's best grid point, fitted on all rows.

    Folds are stratified by class and disjoint by group. Exact duplicates are fitted once, with
    their count as the weight where the classifier takes weights, and scored as often as they occur.

    Parameters
    ----------
    family : Family
        What is searched.
    X : ndarray of shape (n_rows, n_inputs), float32
        Training side; NaN = missing.
    y : ndarray of shape (n_rows,), int8
        1 = phishing, 0 = legitimate.
    groups : ndarray of shape (n_rows,)
        Group key of each row; equal rows must share their group.
    seed : int
        Shuffles the folds.
    n_folds : int
        Number of folds.
    fpr_budget : float
        False-positive budget of the metric ``recall_at_fpr``.
    added : AddedRows, optional
        Fitted on in every fold that does not hold their groups out; never scored.
    max_rows : int
        How many rows may be held in memory: of more, folds are made of a sample, and the last fit
        is `fit_bounded`'s.

    Returns
    -------
    Candidate
    """
    with threadpool_limits(limits=1):  # OpenMP threads of tasks sharing the cores spin, not work
        started = perf_counter()
        kept = at_most(len(y), max_rows, seed)
        beside = added_to(added, max_rows / len(y), seed)
        folds = _Folds(groups[kept], beside, seed, n_folds)
        compared = fitted_on(X[kept], y[kept], beside)
        params, scores = _cross_validated(family, *compared, folds, fpr_budget)
        searched = perf_counter()
        estimator = clone(family.estimator).set_params(**params)
        estimator = fit_bounded(estimator, *fitted_on(X, y, added), max_rows, seed)
        fitted = perf_counter()
    return Candidate(family.name, params, scores, searched - started, fitted - searched, estimator)


def select(candidates: Sequence[Candidate]) -> Candidate:
    """Return the candidate with the highest mean `SELECTION_METRIC` over the folds.

    Only cross-validation decides; no calibration or test row is used. Means that agree to four
    digits are a tie, which the simpler family wins.

    Parameters
    ----------
    candidates : sequence of Candidate
        Searched on the same folds.

    Raises
    ------
    TrainingError
        If there is no candidate.
    """
    if not candidates:
        raise TrainingError("no candidate to select from")
    order = {name: rank for rank, name in enumerate(SIMPLEST_FIRST)}
    ranked = sorted(candidates, key=lambda each: order.get(each.family, len(order)))
    return max(ranked, key=lambda each: round(each.mean(SELECTION_METRIC), 4))


@dataclass(frozen=True)
class _Folds:
    """How real rows are folded; added rows stand behind them and are only fitted on."""

    groups: npt.NDArray[np.object_]
    added: AddedRows | None
    seed: int
    n_folds: int

    def split(self, y: Labels, representatives: Indices) -> Iterator[tuple[Indices, Indices]]:
        """Yield the rows that each fold fits and those that it holds out."""
        n_rows = len(self.groups)
        folds = StratifiedGroupKFold(self.n_folds, shuffle=True, random_state=self.seed)
        _, codes = np.unique(self.groups, return_inverse=True)
        for train, held_out in folds.split(y[:n_rows], y[:n_rows], codes):
            if self.added is not None:
                train = np.append(train, n_rows + self.added.outside(self.groups[held_out]))
            yield np.intersect1d(train, representatives), held_out


def _cross_validated(
    family: Family, X: Rows, y: Labels, folds: _Folds, fpr_budget: float
) -> tuple[dict[str, object], dict[str, tuple[float, ...]]]:
    representatives, weights = distinct_rows(X, y)
    search = GridSearchCV(
        family.estimator,
        _grid(family),
        scoring=_scorer(family.stages, fpr_budget),
        cv=list(folds.split(y, representatives)),
        refit=False,
        error_score="raise",
    ).fit(X, y, **weight_params(family.estimator, weights))
    return _best(search.cv_results_, family.stages, folds.n_folds)


def _grid(family: Family) -> dict[str, list[object]]:
    grid = {name: list(values) for name, values in family.grid.items()}
    if family.stages:
        grid[family.stages.parameter] = [max(family.stages.counts)]
    return grid


def _scorer(
    stages: Stages | None, fpr_budget: float
) -> Callable[[Pipeline, Rows, Labels], dict[str, float]]:
    """Score a fitted pipeline once per stage; a score's name is ``metric`` or ``metric@stage``."""

    def score(pipeline: Pipeline, X: Rows, y: Labels) -> dict[str, float]:
        if stages is None:
            return _scores(y, pipeline.predict_proba(X)[:, 1], fpr_budget, "")
        found: dict[str, float] = {}
        staged = pipeline[-1].staged_predict_proba(pipeline[:-1].transform(X))
        for stage, probability in enumerate(staged, start=1):
            if stage in stages.counts:
                found |= _scores(y, probability[:, 1], fpr_budget, f"@{stage}")
        return found

    return score


def _scores(
    y: Labels, probability: npt.NDArray[np.float64], fpr_budget: float, suffix: str
) -> dict[str, float]:
    scores = (
        roc_auc_score(y, probability),
        average_precision_score(y, probability),
        log_loss(y, probability),
        np.mean((probability >= 0.5) == y),
        recall_at_fpr(y, probability, fpr_budget),
    )
    return {metric + suffix: float(s) for metric, s in zip(METRICS, scores, strict=True)}


def _best(
    results: Mapping[str, npt.NDArray[np.float64]], stages: Stages | None, n_folds: int
) -> tuple[dict[str, object], dict[str, tuple[float, ...]]]:
    """Return the parameters and fold scores of the best grid point, read at its best stage."""
    suffixes = {f"@{count}": count for count in stages.counts} if stages else {"": 0}
    means = {
        suffix: results[f"mean_test_{SELECTION_METRIC}{suffix}"].round(4) for suffix in suffixes
    }
    suffix = max(means, key=lambda each: means[each].max())
    point = int(means[suffix].argmax())
    params = dict(results["params"][point])
    if stages:
        params[stages.parameter] = suffixes[suffix]
    scores = {
        metric: tuple(
            float(results[f"split{fold}_test_{metric}{suffix}"][point]) for fold in range(n_folds)
        )
        for metric in METRICS
    }
    return params, scores
