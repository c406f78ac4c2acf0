"""Limits of a release: read strictly, broken by what is shown and by nothing else."""

import pytest

from include import pipelines
from include.errors import MonitoringError
from include.run.release.limits import ReleaseLimits, read_release_limits, release_limits_of
from include.run.release.rules import Alerts, broken_limits

LIMITS = ReleaseLimits()


@pytest.mark.parametrize(
    ("all_sites", "legitimate", "n_broken"),
    [
        pytest.param(Alerts(), Alerts(), 0, id="no-traffic"),
        pytest.param(Alerts(500, 40, 40), Alerts(0, 2, 1), 0, id="as-many"),
        pytest.param(Alerts(100, 50, 0), Alerts(), 0, id="at-the-limit"),
        pytest.param(Alerts(20, 20, 0), Alerts(), 0, id="twice-of-few"),
        pytest.param(Alerts(200, 200, 0), Alerts(), 1, id="twice"),
        pytest.param(Alerts(0, 300, 200), Alerts(), 0, id="others-and-few-more"),
        pytest.param(Alerts(9, 0, 0), Alerts(0, 9, 0), 1, id="known-sites"),
        pytest.param(Alerts(9, 0, 0), Alerts(50, 8, 8), 0, id="known-sites-as-before"),
        pytest.param(Alerts(200, 200, 0), Alerts(0, 30, 3), 2, id="both"),
    ],
)
def test_a_limit_is_broken_once_that_is_shown(all_sites, legitimate, n_broken):
    assert len(broken_limits(all_sites, legitimate, LIMITS)) == n_broken


@pytest.mark.parametrize(
    ("right", "wrong", "is_broken"), [(0, 7, False), (0, 9, True), (10, 30, True), (18, 22, False)]
)
def test_labels_of_disagreements_show_a_version_that_is_wrong_more_often(right, wrong, is_broken):
    labels = [True] * right + [False] * wrong
    found = broken_limits(Alerts(), Alerts(), LIMITS, labels)

    assert bool(found) == is_broken
    assert not found or f"of {right + wrong} sites" in found[0]


@pytest.mark.parametrize("name", pipelines.names())
def test_every_pipeline_spells_its_own_and_takes_nothing_back_unasked(name):
    assert release_limits_of(name) == LIMITS
    assert LIMITS.mode == "advise"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('mode = "acts"', "mode = 'acts': "),
        ("max_alert_ratio = 0.5", "max_alert_ratio = 0.5: "),
        ("error_rate = 0.0", "error_rate = 0.0: "),
        ("error = 0.1", "unknown error"),
    ],
)
def test_limits_that_cannot_be_are_refused(tmp_path, text, message):
    (tmp_path / "release.toml").write_text(text)
    with pytest.raises(MonitoringError, match=message):
        read_release_limits(tmp_path / "release.toml")
