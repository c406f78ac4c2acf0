"""ONNX converter of HistGradientBoosting: skl2onnx's own with two defects worked around."""

from copy import deepcopy
from itertools import chain
from typing import Any

import numpy as np
from skl2onnx.common._container import ModelComponentContainer
from skl2onnx.common._topology import Operator, Scope
from skl2onnx.operator_converters.random_forest import convert_sklearn_random_forest_classifier
from sklearn.ensemble import HistGradientBoostingClassifier


def convert_boosting(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Add the trees of a ``HistGradientBoostingClassifier``.

    Parameters
    ----------
    scope : Scope
        Gives names.
    operator : Operator
        skl2onnx's view of the classifier; from here on it holds the rounded copy.
    container : ModelComponentContainer
        The graph being built.
    """
    operator.raw_operator = _with_float32_thresholds(operator.raw_operator)
    convert_sklearn_random_forest_classifier(scope, operator, _WholeNumbers(container))


def _with_float32_thresholds(
    classifier: HistGradientBoostingClassifier,
) -> HistGradientBoostingClassifier:
    """Copy a classifier, its thresholds rounded down to float32, which moves no float32 input.

    skl2onnx rounds them to the nearest, and a split halfway between two values then sends a third
    one the other way.
    """
    rounded = deepcopy(classifier)
    for tree in chain.from_iterable(rounded._predictors):
        exact = tree.nodes["num_threshold"]
        nearest = exact.astype(np.float32)
        below = np.nextafter(nearest, np.float32(-np.inf))
        tree.nodes["num_threshold"] = np.where(nearest > exact, below, nearest)
    return rounded


class _WholeNumbers:
    """A container that writes booleans as the integers ONNX expects.

    skl2onnx 1.20 mixes False among the integers of ``nodes_missing_value_tracks_true``, which
    protobuf refuses from 7.34 on.
    """

    def __init__(self, container: ModelComponentContainer) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:  # everything else is delegated
        return getattr(self._container, name)

    def add_node(self, op_type: str, inputs: Any, outputs: Any, **attributes: Any) -> None:
        flags = "nodes_missing_value_tracks_true"
        whole = [int(flag) for flag in attributes[flags]]
        self._container.add_node(op_type, inputs, outputs, **{**attributes, flags: whole})
