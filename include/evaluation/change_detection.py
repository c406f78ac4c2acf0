"""Find a change in daily counts, with a stated probability of an alarm in a year without one.

A day is compared with earlier days of the same weekday only, by its rank among them, so nothing is
assumed about how far days of no change lie apart, about weekdays, or about how fields hang
together. What is assumed: without a change, the days of a weekday are exchangeable.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
YEAR = 365
ALL_FIELDS = "all fields"
EXPONENTS = np.array([0.05, 0.2, 0.5])
RESTARTED = 1 / 90
WRONGLY_NAMED = 0.1
N_PARTS = 3
_PSEUDO_COUNT = 0.5  # Jeffreys' prior


def alarm_limit(rate: float) -> float:
    """Return the evidence from which on there is an alarm.

    Parameters
    ----------
    rate : float
        Largest probability of any alarm in 365 days in a row without a change.

    Notes
    -----
    Without a change the evidence has an expectation of at most 1 each day, and what `RESTARTED`
    adds is all that it gains: evidence plus what the days that are left will add is a
    supermartingale. So it reaches c within T days with probability (1 + T `RESTARTED`) / c at most
    (Ville 1939). The oldest days are left out at most twice a year, each time a new process
    begins, and so there are `N_PARTS` in place of the 1.
    """
    return (N_PARTS + YEAR * RESTARTED) / rate


def divergences(counts: npt.NDArray[np.integer[Any]]) -> Floats:
    """Return how far each day lies from all of them together, in nats.

    Parameters
    ----------
    counts : ndarray of shape (..., n_days, n_categories)
        At least one item a day.

    Returns
    -------
    ndarray of shape (..., n_days)
        The Kullback-Leibler divergence of its shares from the mean shares, less what random
        variation of so many items gives; the order of days does not matter.
    """
    smooth = counts + _PSEUDO_COUNT
    shares = smooth / smooth.sum(axis=-1, keepdims=True)
    mean = shares.mean(axis=-2, keepdims=True)
    by_chance = (counts.shape[-1] - 1) / (2 * counts.sum(axis=-1))
    return np.asarray(np.sum(shares * np.log(shares / mean), axis=-1) - by_chance)


def ranks(scores: Floats, ties: Floats) -> npt.NDArray[np.int64]:
    """Return the rank of each day; 1 has the highest score.

    Parameters
    ----------
    scores : ndarray of shape (..., n_days)
    ties : ndarray of shape (n_days,)
        A random number of each day: which of two equal scores ranks higher.
    """
    by_tie = np.argsort(ties)
    order = by_tie[np.argsort(-scores[..., by_tie], axis=-1, kind="stable")]
    places = np.empty_like(order)
    numbers = np.broadcast_to(np.arange(1, scores.shape[-1] + 1), order.shape)
    np.put_along_axis(places, order, numbers, axis=-1)
    return places


def joint_scores(field_ranks: npt.NDArray[np.int64]) -> Floats:
    """Return how unusual each day is in all fields together: Fisher's sum of logarithms.

    Parameters
    ----------
    field_ranks : ndarray of shape (n_fields, ..., n_days)
    """
    return np.asarray(-np.log(field_ranks / field_ranks.shape[-1]).sum(axis=0))


def bet(capital: Floats, rank: npt.NDArray[np.int64], n_days: int) -> Floats:
    """Return the capital after a day.

    Parameters
    ----------
    capital : ndarray of shape (..., 3)
        Of each exponent; 1 at the beginning.
    rank : ndarray of shape (...)
        Of the newest day.
    n_days : int
        It and the earlier ones.

    Notes
    -----
    Ranks of exchangeable days, each among those up to it, are independent and uniform (Vovk,
    Gammerman & Shafer, Algorithmic Learning in a Random World, 2005; for classes such as weekdays
    Vovk et al. 2003). The gain n ((r / n)^a - ((r - 1) / n)^a) has the mean 1 over r = 1 ... n, so
    the capital is a test martingale for each exponent a. A share of it begins anew each day, as in
    the Shiryaev-Roberts procedure and e-detectors (Shin, Ramdas & Rinaldo, NEJSDS 2024), so that a
    change is found as fast after a quiet year as before.
    """
    part = rank[..., np.newaxis] / n_days
    gain = n_days * (part**EXPONENTS - np.maximum(part - 1 / n_days, 0.0) ** EXPONENTS)
    return np.asarray(((1 - RESTARTED) * capital + RESTARTED) * gain)


def weights_of(streams: Mapping[str, object]) -> dict[str, float]:
    """Return the weight of each stream: half of it for all fields together, if they are one."""
    single = [name for name in streams if name != ALL_FIELDS]
    if len(single) == len(streams):
        return dict.fromkeys(single, 1 / len(single))
    return {ALL_FIELDS: 0.5} | dict.fromkeys(single, 0.5 / len(single))


def fields_to_name(evidence: Mapping[str, float]) -> tuple[str, ...]:
    """Return the fields that changed by their own evidence, the most evident first.

    Parameters
    ----------
    evidence : mapping of str to float
        Of each field; with an expectation of at most 1 where it has not changed.

    Returns
    -------
    tuple of str
        Never empty: without enough evidence of any it is the field that has the most.

    Notes
    -----
    On a given day `WRONGLY_NAMED` of those with enough evidence are expected to be wrong at most,
    however the fields hang together (e-BH: Wang & Ramdas, JRSS-B 2022).
    """
    ordered = sorted(evidence, key=lambda name: (-evidence[name], name))
    enough = [
        place
        for place, name in enumerate(ordered, 1)
        if evidence[name] * place >= len(ordered) / WRONGLY_NAMED
    ]
    return tuple(ordered[: max(enough, default=1)])
