"""How figures are written, and which way they should move."""

import pytest

from include.reporting.beeswarm import beeswarm_rows
from include.reporting.figures import BY_NAME, figure_rows
from include.reporting.limits import by_prevalence
from include.reporting.rows import candidate_rows, drift_rows, importance_rows, slice_rows
from include.reporting.svg import Scale
from tests.support.report_inputs import manifest, report_inputs


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        pytest.param("accuracy", 0.95678, "95.7 %", id="share"),
        pytest.param("fpr", 0.00126, "0.13 %", id="small-share"),
        pytest.param("roc_auc", 0.98765, "0.9877", id="number"),
        pytest.param("roc_auc", None, "not measured", id="missing"),
    ],
)
def test_a_figure_is_written(name, value, text):
    assert BY_NAME[name].text(value) == text


@pytest.mark.parametrize(
    ("name", "better"),
    [pytest.param("accuracy", True, id="more"), pytest.param("brier", True, id="less")],
)
def test_a_change_is_good_or_bad_by_the_kind_of_figure(name, better):
    rows = {row.figure.name: row for row in figure_rows(manifest(), report_inputs())}

    assert rows[name].better is better
    assert rows[name].change[0] in "+\N{MINUS SIGN}"


def test_a_figure_that_did_not_move_is_neither():
    metrics = {**manifest().metrics}
    metrics["champion_on_same_rows"] = metrics["test"]
    rows = figure_rows(manifest(metrics=metrics), report_inputs())

    assert {row.better for row in rows} == {None}


def test_the_interval_holds_the_figure():
    for name, (low, high) in report_inputs().intervals.items():
        assert low <= manifest().metrics["test"][name] <= high


def test_precision_falls_where_phishing_is_rare():
    mixes = by_prevalence(manifest())
    precisions = [mix.precision for mix in mixes]
    rare = next(mix for mix in mixes if mix.one_in == 1_000)

    assert precisions == sorted(precisions, reverse=True)
    assert rare.caught + rare.missed == 1_000
    assert rare.precision == pytest.approx(rare.caught / (rare.caught + rare.false_alarms), 0.01)


def test_candidates_stand_in_order_of_their_mean():
    rows, scale = candidate_rows(manifest(), report_inputs())

    assert [row.family for row in rows] == ["LogisticRegression", "DecisionTree"]
    assert [row.chosen for row in rows] == [True, False]
    assert [row.seconds for row in rows] == [1.5, None]
    assert rows[0].at == scale.at(0.905)


def test_a_slice_with_few_rows_is_marked():
    (row,) = slice_rows(report_inputs())["a"]

    assert (row.recall.evaluated, row.fpr.evaluated) == (False, True)
    assert row.recall.low < row.recall.at < row.recall.high


def test_bars_end_where_their_values_are():
    first, second = importance_rows(report_inputs())
    (moved,), scale = drift_rows(report_inputs())

    assert first.meaning == "First property"
    assert first.bar.at > 80 and second.bar.at == 0
    assert moved.bar.at > scale.at(0.25) > scale.at(0.05) > 0


def test_contributions_lie_on_their_side_of_the_middle():
    (row,), middle = beeswarm_rows(report_inputs())
    left, right = row.dots

    assert left.x < middle < right.x
    assert left.radius < right.radius
    assert (left.colour, right.colour) == (4, 0)


def test_a_scale_keeps_what_lies_beyond_at_its_ends():
    scale = Scale(0.0, 2.0)

    assert [scale.at(value) for value in (-1, 0.5, 9)] == [0, 25, 100]
    assert Scale.around([3.0]).at(3.0) == 50
