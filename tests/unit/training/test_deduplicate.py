import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from include.estimators.neighbors import TiedNeighborsClassifier
from include.training.deduplicate import distinct_rows, fit_distinct, weight_params

X = np.array([[1, 0], [1, 0], [np.nan, 1], [1, 0], [np.nan, 1]], dtype=np.float32)
Y = np.array([1, 1, 0, 0, 0], dtype=np.int8)


def test_equal_rows_stand_for_each_other_and_contradictory_ones_do_not():
    representatives, weights = distinct_rows(X, Y)

    assert representatives.tolist() == [0, 2, 3]
    assert weights.tolist() == [2, 2, 2, 1, 2]


def test_the_representatives_weights_add_up_to_all_rows(rows):
    representatives, weights = distinct_rows(rows.X, rows.y)

    assert len(representatives) < len(rows.y)
    assert weights[representatives].sum() == len(rows.y)


def test_a_fit_on_distinct_rows_is_the_fit_on_all_rows(rows):
    folded = fit_distinct(Pipeline([("classifier", LogisticRegression())]), rows.X, rows.y)
    plain = LogisticRegression().fit(rows.X, rows.y)

    np.testing.assert_allclose(folded.predict_proba(rows.X), plain.predict_proba(rows.X), atol=1e-4)


def test_a_classifier_without_weights_gets_none():
    pipeline = Pipeline([("classifier", TiedNeighborsClassifier())])

    assert weight_params(pipeline, np.ones(3)) == {}
