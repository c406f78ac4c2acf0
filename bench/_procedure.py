"""The whole procedure on arrays, as a training run does it in tasks."""

from dataclasses import dataclass

import numpy as np

from bench._sites import Records
from include.estimators.calibrated import SigmoidCalibratedClassifier
from include.evaluation.metrics import Figures, evaluate
from include.training.calibrate import calibrate
from include.training.families import tabular_families
from include.training.grids import FOLDS, Effort
from include.training.out_of_fold import out_of_fold_probability
from include.training.search import Candidate, search_family, select
from include.training.split import Shares, assign_sides
from include.training.threshold import ChosenThresholds, choose_thresholds

SEED = 0
FPR_BUDGET = 0.01


@dataclass(frozen=True)
class Sides:
    """The three sides of one split."""

    train: Records
    calibration: Records
    test: Records


@dataclass(frozen=True)
class Packaged:
    """The chosen candidate, calibrated, with its thresholds."""

    candidate: Candidate
    model: SigmoidCalibratedClassifier
    thresholds: ChosenThresholds

    def evaluated_on(self, rows: Records) -> Figures:
        """Return the figures of the model on `rows`."""
        probability = self.model.predict_proba(rows.X)[:, 1]
        return evaluate(rows.y, probability, self.thresholds.values, FPR_BUDGET)


def split(records: Records, salt: str) -> Sides:
    """Return the vector-disjoint sides of the default shares."""
    sides = assign_sides(records.groups, salt, Shares())
    return Sides(*(records.where(sides == side) for side in ("train", "calibration", "test")))


def search(train: Records, effort: Effort) -> list[Candidate]:
    """Return every family's candidate, searched one after the other in this process."""
    return [
        search_family(family, train.X, train.y, train.groups, seed=SEED, n_folds=FOLDS[effort])
        for family in tabular_families(effort, SEED)
    ]


def ship(candidates: list[Candidate], sides: Sides) -> Packaged:
    """Return what would be published of the candidates; the test side is not looked at."""
    chosen, train, calibration = select(candidates), sides.train, sides.calibration
    model = calibrate(chosen.estimator, calibration.X, calibration.y)
    unseen = out_of_fold_probability(model, train.X, train.y, train.groups, seed=SEED)
    thresholds = choose_thresholds(
        np.concatenate([calibration.y, train.y]),
        np.concatenate([model.predict_proba(calibration.X)[:, 1], unseen]),
        FPR_BUDGET,
    )
    return Packaged(chosen, model, thresholds)
