"""The model of URLs: scores of their pieces and figures into boosted trees."""

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from include.estimators.cross_fit import CrossFitScores
from include.features.figures import N_FIGURES
from include.features.urls import SECTIONS


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
