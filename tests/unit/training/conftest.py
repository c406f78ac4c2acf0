from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from threadpoolctl import threadpool_limits

from include.training.split import group_keys


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Keep OpenMP threads from spinning against whatever else the machine runs."""
    with threadpool_limits(limits=1):
        yield


@dataclass(frozen=True)
class Rows:
    X: npt.NDArray[np.float32]
    y: npt.NDArray[np.int8]
    groups: npt.NDArray[np.object_]


@pytest.fixture(scope="session")
def rows() -> Rows:
    """900 learnable ternary rows of 8 inputs, a third of them duplicates, some contradictory."""
    random = np.random.default_rng(7)
    X = random.integers(-1, 2, size=(600, 8)).astype(np.float32)
    noise = random.normal(scale=0.7, size=600)
    y = (X[:, 0] + X[:, 1] * X[:, 2] + 0.5 * X[:, 3] + noise > 0).astype(np.int8)
    again = random.choice(600, size=300)
    X, y = np.concatenate([X, X[again]]), np.concatenate([y, y[again]])
    y[-15:] = 1 - y[-15:]
    return Rows(X, y, group_keys(X))
