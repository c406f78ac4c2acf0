"""ONNX converter of ``LogitBlendClassifier``; fixed node names: at most one in a graph."""

import numpy as np
from onnx import numpy_helper, parser
from scipy.special import logit
from skl2onnx.common._container import ModelComponentContainer
from skl2onnx.common._topology import Operator, Scope

from include.estimators.calibrated import PROBABILITY_FLOOR
from include.estimators.logit_blend import LogitBlendClassifier
from include.training.onnx.boosting import log_odds_node

_NODES = """
  st_shown, st_score = Split <axis = 1> (INPUT, st_widths)
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
        Unused.
    operator : Operator
        skl2onnx's view of the classifier.
    container : ModelComponentContainer
        The graph being built.
    """
    model: LogitBlendClassifier = operator.raw_operator
    inner_model = model.estimator_
    n_shown = inner_model.n_features_in_
    container.nodes.append(log_odds_node(inner_model, "st_shown", "st_raw"))
    names = {
        "INPUT": operator.inputs[0].full_name,
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
        "widths": np.array([n_shown, 1]),
        "lowest": np.array(logit(PROBABILITY_FLOOR), np.float32),
        "highest": np.array(logit(1 - PROBABILITY_FLOOR), np.float32),
        "one": np.array(1, np.float32),
        "weight": np.array(model.weight, np.float32),
    }
