"""ONNX converter of HistGradientBoosting: skl2onnx's own with two defects worked around."""

from copy import deepcopy
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, helper
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
        tree.nodes["num_threshold"] = _rounded_down(tree.nodes["num_threshold"])
    return rounded


def _rounded_down(exact: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    nearest = exact.astype(np.float32)
    below = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest > exact, below, nearest)


def log_odds_node(classifier: HistGradientBoostingClassifier, rows: str, output: str) -> NodeProto:
    """Return the node of a binary classifier's log-odds, for rows without missing values.

    ONNX Runtime adds one number per tree faster than it counts votes of classes, and compares
    faster where nothing may be missing.

    Parameters
    ----------
    classifier : HistGradientBoostingClassifier
        Fitted, with numeric features only.
    rows, output : str
        Names of the [N, n_features] and of the [N, 1] tensor.
    """
    trees = [tree.nodes for tree in chain.from_iterable(classifier._predictors)]
    nodes = np.concatenate(trees)
    tree_ids = np.repeat(np.arange(len(trees)), [len(tree) for tree in trees])
    node_ids = np.concatenate([np.arange(len(tree)) for tree in trees])
    leaf = nodes["is_leaf"] == 1
    return helper.make_node(
        "TreeEnsembleRegressor",
        [rows],
        [output],
        domain="ai.onnx.ml",
        n_targets=1,
        base_values=[float(classifier._baseline_prediction.item())],
        nodes_treeids=tree_ids.tolist(),
        nodes_nodeids=node_ids.tolist(),
        nodes_featureids=np.where(leaf, 0, nodes["feature_idx"]).tolist(),
        nodes_modes=np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        nodes_values=np.where(leaf, 0, _rounded_down(nodes["num_threshold"])).tolist(),
        nodes_truenodeids=nodes["left"].tolist(),
        nodes_falsenodeids=nodes["right"].tolist(),
        target_ids=np.zeros(leaf.sum(), np.int64).tolist(),
        target_treeids=tree_ids[leaf].tolist(),
        target_nodeids=node_ids[leaf].tolist(),
        target_weights=nodes["value"][leaf].astype(np.float32).tolist(),
    )


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
