"""ONNX converter of ``CrossFitScores``; its sums are exact: no rounding."""

import numpy as np
from onnx import numpy_helper, parser
from skl2onnx.common._container import ModelComponentContainer
from skl2onnx.common._topology import Operator, Scope
from skl2onnx.common.data_types import FloatTensorType

from include.estimators.cross_fit import (
    BAYES,
    GRIDS,
    JOINT,
    PER_SECTION,
    UNSEEN,
    CrossFitScores,
    scales,
)
from include.estimators.target_encoding import ODDS_GRID

_SECTION = """
  cf_f{i} = Slice (INPUT, cf_first{i}, cf_stop{i}, cf_axis)
  cf_n{i} = Cast <to = 7> (cf_f{i})
  cf_w{i} = Gather <axis = 0> (cf_table{i}, cf_n{i})
  cf_float_w{i} = Cast <to = 1> (cf_w{i})
  cf_grid_s{i} = ReduceSum <keepdims = 0> (cf_float_w{i}, cf_axis)
  cf_s{i} = Div (cf_grid_s{i}, cf_grids{i})
  cf_held{i} = Sign (cf_f{i})
  cf_size{i} = ReduceSum <keepdims = 1> (cf_held{i}, cf_axis)
  cf_count{i} = Cast <to = 7> (cf_size{i})
  cf_scale{i} = Gather <axis = 0> (cf_scales, cf_count{i})
  cf_plainstandalone{i} = Gather <axis = 1> (cf_s{i}, cf_standalone{i})
  cf_scaledstandalone{i} = Mul (cf_plainstandalone{i}, cf_scale{i})
"""
_SCORED = """
  cf_plainsection{i} = Gather <axis = 1> (cf_s{i}, cf_per_section)
  cf_per_section{i} = Mul (cf_plainsection{i}, cf_scale{i})
  cf_joint{i} = Gather <axis = 1> (cf_s{i}, cf_joint)
  cf_rest{i} = Gather <axis = 1> (cf_s{i}, cf_rest)
"""
# Scaled scores are not whole numbers: they are added one by one, as in Python.
_ADDED = "  cf_sum{i} = Add (cf_sum{before}, cf_scaledstandalone{i})\n"
_CATEGORIES = """
  cf_categories = Slice (INPUT, cf_categories_first, cf_categories_stop, cf_axis)
  cf_category_numbers = Cast <to = 7> (cf_categories)
  cf_category_odds = Gather <axis = 0> (cf_odds, cf_category_numbers)
  cf_category_float = Cast <to = 1> (cf_category_odds)
  cf_of_categories = Div (cf_category_float, cf_odds_grid)
"""
_JOINT = """
  cf_passthrough = Slice (INPUT, cf_zero, cf_n_passthrough, cf_axis)
  cf_size = Sum (SIZES)
  cf_count = Cast <to = 7> (cf_size)
  cf_scale = Gather <axis = 0> (cf_scales, cf_count)
  cf_plainjoint = Sum (JOINTS)
  cf_scaledjoint = Mul (cf_plainjoint, cf_scale)
  FILLED = Concat <axis = 1> (FIRST, PER_SECTION_SCORES, cf_scaledjoint, RESTS, cf_sum{last})
"""


def shape_scores(operator: Operator) -> None:
    """Declare the output of ``CrossFitScores``.

    Parameters
    ----------
    operator : Operator
        skl2onnx's view of the estimator.
    """
    model: CrossFitScores = operator.raw_operator
    n_columns = model.n_passthrough + model.n_scores
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
    text = _body(range(len(model.sections)), range(model.n_scored), model.bayes_places)
    text = (_CATEGORIES if model.categories else "") + text
    text = text.replace(
        "FIRST", "cf_passthrough, cf_of_categories" if model.categories else "cf_passthrough"
    )
    text = text.replace("INPUT", operator.inputs[0].full_name)
    text = text.replace("FILLED", operator.outputs[0].full_name)
    container.nodes.extend(parser.parse_graph(f"cross_fit () => () {{ {text} }}").node)
    for name, value in _constants(model).items():
        container.initializers.append(numpy_helper.from_array(value, f"cf_{name}"))


def _body(places: range, scored: range, bayes_sections: tuple[int, ...]) -> str:
    text = "".join(_SECTION.format(i=i) for i in places)
    text += "".join(_SCORED.format(i=i) for i in scored)
    text += "  cf_sum0 = Identity (cf_scaledstandalone0)\n"
    text += "".join(_ADDED.format(i=i, before=i - 1) for i in places[1:])
    text += _JOINT.format(last=places[-1])
    for name, parts in (
        ("SIZES", "size"),
        ("JOINTS", "joint"),
        ("PER_SECTION_SCORES", "per_section"),
    ):
        text = text.replace(name, ", ".join(f"cf_{parts}{i}" for i in scored))
    return text.replace("RESTS", ", ".join(f"cf_rest{i}" for i in bayes_sections))


def _constants(model: CrossFitScores) -> dict[str, np.ndarray]:
    constants = {
        "axis": np.array([1]),
        "zero": np.array([0]),
        "n_passthrough": np.array([model.n_passthrough]),
        "per_section": np.array([PER_SECTION]),
        "joint": np.array([JOINT]),
        "rest": np.array([BAYES, UNSEEN]),
        "scales": scales(sum(stop - first for first, stop, _ in model.sections)),
    }
    for i, ((first, stop, _), table) in enumerate(zip(model.sections, model.tables_, strict=True)):
        constants[f"first{i}"] = np.array([first])
        constants[f"stop{i}"] = np.array([stop])
        constants[f"table{i}"] = table
        constants[f"grids{i}"] = np.array(GRIDS[-table.shape[1] :], np.float32)
        constants[f"standalone{i}"] = np.array([table.shape[1] - 1])
    if model.categories:
        constants["categories_first"], constants["categories_stop"] = (
            np.array([i]) for i in model.categories[:2]
        )
        constants["odds"] = model.category_log_odds_
        constants["odds_grid"] = np.array(ODDS_GRID, np.float32)
    return constants
