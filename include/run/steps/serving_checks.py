"""How the files of a version behave in the scorer's own code, on every test row."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from include.features.packed_rows import by_block
from include.inference.model import OnnxModel
from include.run.rows import Rows

_TIMED_RECORDS = 300


def largest_difference(model: OnnxModel, estimator: Any, test: Rows) -> float:
    """Return the largest difference of a probability between ONNX and scikit-learn."""
    expected = estimator.predict_proba(test.X)[:, 1]
    return float(np.abs(by_block(model.score, test.items) - expected).max())


def median_latency_us(score: Callable[[npt.NDArray[Any]], object], items: Any) -> float:
    """Return the median time of a core to score one item in process, in microseconds.

    The time of the core, not of the clock: a busy machine must not reject a model. ONNX Runtime
    scores in the calling thread.
    """
    times = []
    for index in range(_TIMED_RECORDS):
        item = items[index % len(items)][np.newaxis]
        started = time.thread_time_ns()
        score(item)
        times.append(time.thread_time_ns() - started)
    return float(np.median(times)) / 1_000
