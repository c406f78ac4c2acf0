"""What shuffled inputs cost, and which way inputs move answers."""

import json

import numpy as np
import pytest
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

from include.estimators.logit_blend import LogitBlendClassifier
from include.estimators.neighbors import TiedNeighborsClassifier
from include.evaluation.importance import permutation_importance
from include.evaluation.shap_summary import contributions

RNG = np.random.default_rng(0)
X = RNG.integers(-1, 2, (400, 4)).astype(np.float32)
Y = ((-2 * X[:, 0] + X[:, 1] + RNG.normal(0, 0.5, 400)) > 0).astype(np.int8)
NAMES = ("down", "up", "nothing", "less")
COLUMNS = {name: [column] for column, name in enumerate(NAMES)}


def fitted(classifier):
    return Pipeline([("imputer", SimpleImputer()), ("classifier", classifier)]).fit(X, Y)


def score(rows):
    return 1 / (1 + np.exp(2 * rows[:, 0] - rows[:, 1]))


def test_inputs_are_ranked_by_what_is_lost_without_them():
    found = permutation_importance(score, X, Y, COLUMNS, seed=0)
    drops = {each["name"]: each["drop"] for each in found["inputs"]}

    assert [each["name"] for each in found["inputs"]][:2] == ["down", "up"]
    assert drops["down"] > drops["up"] > 0.02
    assert drops["nothing"] == drops["less"] == 0


def test_columns_of_one_name_are_shuffled_together():
    pair = {"pair": [0, 1], "others": [2, 3]}
    found = permutation_importance(score, X, Y, pair, seed=0)
    alone = permutation_importance(score, X, Y, COLUMNS, seed=0)

    assert found["inputs"][0]["name"] == "pair"
    assert found["inputs"][0]["drop"] > alone["inputs"][0]["drop"]


def test_no_more_rows_are_drawn_than_allowed_and_the_same_each_time():
    def again():
        return permutation_importance(score, X, Y, COLUMNS, seed=3, max_rows=100)

    assert again() == again()
    assert again()["n_rows"] == 100


@pytest.mark.parametrize(
    ("classifier", "unit"),
    [
        pytest.param(LogisticRegression(), "log-odds", id="linear"),
        pytest.param(DecisionTreeClassifier(max_depth=4), "probability", id="tree"),
        pytest.param(RandomForestClassifier(10), "probability", id="forest"),
        pytest.param(ExtraTreesClassifier(10), "probability", id="extra-trees"),
        pytest.param(GradientBoostingClassifier(n_estimators=10), "log-odds", id="boosting"),
        pytest.param(HistGradientBoostingClassifier(max_iter=10), "log-odds", id="hist-boosting"),
    ],
)
def test_contributions_name_the_inputs_that_matter_and_their_direction(classifier, unit):
    found = contributions(fitted(classifier.set_params(random_state=0)), X, NAMES, seed=0)
    first, second = found["inputs"][:2]

    assert found["unit"] == unit
    assert (first["name"], second["name"]) == ("down", "up")
    assert first["direction"] < -0.7 and second["direction"] > 0.7
    for each in found["inputs"]:
        assert sum(strip[1] for strip in each["strips"]) == found["n_rows"]
    assert json.loads(json.dumps(found)) == found


def test_contributions_of_a_linear_model_add_up_to_its_log_odds():
    pipeline = Pipeline([("scaler", StandardScaler()), ("classifier", LogisticRegression())])
    found = contributions(pipeline.fit(X, Y), X, NAMES, seed=0)
    coefficients = dict(zip(NAMES, np.abs(pipeline[-1].coef_[0]), strict=True))
    means = {each["name"]: each["mean"] for each in found["inputs"]}

    ratios = [means[name] / coefficients[name] for name in ("down", "up")]
    assert ratios[0] == pytest.approx(ratios[1], rel=0.15)


@pytest.mark.parametrize(
    "classifier",
    [
        pytest.param(TiedNeighborsClassifier(), id="neighbours"),
        pytest.param(AdaBoostClassifier(n_estimators=3), id="adaboost"),
    ],
)
def test_a_family_without_exact_values_says_so(classifier):
    found = contributions(fitted(classifier), X, NAMES, seed=0)

    assert list(found) == ["unavailable"]
    assert type(classifier).__name__ in found["unavailable"]


def test_a_large_forest_is_explained_on_fewer_rows():
    wide = RNG.normal(size=(1_500, 8)).astype(np.float32)
    y = (wide.sum(axis=1) + RNG.normal(0, 3, 1_500) > 0).astype(np.int8)
    names = [str(column) for column in range(8)]

    def n_rows(n_trees):
        forest = ExtraTreesClassifier(n_trees, random_state=0)
        pipeline = Pipeline([("imputer", SimpleImputer()), ("classifier", forest)])
        return contributions(pipeline.fit(wide, y), wide, names, seed=0)["n_rows"]

    assert n_rows(1) == 300
    assert n_rows(40) < 100


def test_a_steadied_classifier_is_explained_by_trees_and_by_its_last_column():
    plain = (-2 * X[:, :1] + X[:, 1:2]).astype(np.float32)
    given = np.concatenate([X, plain], axis=1)
    boosting = HistGradientBoostingClassifier(max_iter=10, random_state=0)
    pipeline = Pipeline(
        [("imputer", SimpleImputer()), ("classifier", LogitBlendClassifier(boosting, weight=2.0))]
    )
    found = contributions(pipeline.fit(given, Y), given, (*NAMES, "plain"), seed=0)
    means = {each["name"]: each["mean"] for each in found["inputs"]}

    assert found["unit"] == "log-odds"
    assert means["plain"] == pytest.approx(2 * np.abs(plain - plain.mean()).mean(), rel=0.1)
    assert means["down"] > means["nothing"]
