"""What is said of a row by those it has something in common with: its peers."""

import numpy as np
import numpy.typing as npt

ODDS_GRID = 16.0
"""Odds are whole numbers below 128, divided by this."""
_PRIOR_GROUPS = 2.0


def target_log_odds(
    peers: npt.NDArray[np.int32],
    groups: npt.NDArray[np.float32],
    y: npt.NDArray[np.int8],
    n_numbers: int,
) -> npt.NDArray[np.int8]:
    """Return the log-odds of class 1 among the groups that hold each number, times `ODDS_GRID`.

    A group counts once for each class and number, however many of its rows hold it: what many
    rows of one group have in common says nothing of other groups. The odds are against the usual
    ones, and are drawn towards these as if `_PRIOR_GROUPS` more groups were as usual (a target
    encoding: Micci-Barreca 2001, doi 10.1145/507533.507538).

    Parameters
    ----------
    peers : ndarray of shape (n_rows, n_peers)
        Numbers below `n_numbers`; 0 is no peer.
    groups : ndarray of shape (n_rows,)
        Whole numbers.
    y : ndarray of shape (n_rows,)
        0 or 1.
    n_numbers : int

    Returns
    -------
    ndarray of shape (n_numbers,), int8
        0 for a number that no row holds.
    """
    held = groups.astype(np.int64)[:, np.newaxis] * n_numbers + peers
    met = np.unique(held * 2 + y[:, np.newaxis])
    numbers, is_one = met // 2 % n_numbers, met % 2 == 1
    ones, zeros = (np.bincount(numbers[part], minlength=n_numbers) for part in (is_one, ~is_one))
    usual = is_one.mean().clip(0.01, 0.99)
    odds = np.log(ones + _PRIOR_GROUPS * usual) - np.log(zeros + _PRIOR_GROUPS * (1 - usual))
    odds = (odds - np.log(usual / (1 - usual))) * ODDS_GRID
    odds[0] = 0
    rounded: npt.NDArray[np.int8] = np.round(odds.clip(-127, 127)).astype(np.int8)
    return rounded
