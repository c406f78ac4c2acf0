"""What is drawn of a day for somebody to label: a few of each kind, the same at each look."""

import random

import pytest

from include.contract.verdicts import LEGITIMATE, PHISHING, SUSPICIOUS, Thresholds
from include.monitoring.audit import PER_STRATUM, draw_audit
from include.monitoring.records.jsonl_reader import Lines
from include.monitoring.records.sample import DistinctSample
from include.monitoring.records.traffic import Item, Traffic
from tests.support.signed_versions import version_name

VERSION = version_name(1)
# The threshold of Phishing, 0.6, parts the answers between 0.5 and 0.9.
THRESHOLDS = Thresholds(0.6, 0.5)
ITEMS = {
    f"id-{number}": Item(
        number / 2_000, THRESHOLDS.verdict(number / 2_000), VERSION, (1,), f"{number}"
    )
    for number in range(2_001)
}


def drawn(items, max_items=10_000):
    sample = DistinctSample(max_items)
    for name, item in items.items():
        sample.put(name, item)
    return draw_audit(Traffic(sample, Lines(None)), VERSION)


def test_a_few_of_each_kind_are_drawn_and_all_are_counted():
    strata = drawn(ITEMS)

    assert [(each["verdict"], each["low"], each["high"]) for each in strata] == [
        (LEGITIMATE, 0.0, 0.01), (LEGITIMATE, 0.01, 0.1), (LEGITIMATE, 0.1, 0.5),
        (SUSPICIOUS, 0.5, 0.9), (PHISHING, 0.5, 0.9), (PHISHING, 0.9, 1.0),
    ]  # fmt: skip
    assert [each["n_items"] for each in strata] == [20, 180, 800, 200, 600, 201]
    for each in strata:
        assert len(set(each["drawn"])) == PER_STRATUM
        items = [ITEMS[name] for name in each["drawn"]]
        assert all(each["low"] <= item.probability <= each["high"] for item in items)
        assert {item.verdict for item in items} == {each["verdict"]}


def test_what_is_drawn_depends_on_the_answers_alone():
    names = random.Random(0).sample(sorted(ITEMS), len(ITEMS))

    assert drawn({name: ITEMS[name] for name in names}) == drawn(ITEMS)


@pytest.mark.parametrize(
    "changes", [{"version": version_name(2)}, {"inputs": None}], ids=["another-version", "a-hash"]
)
def test_answers_that_nobody_could_judge_are_left_out(changes):
    others = {f"other-{name}": item._replace(**changes) for name, item in ITEMS.items()}

    assert drawn(ITEMS | others) == drawn(ITEMS)
    assert drawn(others) == []


def test_of_more_than_memory_holds_the_items_are_estimated():
    assert sum(each["n_items"] for each in drawn(ITEMS, 400)) == pytest.approx(2_001, rel=0.2)
