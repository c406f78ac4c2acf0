"""Ids of answers are UUIDv7: they tell when and by which pipeline."""

import time
import uuid
from datetime import UTC, datetime

import pytest

from include.inference.prediction_ids import day_of, is_id, is_of, new_id, responded_at

ID = "01a22ee5987a7a63b66d7e39964cbb30"


def test_an_id_is_a_uuid_of_version_7_that_tells_time_and_pipeline():
    before_ms = time.time_ns() // 1_000_000
    made = new_id("sites")
    parsed = uuid.UUID(hex=made)

    assert (parsed.version, parsed.variant, parsed.hex) == (7, uuid.RFC_4122, made)
    assert before_ms <= responded_at(made).timestamp() * 1000 <= time.time_ns() / 1_000_000
    assert is_id(made)
    assert is_id(f"{made}-1999999")
    assert is_of(made, "sites")
    assert not is_of(made, "urls")


def test_ids_of_one_moment_differ():
    assert len({new_id("sites") for _ in range(10_000)}) == 10_000


def test_the_day_is_that_of_utc():
    last_ms = int(datetime(2026, 11, 21, 23, 59, 59, 999000, UTC).timestamp() * 1000)

    assert day_of(f"{last_ms:012x}7{'0' * 19}") == "2026-11-21"
    assert day_of(f"{last_ms + 1:012x}7{'0' * 19}-4") == "2026-11-22"


@pytest.mark.parametrize(
    "text",
    ["", "x", "0" * 32, ID.upper(), ID + "-", ID + "-01", ID + "-1000000000", ID + "\n",
     "6f1c0a52-5d0f-4d53-9a55-1d9c1f5a3b11"],
)  # fmt: skip
def test_other_texts_are_no_ids(text):
    assert not is_id(text)
