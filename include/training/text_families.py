"""The models of URLs: scores of their pieces and figures into boosted trees, and a plain one."""

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from include.estimators.cross_fit import CrossFitScores
from include.features.figures import N_FIGURES
from include.features.urls import SECTIONS


def linear() -> Pipeline:
    """Return the unfitted pipeline that sees only the figures: what the stack must be better than.

    It takes the same rows as `stack`.
    """
    figures = ColumnTransformer([("figures", StandardScaler(), slice(0, N_FIGURES))])
    return Pipeline([("scaler", figures), ("classifier", LogisticRegression(max_iter=1000))])


def stack(seed: int) -> Pipeline:
    """Return the unfitted pipeline that takes rows of `include.features.urls.featurise`.

    Parameters
    ----------
    seed : int
        Seeds the folds and both kinds of model.
    """
    boosting = HistGradientBoostingClassifier(
        max_iter=500,
        learning_rate=0.06,
        min_samples_leaf=40,
        l2_regularization=1.0,
        max_features=0.3,
        early_stopping=False,
        random_state=seed,
    )
    scores = CrossFitScores(N_FIGURES, SECTIONS, seed=seed)
    return Pipeline([("scores", scores), ("classifier", boosting)])
