"""What a step says that it needs: within its limit, or refused with a limit that is enough."""

import re

import pytest

from include.errors import SettingMissingError, TrainingError
from include.training.memory import TrainingMemory, memory_limit

URLS = TrainingMemory(3_000, 816)


@pytest.mark.parametrize("n_rows", [10, 116_000, 1_000_000, 3_000_000])
def test_what_is_needed_stays_within_the_limit(n_rows):
    assert URLS.needed_mb(n_rows) <= URLS.limit_mb
    assert f"{n_rows:,} rows" in URLS.statement(n_rows)


def test_as_many_rows_as_today_are_fitted_in_memory():
    assert URLS.max_rows > 150_000
    assert "all are fitted in memory" in URLS.statement(116_000)
    assert "a few at a time" in URLS.statement(1_000_000)


@pytest.mark.parametrize("n_rows", [10_000_000, 100_000_000])
def test_too_many_rows_are_refused_and_the_remedy_is_enough(n_rows):
    with pytest.raises(TrainingError, match="NIGHTCATCH_TRAINING_MEMORY_MB") as refused:
        URLS.statement(n_rows)
    enough = int(re.search(r"about ([\d,]+) MB", str(refused.value))[1].replace(",", ""))

    assert TrainingMemory(enough, 816).statement(n_rows)
    assert enough < 100_000


def test_a_limit_below_what_the_libraries_take_is_refused():
    with pytest.raises(TrainingError, match="need about"):
        TrainingMemory(500, 816).statement(10)


@pytest.mark.parametrize("given", ["3GB", "-1", "2.5"])
def test_a_setting_that_is_no_whole_number_is_refused_by_its_name(given):
    with pytest.raises(SettingMissingError, match="NIGHTCATCH_TRAINING_MEMORY_MB"):
        memory_limit(given)


def test_an_empty_setting_leaves_the_limit_to_the_pipeline():
    assert (memory_limit(""), memory_limit("4000")) == (0, 4000)
