"""Target encoding of categories, counted by group and rounded to an exact grid."""

import numpy as np
import numpy.typing as npt

ODDS_GRID = 16.0
"""Log-odds are integers below 128, divided by this."""
_PRIOR_GROUPS = 2.0


def target_log_odds(
    categories: npt.NDArray[np.int32],
    groups: npt.NDArray[np.float32],
    y: npt.NDArray[np.int8],
    n_numbers: int,
) -> npt.NDArray[np.int8]:
    """Return the smoothed log-odds of class 1 of each category id, times `ODDS_GRID`.

    Groups are counted, not rows: a group adds at most one to each class of an id, so that many
    rows of one group do not dominate. Log-odds are relative to the base rate and shrunk towards it
    by `_PRIOR_GROUPS` pseudo-groups (target encoding: Micci-Barreca 2001,
    doi 10.1145/507533.507538).

    Parameters
    ----------
    categories : ndarray of shape (n_rows, n_categories), int32
        Ids below `n_numbers`; 0 means none.
    groups : ndarray of shape (n_rows,)
        Integers.
    y : ndarray of shape (n_rows,)
        0 or 1.
    n_numbers : int

    Returns
    -------
    ndarray of shape (n_numbers,), int8
        0 for an id that no row contains.
    """
    return log_odds(labelled_groups(categories, groups, y, n_numbers), n_numbers)


def labelled_groups(
    categories: npt.NDArray[np.int32],
    groups: npt.NDArray[np.float32],
    y: npt.NDArray[np.int8],
    n_numbers: int,
) -> npt.NDArray[np.int64]:
    """Return the distinct keys of group, category id and class; arguments as above."""
    held = groups.astype(np.int64)[:, np.newaxis] * n_numbers + categories
    keys: npt.NDArray[np.int64] = np.unique(held * 2 + y[:, np.newaxis])
    return keys


def log_odds(met: npt.NDArray[np.int64], n_numbers: int) -> npt.NDArray[np.int8]:
    """Return what `target_log_odds` does, of distinct keys of `labelled_groups`."""
    numbers, is_one = met // 2 % n_numbers, met % 2 == 1
    ones, zeros = (np.bincount(numbers[part], minlength=n_numbers) for part in (is_one, ~is_one))
    usual = is_one.mean().clip(0.01, 0.99)
    odds = np.log(ones + _PRIOR_GROUPS * usual) - np.log(zeros + _PRIOR_GROUPS * (1 - usual))
    odds = (odds - np.log(usual / (1 - usual))) * ODDS_GRID
    odds[0] = 0
    rounded: npt.NDArray[np.int8] = np.round(odds.clip(-127, 127)).astype(np.int8)
    return rounded
