"""ONNX converters of the nearest-neighbour estimators, passed to skl2onnx at each call.

The squared distance of x to a row r is ``|x|^2 - 2 x.r + |r|^2``; ``|x|^2`` is the same for every
row and is left out, as only the order of the distances matters. Arithmetic is in float32. Names are
fixed, so a graph holds at most one of each estimator.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from onnx import numpy_helper, parser
from skl2onnx.common._container import ModelComponentContainer
from skl2onnx.common._topology import Operator, Scope
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

from include.estimators.neighbors import TIE_TOLERANCE

_NEAREST = """
  p_sorted, p_places = TopK <axis = 1, largest = 0> (p_distances, p_k)
  p_furthest = Gather <axis = 1> (p_sorted, p_last)
  p_limit = Add (p_furthest, p_tolerance)
  p_within = LessOrEqual (p_distances, p_limit)
  p_near = Cast <to = 1> (p_within)
"""
_CLASSIFIER = f"""
  p_products = MatMul (INPUT, p_minus_twice_rows)
  p_distances = Add (p_products, p_norms)
  {_NEAREST}
  p_sums = MatMul (p_near, p_votes)
  p_total = MatMul (p_near, p_ones)
  SHARES = Div (p_sums, p_total)
  LABEL = ArgMax <axis = 1, keepdims = 0> (SHARES)
"""
_IMPUTER = f"""
  p_missing = IsNaN (INPUT)
  p_values = Where (p_missing, p_zero, INPUT)
  p_there = Not (p_missing)
  p_present = Cast <to = 1> (p_there)
  p_products = MatMul (p_values, p_minus_twice_rows)
  p_norms = MatMul (p_present, p_squares)
  p_distances = Add (p_products, p_norms)
  {_NEAREST}
  p_sums = MatMul (p_near, p_rows)
  p_total = MatMul (p_near, p_ones)
  p_means = Div (p_sums, p_total)
  FILLED = Where (p_missing, p_means, INPUT)
"""


def shape_classifier(operator: Operator) -> None:
    """Declare a classifier's outputs: the label, and a number for each class.

    Parameters
    ----------
    operator : Operator
        skl2onnx's view of the estimator.
    """
    n_classes = len(operator.raw_operator.classes_)
    operator.outputs[0].type = Int64TensorType([None])
    operator.outputs[1].type = FloatTensorType([None, n_classes])


def convert_classifier(
    scope: Scope, operator: Operator, container: ModelComponentContainer
) -> None:
    """Add the nodes that vote as ``TiedNeighborsClassifier.predict_proba`` does.

    Parameters
    ----------
    scope : Scope
        Unused.
    operator : Operator
        skl2onnx's view of the estimator.
    container : ModelComponentContainer
        The graph being built.
    """
    model = operator.raw_operator
    rows = model.rows_.astype(np.float32)
    constants = {
        "norms": np.square(rows).sum(axis=1),
        "votes": model.votes_.astype(np.float32),
        **_constants(rows, model.n_neighbors),
    }
    label, shares = (output.full_name for output in operator.outputs)
    named = {"INPUT": operator.inputs[0].full_name, "LABEL": label, "SHARES": shares}
    _add(container, "knn", _CLASSIFIER, named, constants)


def shape_imputer(operator: Operator) -> None:
    """Declare the output of a ``TiedKNNImputer``: as many columns as its input.

    Parameters
    ----------
    operator : Operator
        skl2onnx's view of the estimator.
    """
    operator.outputs[0].type = FloatTensorType([None, operator.raw_operator.rows_.shape[1]])


def convert_imputer(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Add the nodes that fill missing values as ``TiedKNNImputer.transform`` does.

    Parameters
    ----------
    scope : Scope
        Unused.
    operator : Operator
        skl2onnx's view of the estimator.
    container : ModelComponentContainer
        The graph being built.
    """
    model = operator.raw_operator
    rows = model.rows_.astype(np.float32)
    constants = {
        "zero": np.array(0, dtype=np.float32),
        "rows": rows,
        "squares": np.square(rows).T,
        **_constants(rows, model.n_neighbors),
    }
    named = {"INPUT": operator.inputs[0].full_name, "FILLED": operator.outputs[0].full_name}
    _add(container, "knn_imputer", _IMPUTER, named, constants)


def _constants(
    rows: npt.NDArray[np.float32], n_neighbors: int
) -> dict[str, npt.NDArray[np.generic]]:
    return {
        "minus_twice_rows": -2 * rows.T,
        "k": np.array([min(n_neighbors, len(rows))]),
        "last": np.array([-1]),
        "ones": np.ones((len(rows), 1), dtype=np.float32),  # ReduceSum fails where N is 0
        "tolerance": np.array(TIE_TOLERANCE, dtype=np.float32),
    }


def _add(
    container: ModelComponentContainer,
    prefix: str,
    text: str,
    named: Mapping[str, str],
    constants: Mapping[str, npt.NDArray[np.generic]],
) -> None:
    """Add the nodes of a text in ONNX's own syntax, its names replaced, with their constants."""
    for name, actual in named.items():
        text = text.replace(name, actual)
    text = text.replace(" p_", f" {prefix}_").replace("(p_", f"({prefix}_")
    container.nodes.extend(parser.parse_graph(f"{prefix} () => () {{ {text} }}").node)
    container.initializers.extend(
        numpy_helper.from_array(np.ascontiguousarray(value), f"{prefix}_{name}")
        for name, value in constants.items()
    )
