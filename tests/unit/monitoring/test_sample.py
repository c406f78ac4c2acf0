"""A sample is bounded, even, and the same whatever came first or twice."""

import random

from hypothesis import given
from hypothesis import strategies as st

from include.monitoring.records.sample import DistinctSample

NAMES = [f"name-{number}" for number in range(10_000)]


def filled(names, max_items):
    sample = DistinctSample(max_items)
    for name in names:
        sample.put(name, name)
    return sample


@given(st.lists(st.sampled_from(NAMES[:60])), st.integers(1, 50), st.randoms())
def test_it_depends_on_the_names_alone(names, max_items, rng):
    shuffled = rng.sample(names * 2, 2 * len(names))
    one, other = filled(names, max_items), filled(shuffled, max_items)

    assert one.in_order() == other.in_order()
    assert one.share == other.share
    assert len(one) <= max_items
    assert len(set(names)) > max_items or one.n_names == len(set(names))


def test_a_sample_is_even_and_tells_how_much_there_was():
    sample = filled(NAMES, 1_000)
    halves = [int(name[5:]) < 5_000 for name, _ in sample.in_order()]

    assert sample.share in (1 / 8, 1 / 16)
    assert abs(sample.n_names - 10_000) < 1_500
    assert 0.4 < sum(halves) / len(halves) < 0.6


def test_a_later_value_takes_the_place_of_an_earlier_one():
    sample = filled(random.Random(0).sample(NAMES, 10), 10)
    (name, _), *_ = sample.in_order()
    sample.put(name, "later")

    assert sample.get(name) == "later"
    assert len(sample) == 10
    assert sample.get("never put") is None
