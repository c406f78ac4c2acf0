"""Evidence that may be looked at at any time: its closed form, its error, its power."""

import numpy as np
import pytest
from scipy.special import betainc, betaln

from include.evaluation.sequential import log_evidence, ratio_at_least

N_STREAMS, N_ALERTS = 1_000, 400
ERROR = 0.05


@pytest.mark.parametrize(("new", "gone"), [(0, 0), (1, 0), (0, 3), (8, 0), (60, 40), (700, 500)])
def test_without_a_ratio_it_is_the_beta_binomial_mixture(new, gone):
    upper_half = 1 - betainc(new + 1, gone + 1, 0.5)
    closed = (new + gone + 1) * np.log(2) + betaln(new + 1, gone + 1) + np.log(upper_half)

    assert log_evidence(100, new, gone) == pytest.approx(closed, abs=1e-6)


def test_new_alerts_alone_grow_as_a_doubled_stake_would():
    # The integral of (1 + stake)^n over all stakes.
    assert np.exp(log_evidence(0, 8, 0)) == pytest.approx((2**9 - 1) / 9)
    assert ratio_at_least(0, 0, 0, ERROR) == ratio_at_least(0, 0, 50, ERROR) == 0


def streams(shares, seed):
    """Cumulative counts of both, new and gone, alert by alert."""
    drawn = np.random.default_rng(seed).choice(3, (N_STREAMS, N_ALERTS), p=shares)
    return np.stack([np.cumsum(drawn == kind, axis=1) for kind in range(3)], axis=-1)


def looks_until(counts, ratio, error=ERROR):
    """The alert at which each stream is beyond the ratio; infinity if it never is."""
    beyond = np.array(
        [[log_evidence(*at, ratio) >= -np.log(error) for at in stream] for stream in counts]
    )
    return np.where(beyond.any(axis=1), beyond.argmax(axis=1) + 1, np.inf)


@pytest.mark.parametrize(
    ("shares", "ratio"),
    [
        pytest.param((0.8, 0.1, 0.1), 1.0, id="as-many"),
        pytest.param((0.5, 0.35, 0.15), 0.85 / 0.65, id="at-the-limit"),
        pytest.param((0.0, 0.6, 0.4), 1.5, id="never-the-same-ones"),
    ],
)
def test_looking_at_every_alert_keeps_the_error(shares, ratio):
    crossed = int(np.isfinite(looks_until(streams(shares, 1)[:, ::4], ratio)).sum())

    assert crossed <= ERROR * N_STREAMS


def test_twice_the_alerts_are_found_and_the_bound_is_below_the_truth():
    counts = streams((0.5, 0.5, 0.0), 2)[:200]
    found = looks_until(counts[:, ::4], 1.5) * 4

    assert np.median(found) < 150
    bounds = [ratio_at_least(*stream[-1], ERROR) for stream in counts]
    assert np.mean(np.array(bounds) > 2) <= ERROR
    assert np.median(bounds) > 1.6
