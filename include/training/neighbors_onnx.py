"""The ONNX form of `TiedNeighborsClassifier`, for skl2onnx; registered nowhere, passed in."""

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from skl2onnx.common._container import ModelComponentContainer
from skl2onnx.common._topology import Operator, Scope
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

from include.estimators.neighbors import TIE_TOLERANCE


def shape_neighbors(operator: Operator) -> None:
    """Declare the outputs of `convert_neighbors`: the label and each class's share.

    Parameters
    ----------
    operator : Operator
        skl2onnx's view of the classifier.
    """
    n_classes = len(operator.raw_operator.classes_)
    operator.outputs[0].type = Int64TensorType([None])
    operator.outputs[1].type = FloatTensorType([None, n_classes])


def convert_neighbors(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Add the nodes that vote as ``TiedNeighborsClassifier.predict_proba`` does, in float32.

    The squared distance of x to a row r is ``|x|^2 - 2 x.r + |r|^2``; ``|x|^2`` is the same for
    every row and is left out, as only the order of the distances matters.

    Parameters
    ----------
    scope : Scope
        Unused: names are fixed, because a graph holds one such classifier.
    operator : Operator
        skl2onnx's view of the classifier.
    container : ModelComponentContainer
        The graph being built.
    """
    model = operator.raw_operator
    rows = model.rows_.astype(np.float32)
    constants = {
        "knn_rows": -2 * rows.T,
        "knn_norms": np.square(rows).sum(axis=1),
        "knn_k": np.array([min(model.n_neighbors, len(rows))]),
        "knn_last": np.array([-1]),
        "knn_tolerance": np.array(TIE_TOLERANCE, dtype=np.float32),
        "knn_votes": model.votes_.astype(np.float32),
    }
    for name, value in constants.items():
        container.initializers.append(numpy_helper.from_array(value, name))
    x, (label, shares) = operator.inputs[0].full_name, (o.full_name for o in operator.outputs)
    add = _adder(container)
    add("MatMul", [x, "knn_rows"], ["knn_products"])
    add("Add", ["knn_products", "knn_norms"], ["knn_distances"])
    add("TopK", ["knn_distances", "knn_k"], ["knn_nearest", "knn_places"], axis=1, largest=0)
    add("Gather", ["knn_nearest", "knn_last"], ["knn_furthest"], axis=1)
    add("Add", ["knn_furthest", "knn_tolerance"], ["knn_limit"])
    add("LessOrEqual", ["knn_distances", "knn_limit"], ["knn_near"])
    add("Cast", ["knn_near"], ["knn_voters"], to=TensorProto.FLOAT)
    add("MatMul", ["knn_voters", "knn_votes"], ["knn_counts"])
    add("ReduceSum", ["knn_counts", "knn_last"], ["knn_total"], keepdims=1)
    add("Div", ["knn_counts", "knn_total"], [shares])
    add("ArgMax", [shares], [label], axis=1, keepdims=0)


def _adder(container: ModelComponentContainer) -> Callable[..., None]:
    def add(op_type: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        container.nodes.append(
            helper.make_node(op_type, inputs, outputs, f"{outputs[0]}_{op_type}", **attributes)
        )

    return add
