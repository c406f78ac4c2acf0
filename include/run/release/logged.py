"""Logged requests as a model takes them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from include.monitoring.records.traffic import Item
from include.pipelines import Pipeline


def logged_inputs(pipeline: Pipeline, items: Sequence[Item]) -> npt.NDArray[np.object_]:
    """Return the inputs of items that have some.

    Returns
    -------
    ndarray of shape (n_items, n_inputs)
        Of text for pipelines that have features, else of numbers; a missing value is NaN.
    """
    dtype = np.float32 if pipeline.features is None else object
    return np.array([item.inputs for item in items], dtype=dtype).reshape(len(items), -1)
