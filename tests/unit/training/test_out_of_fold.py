import numpy as np
from sklearn.metrics import roc_auc_score

from include.training.calibrate import calibrate
from include.training.deduplicate import fit_distinct
from include.training.families import tabular_families
from include.training.out_of_fold import out_of_fold_probability
from include.training.split import group_keys

KNN = tabular_families("quick", 0)[2].estimator.set_params(classifier__n_neighbors=1)


def test_a_row_is_scored_without_its_duplicates():
    # Labels are noise: only a model that has seen a row's duplicate can know its label.
    random = np.random.default_rng(0)
    X = np.repeat(random.normal(size=(150, 3)), 2, axis=0).astype(np.float32)
    y = np.repeat(random.integers(0, 2, 150), 2).astype(np.int8)
    model = calibrate(fit_distinct(KNN, X, y), X, y)

    unseen = out_of_fold_probability(model, X, y, group_keys(X), seed=0)

    assert roc_auc_score(y, model.predict_proba(X)[:, 1]) == 1
    assert abs(roc_auc_score(y, unseen) - 0.5) < 0.15


def test_the_sigmoid_of_the_shipped_model_is_kept(rows):
    model = calibrate(fit_distinct(KNN, rows.X, rows.y), rows.X, rows.y)

    unseen = out_of_fold_probability(model, rows.X, rows.y, rows.groups, seed=0)

    assert unseen.shape == rows.y.shape
    assert unseen.min() >= model.sigmoid(np.zeros(1))[0]
    assert unseen.max() <= model.sigmoid(np.ones(1))[0]
