"""ONNX converter of ``CrossFitScores``; its sums are exact: no rounding."""

import numpy as np
from onnx import numpy_helper, parser
from skl2onnx.common._container import ModelComponentContainer
from skl2onnx.common._topology import Operator, Scope
from skl2onnx.common.data_types import FloatTensorType

from include.estimators.cross_fit import CrossFitScores
from include.estimators.target_encoding import ODDS_GRID
from include.estimators.token_scores import BAYES, GRIDS, JOINT, PER_SECTION, UNSEEN, scales

# A scorer is asked for one URL at a time: there each node costs a microsecond, whatever it does.
_SECTION = """
  cf_n{i} = Cast <to = 6> (cf_f{i})
  cf_w{i} = Gather <axis = 0> (cf_table{i}, cf_n{i})
  cf_float_w{i} = Cast <to = 1> (cf_w{i})
  cf_s{i} = ReduceSum <keepdims = 0> (cf_float_w{i}, cf_axis)
"""
_CATEGORIES = """
  cf_categories = Slice (INPUT, cf_categories_first, cf_categories_stop, cf_axis)
  cf_category_numbers = Cast <to = 6> (cf_categories)
  cf_category_odds = Gather <axis = 0> (cf_odds, cf_category_numbers)
  cf_category_float = Cast <to = 1> (cf_category_odds)
  cf_of_categories = Div (cf_category_float, cf_odds_grid)
"""
# Scaled scores are not whole numbers: `Sum` adds them one by one, as in Python.
_SCORES = """
  cf_held = Sign (INPUT)
  cf_sizes = MatMul (cf_held, cf_members)
  cf_counts = Cast <to = 6> (cf_sizes)
  cf_scale = Gather <axis = 0> (cf_scales, cf_counts)
  cf_on_grids = Concat <axis = 1> (SUMS)
  cf_sums = Div (cf_on_grids, cf_grids)
  cf_plain = Gather <axis = 1> (cf_sums, cf_scaled)
  cf_plain_scale = Gather <axis = 1> (cf_scale, cf_scaled_by)
  cf_each = Mul (cf_plain, cf_plain_scale)
  cf_per_section, STANDALONE = Split <axis = 1> (cf_each, cf_split_each)
  cf_sum = Sum (STANDALONE)
  cf_joints = Gather <axis = 1> (cf_sums, cf_joint)
  cf_plain_joint = ReduceSum <keepdims = 1> (cf_joints, cf_axis)
  cf_joint_scale = Gather <axis = 1> (cf_scale, cf_scored)
  cf_scaled_joint = Mul (cf_plain_joint, cf_joint_scale)
  cf_rest = Gather <axis = 1> (cf_sums, cf_unscaled)
  FILLED = Concat <axis = 1> (FIRST, cf_per_section, cf_scaled_joint, cf_rest, cf_sum)
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
    n_columns = operator.inputs[0].type.shape[1]
    parts, widths = _parts(model, n_columns)
    sections = range(len(model.sections))
    text = f"{', '.join(parts)} = Split <axis = 1> (INPUT, cf_widths)\n"
    text += _CATEGORIES if model.categories else ""
    text += "".join(_SECTION.format(i=i) for i in sections) + _SCORES
    names = {
        "STANDALONE": ", ".join(f"cf_standalone{i}" for i in sections),
        "SUMS": ", ".join(f"cf_s{i}" for i in sections),
        "FIRST": "cf_passthrough" + ", cf_of_categories" * bool(model.categories),
        "INPUT": operator.inputs[0].full_name,
        "FILLED": operator.outputs[0].full_name,
    }
    for name, replaced in names.items():
        text = text.replace(name, replaced)
    container.nodes.extend(parser.parse_graph(f"cross_fit () => () {{ {text} }}").node)
    constants = {"widths": np.array(widths), **_constants(model, n_columns)}
    for name, value in constants.items():
        container.initializers.append(numpy_helper.from_array(value, f"cf_{name}"))


def _parts(model: CrossFitScores, n_columns: int) -> tuple[list[str], list[int]]:
    """Return names and widths of the parts of a row, from left to right, gaps included."""
    named = {(0, model.n_passthrough): "cf_passthrough"}
    named |= {(first, stop): f"cf_f{i}" for i, (first, stop, _) in enumerate(model.sections)}
    names, widths, end = [], [], 0
    for (first, stop), name in [*sorted(named.items()), ((n_columns, n_columns), "")]:
        if first > end:
            names.append(f"cf_gap{end}")
            widths.append(first - end)
        if stop > first:
            names.append(name)
            widths.append(stop - first)
        end = stop
    return names, widths


def _constants(model: CrossFitScores, n_columns: int) -> dict[str, np.ndarray]:
    sections, scored = range(len(model.sections)), range(model.n_scored)
    widths = [table.shape[1] for table in model.tables_]
    starts = np.concatenate([[0], np.cumsum(widths)])  # of each section's sums
    standalone = starts[1:] - 1
    members = np.zeros((n_columns, len(sections) + 1), np.float32)
    for i, (first, stop, _) in enumerate(model.sections):
        members[first:stop, i] = 1
        members[first:stop, -1] = i in scored
    constants = {
        "axis": np.array([1]),
        "members": members,
        "scales": scales(sum(stop - first for first, stop, _ in model.sections)),
        "grids": np.concatenate([GRIDS[-width:] for width in widths]).astype(np.float32),
        "scaled": np.concatenate([starts[: model.n_scored] + PER_SECTION, standalone]),
        "scaled_by": np.array([*scored, *sections]),
        "split_each": np.array([model.n_scored, *[1] * len(sections)]),
        "joint": starts[: model.n_scored] + JOINT,
        "scored": np.array([len(sections)]),
        "unscaled": np.array(
            [starts[i] + column for i in model.bayes_places for column in (BAYES, UNSEEN)]
        ),
    }
    constants |= {f"table{i}": table for i, table in enumerate(model.tables_)}
    if model.categories:
        constants["categories_first"], constants["categories_stop"] = (
            np.array([column]) for column in model.categories[:2]
        )
        constants["odds"] = model.category_log_odds_
        constants["odds_grid"] = np.array(ODDS_GRID, np.float32)
    return constants
