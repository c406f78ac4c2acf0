"""Estimators as joblib reads them, the same bytes in every process."""

import pickle
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

_PROTOCOL = 4
_LEVEL = 6


class _SteadyPickler(pickle._Pickler):
    """Takes equal strings, and equal dtypes, for one object; zeroes the gaps of records.

    A pickle refers back to what it has written only if it is the very same object, and whether two
    equal ones are depends on what the process did before: on which classes had instances when an
    estimator was read, for example, or on whether an array was read or made. The pickler written
    in C cannot be told what to write for a string.
    """

    def __init__(self, file: BytesIO) -> None:
        super().__init__(file, _PROTOCOL)
        self._first: dict[Any, Any] = {}

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        """Write `obj`, of any type."""
        if type(obj) is str or isinstance(obj, np.dtype):
            obj = self._first.setdefault((type(obj), obj), obj)
        elif type(obj) is np.ndarray and obj.dtype.names:
            obj = _without_gaps(obj)
        super().save(obj, save_persistent_id)  # type: ignore[misc]  # typeshed leaves it out


def _without_gaps(records: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a copy with zeros between its fields: trees leave there what the memory held."""
    clean = np.zeros(records.shape, records.dtype)
    for name in records.dtype.names or ():
        clean[name] = records[name]
    return clean


def joblib_bytes(estimator: Any) -> bytes:
    """Return what ``joblib.load`` reads the estimator from; equal models give equal bytes.

    Parameters
    ----------
    estimator : estimator
        Any fitted scikit-learn estimator.
    """
    buffer = BytesIO()
    _SteadyPickler(buffer).dump(estimator)
    return zlib.compress(buffer.getvalue(), _LEVEL)
