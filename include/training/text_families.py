"""The families of models of URLs, as scikit-learn pipelines over the rows of `featurise`."""

from collections.abc import Mapping

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from include.estimators.cross_fit import CrossFitScores
from include.estimators.logit_blend import LogitBlendClassifier
from include.features.urls import N_FIGURES, PEERS, SECTIONS
from include.training.families import Family, Stages
from include.training.grids import Effort

_N_TREES: Mapping[Effort, int] = {"quick": 150, "default": 500, "thorough": 900}
_N_SCORED = 3
"""Character n-grams and words; the other sections serve the standalone model only."""
_BAYES_SECTIONS = (0, 2)
"""Naive Bayes of the path is left out: it flags the paths of account pages."""
_WEIGHTS = (1.0, 1.0, 1.0, 1.0, 0.5)


def text_families(effort: Effort, seed: int) -> tuple[Family, ...]:
    """Return the families, simplest first; only the number of trees is searched.

    Parameters
    ----------
    effort : {"quick", "default", "thorough"}
        Number of trees: 150, 500, 900; half as many are tried too for the lexical features alone.
    seed : int
        Seeds the folds and every model that draws random numbers.
    """
    n_trees = _N_TREES[effort]
    tried = Stages("classifier__max_iter", (n_trees // 2, n_trees))
    return (
        Family("Linear", linear()),
        Family("LinearText", linear_text(seed)),
        Family("BoostedFigures", boosted_figures(seed), stages=tried),
        Family("Stack", stack(seed, n_trees)),
    )


def linear() -> Pipeline:
    """Return the unfitted logistic regression on lexical features: the baseline."""
    figures = ColumnTransformer([("figures", StandardScaler(), slice(0, N_FIGURES))])
    return Pipeline([("scaler", figures), ("classifier", LogisticRegression(max_iter=1000))])


def linear_text(seed: int) -> Pipeline:
    """Return the unfitted logistic regression on lexical features and linear token scores."""
    regression = LogisticRegression(max_iter=1000)
    return Pipeline(
        [("scores", _scores(seed, 2)), ("scaler", StandardScaler()), ("classifier", regression)]
    )


def boosted_figures(seed: int) -> Pipeline:
    """Return the unfitted boosted trees on the lexical features."""
    figures = ColumnTransformer([("figures", "passthrough", slice(0, N_FIGURES))])
    return Pipeline([("figures", figures), ("classifier", _boosting(seed, _N_TREES["default"]))])


def stack(seed: int, n_trees: int = _N_TREES["default"]) -> Pipeline:
    """Return the unfitted boosted trees on all features, blended with a linear model.

    The trees learn interactions and the record of similar domains; the linear model generalises
    better to unseen tokens.

    Parameters
    ----------
    seed : int
        Seeds the folds and both kinds of model.
    n_trees : int
    """
    logit_blend = LogitBlendClassifier(_boosting(seed, n_trees), weight=0.3)
    return Pipeline([("scores", _scores(seed, 4)), ("classifier", logit_blend)])


def _scores(seed: int, n_folds: int) -> CrossFitScores:
    return CrossFitScores(
        N_FIGURES,
        SECTIONS,
        _N_SCORED,
        _WEIGHTS,
        _BAYES_SECTIONS,
        n_folds=n_folds,
        seed=seed,
        categories=PEERS,
    )


def _boosting(seed: int, n_trees: int) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_iter=n_trees,
        learning_rate=0.06,
        min_samples_leaf=40,
        l2_regularization=1.0,
        max_features=0.3,
        early_stopping=False,
        random_state=seed,
    )
