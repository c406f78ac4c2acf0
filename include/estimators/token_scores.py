"""Counts of token ids as sparse matrices, and tables of weights that score them exactly."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack, vstack

PER_SECTION, JOINT, BAYES, UNSEEN, STANDALONE = range(5)
"""Columns of a table: weights of the linear model of one section, of the one of all scored
sections, of naive Bayes; 1 for a token absent from the training rows; weights of the linear model
that is added to the log-odds of the final classifier."""
GRIDS = (16.0, 16.0, 8.0, 1.0, 8.0)
"""Weights are integers below 128 divided by these, so that float32 sums are exact in any order."""
_BLOCK_ROWS = 4_096

Rows = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int8]
Weights = npt.NDArray[np.float64]
Table = npt.NDArray[np.int8]
Numbers = npt.NDArray[np.int32]


def blocks_of(X: Rows) -> Iterator[Rows]:
    """Yield rows a few at a time, as arrays; X need not be one."""
    for start in range(0, len(X), _BLOCK_ROWS):
        yield np.asarray(X[start : start + _BLOCK_ROWS])


def tokens_of(X: Rows, sections: Sequence[tuple[int, int, int]]) -> list[csr_matrix]:
    """Return the counts of each section's ids; `sections` as `CrossFitScores` takes them."""
    parts: list[list[csr_matrix]] = [[] for _ in sections]
    for block in blocks_of(X):
        for kept, (first, stop, below) in zip(parts, sections, strict=True):
            kept.append(counted(block[:, first:stop], below))
    joined = []
    while parts:
        joined.append(vstack(parts.pop(0), format="csr"))
    return joined


def scales(n_most: int) -> Rows:
    """Return 1 / sqrt(n) for n tokens from 0 (which gives 1) to `n_most`, float32."""
    inverse: Rows = (1 / np.sqrt(np.maximum(np.arange(n_most + 1), 1))).astype(np.float32)
    return inverse


def counted(numbers: Rows, n_numbers: int) -> csr_matrix:
    """Return the count of each id in each row, shape (n_rows, n_numbers)."""
    held = numbers > 0
    ends = np.concatenate([[0], held.sum(axis=1).cumsum()])
    found = numbers[held].astype(np.int32)
    counts = csr_matrix((np.ones(len(found), np.float32), found, ends), (len(numbers), n_numbers))
    counts.sum_duplicates()
    return counts


def row_scales(part: csr_matrix) -> Rows:
    """Return 1 / sqrt(number of tokens) of each row."""
    sizes = np.add.reduceat(np.append(part.data, 0), part.indptr[:-1]) * (np.diff(part.indptr) > 0)
    inverse: Rows = scales(int(sizes.max(initial=0)))[sizes.astype(np.int64)]
    return inverse


def scaled(part: csr_matrix) -> csr_matrix:
    """Return counts divided by the square root of their row's total."""
    data = part.data * np.repeat(row_scales(part), np.diff(part.indptr))
    return csr_matrix((data, part.indices, part.indptr), part.shape)


def naive_bayes(part: csr_matrix, y: Labels) -> tuple[Weights, npt.NDArray[np.bool_]]:
    """Return each id's log-odds of class 1, and whether no row contains it."""
    ones = np.asarray(part[y == 1].sum(axis=0), np.float64).ravel()
    zeros = np.asarray(part[y == 0].sum(axis=0), np.float64).ravel()
    n_ones = int((y == 1).sum())
    return odds_of_counts(ones, zeros, n_ones, len(y) - n_ones)


def odds_of_counts(
    ones: Weights, zeros: Weights, n_ones: int, n_zeros: int
) -> tuple[Weights, npt.NDArray[np.bool_]]:
    """Return the same from how often each id is in the rows of each class, and how many are of it.

    Parameters
    ----------
    ones, zeros : ndarray of shape (n_ids,), float64
    n_ones, n_zeros : int
    """
    odds = np.log((ones + 0.5) / n_ones) - np.log((zeros + 0.5) / n_zeros)
    return odds, ones + zeros == 0


def split(weights: Weights, n_ids: Sequence[int]) -> list[Weights]:
    """Split a joint weight vector into one vector per section."""
    return np.split(weights, np.cumsum(n_ids)[:-1])


def table(*columns: Weights | npt.NDArray[np.bool_]) -> Table:
    """Return columns of weights on their grids; 0 for id 0, which is no token."""
    on_grid: Weights = np.column_stack(columns) * np.array(GRIDS[-len(columns) :])
    on_grid[0] = 0
    rounded: Table = np.round(on_grid.clip(-127, 127)).astype(np.int8)
    return rounded


def scores(tokens: list[csr_matrix], tables: list[Table], bayes_sections: Sequence[int]) -> Rows:
    """Return the scores of rows by tables, in the order of `CrossFitScores.transform`."""
    sums = [
        part @ weights.astype(np.float32) / np.array(GRIDS[-weights.shape[1] :], np.float32)
        for part, weights in zip(tokens, tables, strict=True)
    ]
    scored = [total for total in sums if total.shape[1] > 1]
    scale = [row_scales(part) for part in tokens]
    per_section = [total[:, PER_SECTION] * each for total, each in zip(scored, scale, strict=False)]
    joint = sum(total[:, JOINT] for total in scored)
    joint = joint * row_scales(hstack(tokens[: len(scored)], format="csr"))
    plain = [scored[place][:, [BAYES, UNSEEN]] for place in bayes_sections]
    standalone = sum(total[:, -1] * each for total, each in zip(sums, scale, strict=True))
    shown: Rows = np.column_stack([*per_section, joint, *plain, standalone]).astype(np.float32)
    return shown
