"""The ONNX form of ``CrossFitScores``, for skl2onnx; its sums are exact, so nothing is rounded."""

import numpy as np
from onnx import numpy_helper, parser
from skl2onnx.common._container import ModelComponentContainer
from skl2onnx.common._topology import Operator, Scope
from skl2onnx.common.data_types import FloatTensorType

from include.estimators.cross_fit import BAYES, GRID, JOINT, NEW, OWN, CrossFitScores, scales

_SECTION = """
  cf_f{i} = Slice (INPUT, cf_first{i}, cf_stop{i}, cf_axis)
  cf_n{i} = Cast <to = 7> (cf_f{i})
  cf_w{i} = Gather <axis = 0> (cf_table{i}, cf_n{i})
  cf_whole_w{i} = Cast <to = 1> (cf_w{i})
  cf_grid_s{i} = ReduceSum <keepdims = 0> (cf_whole_w{i}, cf_axis)
  cf_s{i} = Div (cf_grid_s{i}, cf_grid)
  cf_held{i} = Sign (cf_f{i})
  cf_size{i} = ReduceSum <keepdims = 1> (cf_held{i}, cf_axis)
  cf_count{i} = Cast <to = 7> (cf_size{i})
  cf_scale{i} = Gather <axis = 0> (cf_scales, cf_count{i})
  cf_plainown{i} = Gather <axis = 1> (cf_s{i}, cf_own)
  cf_own{i} = Mul (cf_plainown{i}, cf_scale{i})
  cf_joint{i} = Gather <axis = 1> (cf_s{i}, cf_joint)
  cf_rest{i} = Gather <axis = 1> (cf_s{i}, cf_rest)
"""
_WHOLE = """
  cf_figures = Slice (INPUT, cf_zero, cf_n_figures, cf_axis)
  cf_size = Sum (SIZES)
  cf_count = Cast <to = 7> (cf_size)
  cf_scale = Gather <axis = 0> (cf_scales, cf_count)
  cf_sum = Sum (JOINTS)
  cf_whole = Mul (cf_sum, cf_scale)
  FILLED = Concat <axis = 1> (cf_figures, OWNS, cf_whole, RESTS)
"""


def shape_scores(operator: Operator) -> None:
    """Declare the output of ``CrossFitScores``.

    Parameters
    ----------
    operator : Operator
        skl2onnx's view of the estimator.
    """
    model: CrossFitScores = operator.raw_operator
    n_columns = model.n_figures + 3 * len(model.sections) + 1
    operator.outputs[0].type = FloatTensorType([None, n_columns])


def convert_scores(scope: Scope, operator: Operator, container: ModelComponentContainer) -> None:
    """Add the nodes that score as ``CrossFitScores.transform`` does.

    Parameters
    ----------
    scope : Scope
        Unused.
    operator : Operator
        skl2onnx's view of the estimator.
    container : ModelComponentContainer
        The graph being built.
    """
    model: CrossFitScores = operator.raw_operator
    places = range(len(model.sections))
    text = "".join(_SECTION.format(i=i) for i in places) + _WHOLE
    for name, parts in (("SIZES", "size"), ("JOINTS", "joint"), ("OWNS", "own"), ("RESTS", "rest")):
        text = text.replace(name, ", ".join(f"cf_{parts}{i}" for i in places))
    text = text.replace("INPUT", operator.inputs[0].full_name)
    text = text.replace("FILLED", operator.outputs[0].full_name)
    container.nodes.extend(parser.parse_graph(f"cross_fit () => () {{ {text} }}").node)
    for name, value in _constants(model).items():
        container.initializers.append(numpy_helper.from_array(value, f"cf_{name}"))


def _constants(model: CrossFitScores) -> dict[str, np.ndarray]:
    constants = {
        "axis": np.array([1]),
        "zero": np.array([0]),
        "n_figures": np.array([model.n_figures]),
        "own": np.array([OWN]),
        "joint": np.array([JOINT]),
        "rest": np.array([BAYES, NEW]),
        "grid": np.array(GRID, dtype=np.float32),
        "scales": scales(sum(stop - first for first, stop, _ in model.sections)),
    }
    for i, ((first, stop, _), table) in enumerate(zip(model.sections, model.tables_, strict=True)):
        constants[f"first{i}"] = np.array([first])
        constants[f"stop{i}"] = np.array([stop])
        constants[f"table{i}"] = table
    return constants
