"""Rows that a model is fitted on and that nothing is measured on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from include.features.packed_rows import stacked


@dataclass(frozen=True)
class AddedRows:
    """Made rows, beside the real ones of the training side.

    Attributes
    ----------
    X : ndarray or PackedRows of shape (n_rows, n_columns)
    y : ndarray of shape (n_rows,)
    groups : ndarray of shape (n_rows,)
        Of the real row that each is made of: where that is held out, so is the made one.
    """

    X: Any
    y: npt.NDArray[np.int8]
    groups: npt.NDArray[np.object_]

    def outside(self, groups: npt.NDArray[np.object_]) -> npt.NDArray[np.intp]:
        """Return the indices of the rows of other groups."""
        held_out = set(groups.tolist())
        return np.flatnonzero([group not in held_out for group in self.groups.tolist()])


def fitted_on(
    X: Any,
    y: npt.NDArray[np.int8],
    added: AddedRows | None,
    held_out: npt.NDArray[np.object_] | None = None,
) -> tuple[Any, npt.NDArray[np.int8]]:
    """Return real rows with the added ones behind them, those of held-out groups left out."""
    if added is None:
        return X, y
    kept = slice(None) if held_out is None else added.outside(held_out)
    return stacked(X, added.X[kept]), np.concatenate([y, added.y[kept]])
