"""Serialise estimators for joblib, byte for byte the same in every process."""

import pickle
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

_PROTOCOL = 4
_LEVEL = 6


class _SteadyPickler(pickle._Pickler):
    """Treat equal strings and equal dtypes as one object; zero the padding of structured arrays.

    A pickle refers back to what it has written only if it is the very same object, and whether two
    equal ones are depends on what the process did before: on which classes had instances when an
    estimator was read, for example, or on whether an array was read or made. The C pickler
    offers no hook for strings.
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
    """Return a copy with zeroed padding: trees leave uninitialised memory there."""
    clean = np.zeros(records.shape, records.dtype)
    for name in records.dtype.names or ():
        clean[name] = records[name]
    return clean


def joblib_bytes(estimator: Any) -> bytes:
    """Return bytes that ``joblib.load`` reads; equal models give equal bytes.

    Parameters
    ----------
    estimator : estimator
        Any fitted scikit-learn estimator.
    """
    buffer = BytesIO()
    _SteadyPickler(buffer).dump(estimator)
    return zlib.compress(buffer.getvalue(), _LEVEL)
