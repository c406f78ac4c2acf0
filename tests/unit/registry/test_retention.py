"""A retention policy is read strictly: a slip in it must not delete what is needed."""

import pytest

from include import pipelines
from include.errors import RetentionError
from include.registry.retention.policy import MIN_DAYS, Retention, read_retention


def test_a_policy_is_read(tmp_path):
    (tmp_path / "retention.toml").write_text("days = 30\nnewest_versions = 3\n")

    assert read_retention(tmp_path / "retention.toml") == Retention(days=30, newest_versions=3)


def test_without_a_file_the_default_holds(tmp_path):
    assert read_retention(tmp_path / "retention.toml") == Retention()


@pytest.mark.parametrize("name", pipelines.names())
def test_every_pipeline_has_one(name):
    assert pipelines.get(name).retention.days >= MIN_DAYS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("days = ", "Invalid value", id="no-toml"),
        pytest.param("dyas = 30", "unknown dyas", id="unknown-name"),
        pytest.param('days = "30"', "days = '30': ", id="text"),
        pytest.param("days = 30.5", "days = 30.5: ", id="fraction"),
        pytest.param("days = true", "days = True: ", id="boolean"),
        pytest.param("days = 1", "days = 1: ", id="younger-than-a-waiting-approval"),
        pytest.param("traffic_days = 0", "traffic_days = 0: ", id="no-traffic"),
        pytest.param("newest_versions = 0", "newest_versions = 0: ", id="no-version"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(tmp_path, text, message):
    (tmp_path / "retention.toml").write_text(text)
    with pytest.raises(RetentionError, match=message):
        read_retention(tmp_path / "retention.toml")
