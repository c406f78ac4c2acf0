"""The models that the benches of URLs compare, trained on one file and with thresholds from it."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import logit
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline

from bench._urls import Urls, bare
from include.estimators.calibrated import SigmoidCalibratedClassifier
from include.features.urls import featurise
from include.pipelines.urls import PIPELINE
from include.training.added import AddedRows, fitted_on
from include.training.text_families import stack
from include.training.threshold import choose_thresholds
from include.urls.reference.facts import Reference

BLOCK_BUDGET = 0.001
N_FOLDS = 3
SEED = 0

Scores = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float32]


def features(urls: list[str], reference: Reference) -> Matrix:
    """Return the features of each URL, made in batches."""
    batches = (urls[start : start + 1000] for start in range(0, len(urls), 1000))
    return np.concatenate([featurise(batch, reference) for batch in batches])


def hard_examples(urls: Urls, reference: Reference) -> AddedRows:
    """Return the rows that the pipeline adds to these training rows."""
    assert PIPELINE.added_rows is not None
    made = PIPELINE.added_rows(
        *(urls.urls, urls.y.tolist(), urls.domains.tolist()), reference, lambda _: True, "bench"
    )
    return AddedRows(
        features([row.item for row in made], reference),
        np.array([row.label for row in made], np.int8),
        np.array([row.group for row in made], dtype=object),
    )


def thresholds(y: npt.NDArray[np.int8], probability: Scores) -> tuple[float, float]:
    """Return the thresholds of the verdicts "Phishing" and "Suspicious"."""
    chosen = choose_thresholds(y, probability, BLOCK_BUDGET).values
    return chosen.block, chosen.review


def train_ours(
    urls: Urls, X: Matrix, added: AddedRows | None, n_trees: int = 500
) -> tuple[SigmoidCalibratedClassifier, float, float]:
    """Return the model of all rows with its thresholds; sigmoid and thresholds from held-out folds.

    Parameters
    ----------
    urls : Urls
    X : ndarray of shape (n_urls, n_columns)
    added : AddedRows or None
    n_trees : int
    """
    unseen = np.empty(len(urls.y))
    folds = GroupKFold(N_FOLDS, shuffle=True, random_state=SEED)
    for train, held_out in folds.split(X, urls.y, urls.domains):
        rows = fitted_on(X[train], urls.y[train], added, urls.domains[held_out])
        fitted = clone(stack(SEED, n_trees)).fit(*rows)
        unseen[held_out] = fitted.predict_proba(X[held_out])[:, 1]
    whole = FrozenEstimator(clone(stack(SEED, n_trees)).fit(*fitted_on(X, urls.y, added)))
    calibrated = _calibrated(whole, unseen, urls.y)
    return calibrated, *thresholds(urls.y, calibrated.sigmoid(unseen))


def _calibrated(whole: Any, unseen: Scores, y: npt.NDArray[np.int8]) -> SigmoidCalibratedClassifier:
    """Return the model with the sigmoid of the scores of rows that it was not fitted on."""
    log_odds = logit(unseen.clip(1e-5, 1 - 1e-5)).reshape(-1, 1)
    sigmoid = LogisticRegression(C=np.inf).fit(log_odds, y)
    model = SigmoidCalibratedClassifier(whole)
    model.estimator_, model.classes_ = whole, np.array([0, 1])
    model.slope_, model.intercept_ = float(sigmoid.coef_[0, 0]), float(sigmoid.intercept_[0])
    return model


def train_baseline(urls: Urls) -> tuple[Pipeline, float, float]:
    """Return character n-grams with a logistic regression, and its thresholds."""
    texts = np.array(bare(urls.urls), dtype=object)
    plain = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(2, 5), min_df=5, sublinear_tf=True),
        LogisticRegression(C=10, solver="liblinear", tol=1e-2),
    )
    unseen = np.empty(len(urls.y))
    folds = GroupKFold(N_FOLDS, shuffle=True, random_state=SEED)
    for train, held_out in folds.split(texts, urls.y, urls.domains):
        plain.fit(texts[train], urls.y[train])
        unseen[held_out] = plain.predict_proba(texts[held_out])[:, 1]
    plain.fit(texts, urls.y)
    return plain, *thresholds(urls.y, unseen)
