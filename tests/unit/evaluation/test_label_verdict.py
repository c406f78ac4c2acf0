"""Labels of disagreements: the verdict against its integral, its error, and how soon it comes."""

from functools import cache

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import comb

from include.evaluation.label_verdict import label_verdict

N_STREAMS, N_LABELS = 1_000, 60


def labels(right, wrong):
    return [True] * right + [False] * wrong


@cache
def verdict(right, wrong):
    return label_verdict(labels(right, wrong))


def looks(stream):
    """What is said after each label of a stream."""
    right = np.cumsum(stream).tolist()
    return [verdict(each, n - each) for n, each in enumerate(right, 1)]


@pytest.mark.parametrize(("right", "wrong"), [(7, 0), (8, 0), (20, 4), (25, 12), (26, 12)])
def test_it_decides_where_the_mixture_of_alternatives_is_forty_times_as_likely(right, wrong):
    # 2 * the mean likelihood of shares in (1/2, 1), over that of one half: Ville's inequality.
    def likelihood(share):
        return share**right * (1 - share) ** wrong

    mixture = 2 * quad(likelihood, 0.5, 1)[0] / 0.5 ** (right + wrong)
    found = label_verdict(labels(right, wrong))

    assert (found.word == "better") == (mixture >= 40)
    assert (found.low > 0.5) == (mixture >= 40)


@pytest.mark.parametrize(("right", "wrong"), [(0, 9), (3, 20), (10, 32)])
def test_it_is_the_same_the_other_way_round(right, wrong):
    worse, better = label_verdict(labels(right, wrong)), label_verdict(labels(wrong, right))

    assert (worse.word, better.word) == ("worse", "better")
    assert (worse.low, worse.high) == pytest.approx((1 - better.high, 1 - better.low))


def test_eight_of_eight_decide_and_seven_do_not():
    # (2^9 - 1) / 9 = 56.8 and (2^8 - 1) / 8 = 31.9, of which 1 / 0.025 = 40 is asked.
    assert label_verdict(labels(7, 0)).word == "undecided"
    assert label_verdict(labels(8, 0)).word == "better"
    assert label_verdict([]).word == "undecided"
    assert (label_verdict([]).low, label_verdict([]).high) == (0, 1)


def test_versions_that_are_equally_good_are_seldom_told_apart_at_any_look():
    streams = np.random.default_rng(17).random((N_STREAMS, N_LABELS)) < 0.5
    wrong = sum(any(each.word != "undecided" for each in looks(stream)) for stream in streams)

    assert 0 < wrong <= 0.05 * N_STREAMS


def test_at_one_look_alone_it_errs_less_than_it_states():
    # The exact probability that the verdict on 60 labels of equal versions is not "undecided".
    decided = [label_verdict(labels(k, 60 - k)).word != "undecided" for k in range(61)]
    exact = sum(comb(60, k) * 0.5**60 for k in range(61) if decided[k])

    assert 0 < exact < 0.05


def test_the_interval_holds_the_truth_at_every_look():
    streams = np.random.default_rng(18).random((N_STREAMS, N_LABELS)) < 0.7
    missed = sum(any(not each.low <= 0.7 <= each.high for each in looks(s)) for s in streams)

    assert missed <= 0.05 * N_STREAMS


def test_a_version_that_is_wrong_on_three_of_four_is_found_after_some_thirty_labels():
    streams = np.random.default_rng(19).random((N_STREAMS, N_LABELS)) < 0.25
    words = [[each.word for each in looks(stream)] for stream in streams]
    soon = [said.index("worse") + 1 if "worse" in said else np.inf for said in words]

    assert 15 < np.median(soon) < 45
