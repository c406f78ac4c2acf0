"""Drift as an effect size: nothing where nothing moved, and a finite figure for whatever did."""

import json

import numpy as np
import pandas as pd
import pytest

from include.errors import DataRejectedError
from include.validation.categories import categorise, shares
from include.validation.drift import DriftLimits, measure_drift, no_reference
from tests.support.validation import GX_ROOT, RUN_ID


@pytest.fixture
def drift(tmp_path):
    def run(current, reference, **settings):
        return measure_drift(
            current,
            reference,
            [name for name in reference.columns if name != "_id"],
            pipeline="sites",
            reference_name="the champion",
            gx_root=GX_ROOT,
            run_id=RUN_ID,
            work_dir=tmp_path,
            **settings,
        )

    return run


def records(**columns):
    size = len(next(iter(columns.values()), ["one"]))
    return pd.DataFrame({"_id": [f"record-{i}" for i in range(size)], **columns})


def ternary(counts):
    values = np.repeat(np.array([-1, 0, 1, np.nan], dtype=np.float32), counts)
    return np.random.default_rng(1).permutation(values)


def test_the_same_records_have_not_moved(frame, drift):
    outcome = drift(frame, frame)

    assert len(outcome.columns) == 31
    assert outcome.max_kl < 1e-5
    assert outcome.max_psi == 0
    assert (outcome.warned, outcome.blocked) == ((), ())
    assert outcome.sentences == ("no column has moved from the champion by more than 0.05",)


def test_two_halves_of_one_set_have_not_moved(frame, drift):
    outcome = drift(frame.iloc[::2], frame.iloc[1::2])

    assert outcome.warned == ()


def test_moved_columns_are_ranked_and_evaluated_by_the_limits(drift):
    reference = records(
        a=ternary([500, 0, 500, 0]), b=ternary([500, 0, 500, 0]), c=ternary([500] * 2 + [0] * 2)
    )
    current = records(
        a=ternary([700, 0, 300, 0]), b=ternary([950, 0, 50, 0]), c=ternary([500] * 2 + [0] * 2)
    )

    outcome = drift(current, reference)

    assert [each.column for each in outcome.columns] == ["b", "a", "c"]
    assert outcome.warned == ("b", "a")
    assert outcome.blocked == ("b",)
    # 0.7 log(0.7 / 0.5) + 0.3 log(0.3 / 0.5), and for the index 0.2 log(0.7 / 0.3)
    assert outcome.columns[1].kl == pytest.approx(0.0823, abs=1e-3)
    assert outcome.columns[1].psi == pytest.approx(0.1695, abs=2e-3)
    assert outcome.sentences[0].startswith("b has moved far from the champion: divergence 0.4")
    json.dumps(outcome.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("current", "reference"),
    [
        pytest.param([250, 250, 250, 250], [500, 0, 500, 0], id="missing values and a new value"),
        pytest.param([0, 0, 0, 1000], [500, 0, 500, 0], id="all missing now"),
        pytest.param([500, 0, 500, 0], [0, 0, 0, 1000], id="all missing then"),
        pytest.param([1000, 0, 0, 0], [0, 0, 1000, 0], id="one value, another than before"),
    ],
)
def test_far_moves_have_a_finite_figure(drift, current, reference):
    outcome = drift(records(a=ternary(current)), records(a=ternary(reference)))

    assert outcome.blocked == ("a",)
    assert 0.25 < outcome.max_kl < 15
    assert 0.5 < outcome.max_psi < 30


def test_a_single_value_that_stays_has_not_moved(drift):
    same = records(a=ternary([0, 1000, 0, 0]))

    assert drift(same, same).max_kl == 0


def test_numbers_are_compared_in_bins_and_texts_by_their_frequent_values(drift):
    rng = np.random.default_rng(3)
    reference = records(
        size=rng.normal(size=5000), host=[f"host-{i % 400 if i % 2 else 1}" for i in range(5000)]
    )
    moved = records(
        size=rng.normal(size=5000) + 1,
        host=[f"other-{i}" if i % 2 else "host-1" for i in range(5000)],
    )

    assert drift(reference, reference).warned == ()
    assert set(drift(moved, reference).warned) >= {"size"}


def test_a_column_that_is_new_is_named_and_not_compared(frame, tmp_path):
    outcome = measure_drift(
        frame,
        frame.drop(columns="SFH"),
        ["SFH", "port"],
        pipeline="sites",
        reference_name="the champion",
        gx_root=GX_ROOT,
        run_id=RUN_ID,
        work_dir=tmp_path,
    )

    assert [each.column for each in outcome.columns] == ["port"]
    assert outcome.sentences[1] == "SFH is new since the champion and was not compared"


def test_limits_are_the_callers(drift):
    reference, current = records(a=ternary([500, 0, 500, 0])), records(a=ternary([600, 0, 400, 0]))

    outcome = drift(current, reference, limits=DriftLimits(warn_kl=0.001, block_kl=0.01))

    assert outcome.blocked == ("a",)


def test_the_docs_show_the_drift(drift):
    same = records(a=ternary([500, 0, 500, 0]))

    outcome = drift(same, same)

    assert "<td>a</td><td>0.0000</td>" in (outcome.docs_dir / "drift.html").read_text()
    assert list(outcome.docs_dir.glob("validations/sites_drift/*/*/*.html"))


def test_without_a_champion_nothing_has_moved_and_the_outcome_says_why():
    outcome = no_reference("sites")

    assert outcome.sentences == (
        "sites: no champion is in production yet, so there is nothing to compare with",
    )
    assert (outcome.max_kl, outcome.warned, outcome.docs_dir) == (0.0, (), None)
    assert outcome.to_dict()["reference"] is None


@pytest.mark.parametrize(
    ("current", "reference"),
    [
        pytest.param(records(a=[]), records(a=[1.0]), id="no rows now"),
        pytest.param(records(a=[1.0]), records(a=[]), id="no rows then"),
        pytest.param(records(a=[1.0]), records(), id="no columns"),
    ],
)
def test_what_cannot_be_compared_is_refused(drift, current, reference):
    with pytest.raises(DataRejectedError, match=r"^sites: no rows or columns to compare with"):
        drift(current, reference)


def test_bins_follow_the_reference_and_infinities_fall_into_the_last():
    reference = pd.Series(np.arange(1000, dtype=float))
    current = pd.Series([*np.arange(1000, dtype=float), np.inf, np.nan])

    compared = shares(*categorise(current, reference))

    assert len(compared.names) == 11
    assert compared.reference.sum() == pytest.approx(1)
    assert "missing" in compared.names
