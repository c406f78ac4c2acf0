"""Rows that only train: made of training rows, and never of what is held out."""

from collections import Counter

import pytest

from include.features.urls import group_of
from include.pipelines.urls import PIPELINE
from include.pipelines.urls.simulate import simulate
from include.urls.address import take_apart
from include.urls.reference.build import built_in_reference

N_ROWS = 2_000


def is_trained(group):
    return sum(group.encode()) % 5 != 0


@pytest.fixture(scope="module")
def trained():
    records = [each for each in simulate(N_ROWS, 1) if is_trained(group_of(each["url"]))]
    urls = [record["url"] for record in records]
    return urls, [record["label"] for record in records], [group_of(url) for url in urls]


@pytest.fixture(scope="module")
def made(trained):
    return PIPELINE.added_rows(*trained, built_in_reference(), is_trained, "a seed")


def test_some_rows_of_each_kind_are_made(made, trained):
    kinds = Counter(row.kind for row in made)

    assert set(kinds) == {"log-in page", "look-alike", "embedded URL"}
    assert len(made) < 0.05 * len(trained[0])


def test_equal_rows_make_equal_rows(made, trained):
    reference = built_in_reference()

    assert PIPELINE.added_rows(*trained, reference, is_trained, "a seed") == made
    assert PIPELINE.added_rows(*trained, reference, is_trained, "another") != made


def test_nothing_is_made_of_groups_that_are_held_out(made):
    hosts = [take_apart(row.item) for row in made if row.kind != "look-alike"]

    assert all(is_trained(row.group) for row in made)
    assert all(is_trained(address.domain) for address in hosts)


def test_only_owners_publish_where_log_in_pages_are_made(made, trained):
    reference = built_in_reference()
    legitimate = set(trained[2])
    for row in made:
        address = take_apart(row.item)
        if row.kind == "log-in page" and address.domain not in legitimate:
            facts = reference.facts(address)
            assert not (facts.is_platform or facts.is_shortener), row


def test_look_alikes_are_phishing_and_log_in_pages_are_not(made):
    labels = {row.kind: set() for row in made}
    for row in made:
        labels[row.kind].add(row.label)

    assert labels == {"log-in page": {0}, "look-alike": {1}, "embedded URL": {0, 1}}


def test_no_rows_make_none():
    assert PIPELINE.added_rows([], [], [], built_in_reference(), is_trained, "a seed") == []
