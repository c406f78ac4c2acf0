"""Contributions add up, are the Shapley values, and come with the manifest's words."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from include.contract.schema import InputField
from include.inference.model import load_model
from include.training.calibrate import calibrate
from include.training.onnx.export import to_onnx
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT, app_of, following
from tests.support.signed_versions import Version, version_name

N_INPUTS = 5
INPUTS = (
    InputField("age", "int8", (-1, 1), "Age: -1 = below six months; 1 = six months or more"),
    *(InputField(f"c{number}", "int8", (-1, 0, 1)) for number in range(1, N_INPUTS)),
)
EXACT = {
    "GradientBoosting": GradientBoostingClassifier(n_estimators=12, max_depth=4, random_state=0),
    "HistGradientBoosting": HistGradientBoostingClassifier(max_iter=12, min_samples_leaf=3),
    "RandomForest": RandomForestClassifier(n_estimators=9, random_state=0),
    "DecisionTree": DecisionTreeClassifier(min_samples_leaf=4, random_state=0),
}
ESTIMATED = {
    "LogisticRegression": LogisticRegression(),
    "AdaBoost": AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=8),
}


@pytest.fixture(scope="module")
def rows():
    random = np.random.default_rng(1)
    X = random.integers(-1, 2, size=(300, N_INPUTS)).astype(np.float32)
    noise = random.normal(scale=0.5, size=300)
    return X, (X[:, 0] + X[:, 1] * X[:, 2] + noise > 0).astype(np.int8)


def trained(classifier, rows):
    """A calibrated pipeline as a training run makes it, loaded as the scorer loads it."""
    X, y = rows
    steps = [SimpleImputer(strategy="most_frequent")]
    if isinstance(classifier, LogisticRegression):
        steps.append(StandardScaler())
    fitted = calibrate(make_pipeline(*steps, classifier).fit(X[:200], y[:200]), X[200:], y[200:])
    manifest = Version(version_name(1), inputs=INPUTS).manifest()
    return fitted, load_model(to_onnx(fitted, N_INPUTS), manifest)


def log_odds(probability):
    return np.log(probability / (1 - probability))


def brute_force(value_of, row):
    """Shapley values by their definition: every coalition of inputs, the others missing."""
    n = len(row)
    found = np.zeros(n)
    for field in range(n):
        others = [other for other in range(n) if other != field]
        for size in range(n):
            for coalition in combinations(others, size):
                without = np.full(n, np.nan, dtype=np.float32)
                without[list(coalition)] = row[list(coalition)]
                joined = without.copy()
                joined[field] = row[field]
                weight = factorial(size) * factorial(n - size - 1) / factorial(n)
                found[field] += weight * (value_of(joined) - value_of(without))
    return found


@pytest.mark.parametrize("name", [*EXACT, *ESTIMATED])
def test_contributions_add_up_to_the_score(rows, name):
    _, model = trained({**EXACT, **ESTIMATED}[name], rows)
    holes = rows[0][:20].copy()
    holes[::3, 2] = np.nan
    scores = model.score(holes)

    for explanation, score in zip(model.explain(holes), scores, strict=True):
        total = explanation.base + explanation.contributions.sum()
        assert total == pytest.approx(explanation.log_odds, abs=1e-5)
        assert 1 / (1 + np.exp(-total)) == pytest.approx(score, abs=1e-5)


@pytest.mark.parametrize("name", ["GradientBoosting", "HistGradientBoosting"])
def test_boosted_trees_get_the_shapley_values_of_their_log_odds(rows, name):
    _, model = trained(EXACT[name], rows)

    def value_of(row):
        return float(log_odds(model.score(row.reshape(1, -1)))[0])

    for row, explanation in zip(rows[0][:6], model.explain(rows[0][:6]), strict=True):
        assert explanation.is_exact
        np.testing.assert_allclose(explanation.contributions, brute_force(value_of, row), atol=1e-3)


@pytest.mark.parametrize("name", ["RandomForest", "DecisionTree"])
def test_averaged_trees_share_out_by_the_shapley_values_of_their_average(rows, name):
    fitted, model = trained(EXACT[name], rows)

    def value_of(row):
        return float(fitted.estimator_.predict_proba(row.reshape(1, -1))[0, 1])

    for row, explanation in zip(rows[0][:6], model.explain(rows[0][:6]), strict=True):
        if not explanation.is_exact:
            continue  # the tree's average is that of the reference: there is nothing to share out
        expected = brute_force(value_of, row)
        scale = (explanation.log_odds - explanation.base) / expected.sum()
        np.testing.assert_allclose(explanation.contributions, expected * scale, atol=1e-4)


def test_a_linear_model_gets_its_terms(rows):
    _, model = trained(ESTIMATED["LogisticRegression"], rows)
    (explanation,) = model.explain(rows[0][:1])
    alone = []
    for field in range(N_INPUTS):
        row = np.full((1, N_INPUTS), np.nan, dtype=np.float32)
        row[0, field] = rows[0][0, field]
        alone.append(log_odds(model.score(row))[0] - explanation.base)

    np.testing.assert_allclose(explanation.contributions, alone, atol=1e-4)


def test_nothing_known_is_explained_by_nothing(rows):
    for classifier in (EXACT["GradientBoosting"], ESTIMATED["AdaBoost"]):
        _, model = trained(classifier, rows)
        (explanation,) = model.explain(np.full((1, N_INPUTS), np.nan, dtype=np.float32))

        assert explanation.log_odds == explanation.base
        assert not explanation.contributions.any()


@pytest.fixture(scope="module")
def client(rows):
    fitted, _ = trained(EXACT["GradientBoosting"], rows)
    followers = {
        "sites": following("sites", to_onnx(fitted, N_INPUTS), inputs=INPUTS),
        "urls": following("urls", onnx_graphs.text_classifier(), **TEXT),
    }
    return app_of(followers).test_client()


RECORD = {"age": -1, "c1": 1, "c2": -1, "c3": None, "c4": 0}


@pytest.mark.parametrize("path", ["/explain", "/predict?explain=true"])
def test_an_explanation_comes_with_words_and_the_strongest_first(client, path):
    answer = client.post(path, json={"record": RECORD}).json
    explanation = answer.pop("explanation")
    contributions = [entry["contribution"] for entry in explanation["contributions"]]
    by_input = {entry["input"]: entry for entry in explanation["contributions"]}

    verdict = {"prediction", "confidence", "probability", "decided_by"}
    assert set(answer) == verdict | {"id", "model"}
    assert by_input["age"]["meaning"] == "below six months"
    assert by_input["age"]["subject"] == "Age"
    assert by_input["c3"]["value"] is None
    assert by_input["c3"]["meaning"] == "missing"
    assert by_input["c3"]["contribution"] == 0
    assert contributions == sorted(contributions, key=abs, reverse=True)
    total = explanation["base"] + sum(contributions)
    assert 1 / (1 + np.exp(-total)) == pytest.approx(answer["probability"], abs=1e-4)


def test_many_records_are_explained_and_too_many_are_not(client):
    answer = client.post("/explain", json={"records": [RECORD, RECORD]}).json
    assert len(answer["predictions"][1]["explanation"]["contributions"]) == N_INPUTS

    assert client.post("/explain", json={"records": [RECORD] * 101}).status_code == 422
    assert client.post("/explain", data=b"x").status_code == 415


def test_a_url_is_explained_by_its_parts(client):
    answer = client.post("/explain", json={"url": "http://a.bad.example/login"}).json
    explanation = answer["explanation"]
    added = {entry["input"]: entry["contribution"] for entry in explanation["contributions"]}
    total = explanation["base"] + sum(added.values())

    assert answer["prediction"] == "Phishing"
    assert 1 / (1 + np.exp(-total)) == pytest.approx(answer["probability"], abs=1e-4)
    assert list(added) == ["domain", "ending", "subdomain", "path"]
    assert added["domain"] == pytest.approx(added["ending"])  # the model knows the two together
    assert added["subdomain"] == added["path"] == 0
    assert explanation["contributions"][0]["meaning"] == "bad"


def test_a_url_without_parts_is_its_own_base(client):
    explanation = client.post("/explain", json={"url": "http://./"}).json["explanation"]

    assert explanation["contributions"] == []
    assert explanation["base"] == explanation["log_odds"]
