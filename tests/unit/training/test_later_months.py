import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from include.training.families import Family
from include.training.later_months import Dated, later_months_figures

FAMILY = Family("LogisticRegression", Pipeline([("classifier", LogisticRegression())]))


def rows_of(n_months, *, n_per_month=200, turned_since=99):
    """Rows whose one column tells the label; from `turned_since` on it tells nothing."""
    rng = np.random.default_rng(0)
    n = n_months * n_per_month
    month = np.repeat(np.arange(n_months), n_per_month)
    y = rng.integers(0, 2, n).astype(np.int8)
    sent = np.where(month >= turned_since, rng.integers(0, 2, n), y)
    groups = np.array([f"g{number}" for number in rng.integers(0, n // 2, n)], dtype=object)
    side_of = {g: rng.choice(["train", "calibration", "test"], p=[0.6, 0.2, 0.2]) for g in groups}
    return Dated(
        X=(sent + rng.normal(0, 0.2, n)).astype(np.float32).reshape(-1, 1),
        y=y,
        groups=groups,
        sides=np.array([side_of[g] for g in groups]),
        times=(np.datetime64("2025-01", "M") + month).astype("datetime64[ns]"),
    )


def dated(rows, times):
    return Dated(rows.X, rows.y, rows.groups, rows.sides, times)


@pytest.fixture
def steady():
    return rows_of(8)


def test_the_last_three_months_are_evaluated_by_a_model_of_those_before(steady):
    found = later_months_figures(FAMILY, {}, steady, fpr_budget=0.05)

    assert found["since"] == "2025-06"
    assert [entry["month"] for entry in found["months"]] == ["2025-06", "2025-07", "2025-08"]
    assert found["all"]["n_rows"] == 600
    assert found["seen"]["n_rows"] + found["unseen"]["n_rows"] == 600
    assert found["all"]["roc_auc"] > 0.99


def test_what_changed_in_later_months_is_seen():
    rows = rows_of(8, turned_since=6)

    found = later_months_figures(FAMILY, {}, rows, fpr_budget=0.05)

    by_month = {entry["month"]: entry for entry in found["months"]}
    assert by_month["2025-06"]["recall"] > 0.9
    assert by_month["2025-08"]["recall"] < 0.7
    assert by_month["2025-08"]["fpr"] > 0.3


def test_rows_without_a_time_are_late_on_the_test_side_only(steady):
    times = steady.times.copy()
    times[steady.y == 0] = np.datetime64("NaT")

    found = later_months_figures(FAMILY, {}, dated(steady, times), fpr_budget=0.05)

    n_legitimate = found["all"]["n_rows"] - found["all"]["n_phishing"]
    assert n_legitimate == int(((steady.y == 0) & (steady.sides == "test")).sum())
    assert {entry["fpr"] for entry in found["months"]} == {None}


@pytest.mark.parametrize("n_months", [1, 5])
def test_too_few_months_are_not_evaluated(n_months):
    assert later_months_figures(FAMILY, {}, rows_of(n_months), fpr_budget=0.05) is None


def test_rows_without_any_time_are_not_evaluated(steady):
    rows = dated(steady, np.full(len(steady.y), np.datetime64("NaT", "ns")))

    assert later_months_figures(FAMILY, {}, rows, fpr_budget=0.05) is None
