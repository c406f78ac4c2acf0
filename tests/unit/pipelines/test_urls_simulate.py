"""Simulated URLs are reproducible, and neither trivial nor hopeless to tell apart."""

import itertools
import tracemalloc
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from include.features.urls import group_of
from include.pipelines.urls.normal import normalise
from include.pipelines.urls.simulate import simulate

N_ROWS = 6_000


@pytest.fixture(scope="module")
def synthetic():
    return pd.DataFrame.from_records(list(simulate(N_ROWS, seed=1)))


def test_the_seed_decides_everything():
    assert list(simulate(200, seed=5)) == list(simulate(200, seed=5))
    assert list(simulate(200, seed=5)) != list(simulate(200, seed=6))


def test_a_longer_run_begins_with_the_shorter_one():
    assert list(simulate(300, seed=5))[:200] == list(simulate(200, seed=5))


def test_memory_is_bounded():
    def peak(n_records):
        tracemalloc.start()
        for _ in simulate(n_records, seed=0):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(100)
    assert peak(6_000) < peak(2_000) + 100_000


def test_every_record_says_that_it_is_synthetic(synthetic):
    assert synthetic["source"].str.startswith("simulated-").all()


def test_dates_cover_eighteen_months_and_some_are_missing(synthetic):
    months = synthetic["first_seen"].dropna().dt.strftime("%Y-%m").unique()

    assert len(months) == 18
    assert synthetic["first_seen"].min() >= datetime(2025, 1, 1, tzinfo=UTC)
    assert 0.05 < synthetic["first_seen"].isna().mean() < 0.3
    assert synthetic.loc[synthetic["label"] == 1, "first_seen"].notna().all()


def test_both_classes_have_home_pages_paths_platforms_and_www(synthetic):
    bare = synthetic["url"].map(normalise).str.fullmatch("[^/]*/")
    for trait in (
        bare,
        synthetic["url"].str.contains("github.io"),
        synthetic["url"].str.contains("/www."),
    ):
        shares = trait.groupby(synthetic["label"]).mean()
        assert shares.min() > 0.001
        assert shares.max() - shares.min() < 0.3


def test_few_urls_come_twice_or_with_both_labels(synthetic):
    normal = synthetic["url"].map(normalise)

    assert normal.duplicated().mean() < 0.05
    assert (synthetic.groupby(normal)["label"].nunique() > 1).sum() < N_ROWS * 0.01


def test_a_model_of_them_is_good_but_not_perfect_on_domains_it_never_saw(synthetic):
    text = synthetic["url"].map(normalise)
    sides = np.array([sum(group_of(url).encode()) % 5 for url in synthetic["url"]])
    vectors = TfidfVectorizer(analyzer="char", ngram_range=(2, 4), min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=10, max_iter=300)
    model.fit(vectors.fit_transform(text[sides > 0]), synthetic["label"][sides > 0])

    probability = model.predict_proba(vectors.transform(text[sides == 0]))[:, 1]

    assert 0.9 < roc_auc_score(synthetic["label"][sides == 0], probability) < 0.995


def test_columns_are_those_of_the_layout():
    names = [set(record) for record in itertools.islice(simulate(100, seed=0), 100)]

    assert set.union(*names) == {"url", "label", "source", "first_seen"}
    assert set.intersection(*names) >= {"url", "label", "source"}
