"""Assign each record to train, calibration or test by a stable hash of its group."""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

SIDES = ("train", "calibration", "test")


@dataclass(frozen=True)
class Shares:
    """The expected share of the distinct keys on each side; the three sum to 1."""

    train: float = 0.8
    calibration: float = 0.1
    test: float = 0.1

    def __post_init__(self) -> None:
        shares = (self.train, self.calibration, self.test)
        if min(shares) < 0 or abs(sum(shares) - 1) > 1e-9:
            raise ValueError(f"shares {shares} are not three parts of 1")


def assign_sides(
    keys: npt.NDArray[np.object_], salt: str, shares: Shares = Shares()
) -> npt.NDArray[np.str_]:
    """Return each row's side, a function of its key and the salt only.

    Parameters
    ----------
    keys : ndarray of shape (n_rows,), object
        Group key of each row, bytes or str; rows of one key land on one side.
    salt : str
        Names the split: another salt gives an independent split of the same keys.
    shares : Shares
        Expected share of the distinct keys per side.

    Returns
    -------
    ndarray of shape (n_rows,), str
        ``"train"``, ``"calibration"`` or ``"test"``.
    """
    side_of = {key: _side(key, salt, shares) for key in set(keys.tolist())}
    return np.array([side_of[key] for key in keys.tolist()], dtype="<U11")


def group_keys(X: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """Return one key per row, equal exactly where the feature vectors are equal.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_inputs)
        Numbers; read as float32. Missing values (NaN) equal each other, and -0.0 equals 0.0.

    Returns
    -------
    ndarray of shape (n_rows,), object
        The bytes of each vector, little-endian on every machine.
    """
    vectors = np.asarray(X, dtype="<f4") + np.float32(0)  # turns -0.0 into 0.0
    vectors = np.where(np.isnan(vectors), np.float32(np.nan), vectors).astype("<f4")
    keys = np.empty(len(vectors), dtype=object)
    keys[:] = [vector.tobytes() for vector in vectors]
    return keys


def _side(key: bytes | str, salt: str, shares: Shares) -> str:
    raw = key.encode() if isinstance(key, str) else key
    digest = blake2b(salt.encode() + b"\0" + raw, digest_size=8).digest()
    position = int.from_bytes(digest, "big") / 2**64
    if position < shares.train:
        return "train"
    return "calibration" if position < shares.train + shares.calibration else "test"
