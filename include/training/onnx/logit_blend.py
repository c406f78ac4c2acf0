"""ONNX converter of ``LogitBlendClassifier``; fixed node names: at most one in a graph."""

import numpy as np
from onnx import numpy_helper, parser
from scipy.special import logit
from skl2onnx._supported_operators import _get_sklearn_operator_name
from skl2onnx.common._container import ModelComponentContainer
from skl2onnx.common._topology import Operator, Scope
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

from include.estimators.calibrated import PROBABILITY_FLOOR
from include.estimators.logit_blend import LogitBlendClassifier

_NODES = """
  SHOWN = Slice (INPUT, st_first, st_last, st_axis)
  st_score = Slice (INPUT, st_last, st_end, st_axis)
  st_raw = Gather <axis = 1> (INNER, st_positive)
  st_log_odds = Clip (st_raw, st_lowest, st_highest)
  st_share = Mul (st_score, st_weight)
  st_sum = Add (st_log_odds, st_share)
  st_yes = Sigmoid (st_sum)
  st_no = Sub (st_one, st_yes)
  BOTH = Concat <axis = 1> (st_no, st_yes)
  LABEL = ArgMax <axis = 1, keepdims = 0> (BOTH)
"""


def convert_logit_blend(
    scope: Scope, operator: Operator, container: ModelComponentContainer
) -> None:
    """Add the nodes of a ``LogitBlendClassifier`` of boosted trees, which are converted as usual.

    Parameters
    ----------
    scope : Scope
        Takes the estimator in.
    operator : Operator
        skl2onnx's view of the classifier.
    container : ModelComponentContainer
        The graph being built.
    """
    model: LogitBlendClassifier = operator.raw_operator
    inner_model = model.estimator_
    n_shown = inner_model.n_features_in_
    inner = scope.declare_local_operator(_get_sklearn_operator_name(type(inner_model)), inner_model)
    # Log-odds, not probabilities: 1 - p has lost the precision that the last column may need.
    container.options = {**(container.options or {}), type(inner_model): {"raw_scores": True}}
    shown = scope.declare_local_variable("st_shown", FloatTensorType([None, n_shown]))
    inner.inputs.append(shown)
    for name, kind in (("st_label", Int64TensorType()), ("st_inner", FloatTensorType())):
        inner.outputs.append(scope.declare_local_variable(name, kind))
    names = {
        "SHOWN": shown.full_name,
        "INPUT": operator.inputs[0].full_name,
        "INNER": inner.outputs[1].full_name,
        "LABEL": operator.outputs[0].full_name,
        "BOTH": operator.outputs[1].full_name,
    }
    text = _NODES
    for name, replaced in names.items():
        text = text.replace(name, replaced)
    container.nodes.extend(parser.parse_graph(f"logit_blend () => () {{ {text} }}").node)
    for name, value in _constants(model, n_shown).items():
        container.initializers.append(numpy_helper.from_array(value, f"st_{name}"))


def _constants(model: LogitBlendClassifier, n_shown: int) -> dict[str, np.ndarray]:
    return {
        "first": np.array([0]),
        "last": np.array([n_shown]),
        "end": np.array([n_shown + 1]),
        "axis": np.array([1]),
        "positive": np.array([1]),
        "lowest": np.array(logit(PROBABILITY_FLOOR), np.float32),
        "highest": np.array(logit(1 - PROBABILITY_FLOOR), np.float32),
        "one": np.array(1, np.float32),
        "weight": np.array(model.weight, np.float32),
    }
