"""The eight model families that a training run compares, as scikit-learn pipelines."""

from dataclasses import dataclass, field

from sklearn.base import ClassifierMixin
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from include.estimators.imputer import TiedKNNImputer
from include.estimators.neighbors import TiedNeighborsClassifier
from include.training.grids import GRIDS, SCALED, STAGES, Effort, Grid, Imputer


@dataclass(frozen=True)
class Stages:
    """The parameter that sets the number of boosting stages, and the numbers to score.

    One fit of the largest count scores the smaller ones too, by ``staged_predict_proba``.
    """

    parameter: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Family:
    """One kind of model and its search space.

    Attributes
    ----------
    name : str
        Shown in reports and task names.
    estimator : sklearn.pipeline.Pipeline
        Unfitted: ``imputer``, ``scaler`` where it matters, ``classifier``.
    grid : mapping of str to tuple
        Values tried per parameter, without the stages.
    stages : Stages or None
        The boosting stages read from each fit; None for a family without them.
    """

    name: str
    estimator: Pipeline
    grid: Grid = field(default_factory=dict)
    stages: Stages | None = None


def tabular_families(effort: Effort, seed: int, imputer: Imputer = "simple") -> tuple[Family, ...]:
    """Return the eight families, simplest first, with the grid of the given effort.

    Parameters
    ----------
    effort : {"quick", "default", "thorough"}
        How much is searched: about a tenth of the default, the default, several times as much.
    seed : int
        Seeds every estimator that draws random numbers.
    imputer : {"simple", "knn"}
        Fills missing values: the column's most frequent value, or the nearest rows' mean.

    Returns
    -------
    tuple of Family
    """
    searched = GRIDS[effort]
    return tuple(
        Family(
            name,
            _pipeline(classifier, imputer, scaled=name in SCALED),
            {f"classifier__{key}": values for key, values in searched[name].items()},
            _stages(name, effort),
        )
        for name, classifier in _classifiers(seed).items()
    )


def _classifiers(seed: int) -> dict[str, ClassifierMixin]:
    return {
        "LogisticRegression": LogisticRegression(max_iter=1000),
        "DecisionTree": DecisionTreeClassifier(random_state=seed),
        "KNN": TiedNeighborsClassifier(),
        "AdaBoost": AdaBoostClassifier(DecisionTreeClassifier(), random_state=seed),
        "ExtraTrees": ExtraTreesClassifier(random_state=seed),
        "RandomForest": RandomForestClassifier(random_state=seed),
        "GradientBoosting": GradientBoostingClassifier(subsample=0.7, random_state=seed),
        "HistGradientBoosting": HistGradientBoostingClassifier(
            early_stopping=False, random_state=seed
        ),
    }


def _pipeline(classifier: ClassifierMixin, imputer: Imputer, *, scaled: bool) -> Pipeline:
    """Chain the steps; an all-missing column is kept, so that input positions are stable."""
    filler = (
        TiedKNNImputer()
        if imputer == "knn"
        else SimpleImputer(strategy="most_frequent", keep_empty_features=True)
    )
    scaler = [("scaler", StandardScaler())] if scaled else []
    return Pipeline([("imputer", filler), *scaler, ("classifier", classifier)])


def _stages(name: str, effort: Effort) -> Stages | None:
    counts = STAGES[effort].get(name)
    if counts is None:
        return None
    counted = "max_iter" if name == "HistGradientBoosting" else "n_estimators"
    return Stages(f"classifier__{counted}", counts)
