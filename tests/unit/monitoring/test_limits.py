"""The limits of monitoring are read strictly: a slip must not silence an alert."""

import pytest

from include import pipelines
from include.errors import MonitoringError
from include.monitoring.limits import Limits, limits_of, read_limits


def test_limits_are_read(tmp_path):
    path = tmp_path / "monitoring.toml"
    path.write_text("min_items = 100\nfalse_alarm_rate = 0.1\nretrain = true\n")

    assert read_limits(path) == Limits(min_items=100, false_alarm_rate=0.1, retrain=True)


def test_without_a_file_the_defaults_hold(tmp_path):
    assert read_limits(tmp_path / "monitoring.toml") == Limits()


@pytest.mark.parametrize("name", pipelines.names())
def test_every_pipeline_spells_its_own_and_retrains_nothing_by_itself(name):
    assert limits_of(name) == Limits()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("min_items = ", "is not TOML", id="no-toml"),
        pytest.param("min_itmes = 3", "unknown min_itmes", id="unknown-name"),
        pytest.param('min_items = "1"', "min_items = '1': ", id="text"),
        pytest.param("min_labels = 0", "min_labels = 0: ", id="no-label"),
        pytest.param("min_labels = 3.5", "min_labels = 3.5: ", id="fraction"),
        pytest.param("min_items = true", "min_items = True: ", id="boolean"),
        pytest.param("false_alarm_rate = nan", "false_alarm_rate = nan: ", id="no-number"),
        pytest.param("alert_kl = 0.25", "unknown alert_kl", id="fixed-limit"),
        pytest.param("confidence = 1.0", "confidence = 1.0: ", id="certainty"),
        pytest.param("retrain = 1", "retrain = 1: ", id="no-boolean"),
    ],
)
def test_limits_that_cannot_be_are_refused(tmp_path, text, message):
    (tmp_path / "monitoring.toml").write_text(text)
    with pytest.raises(MonitoringError, match=message):
        read_limits(tmp_path / "monitoring.toml")
