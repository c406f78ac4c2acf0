"""The ONNX form of ``CrossFitScores``, for skl2onnx; its sums are exact, so nothing is rounded."""

import numpy as np
from onnx import numpy_helper, parser
from skl2onnx.common._container import ModelComponentContainer
from skl2onnx.common._topology import Operator, Scope
from skl2onnx.common.data_types import FloatTensorType

from include.estimators.cross_fit import BAYES, GRIDS, NEW, OWN, WHOLE, CrossFitScores, scales
from include.estimators.target_encoding import ODDS_GRID

_SECTION = """
  cf_f{i} = Slice (INPUT, cf_first{i}, cf_stop{i}, cf_axis)
  cf_n{i} = Cast <to = 7> (cf_f{i})
  cf_w{i} = Gather <axis = 0> (cf_table{i}, cf_n{i})
  cf_whole_w{i} = Cast <to = 1> (cf_w{i})
  cf_grid_s{i} = ReduceSum <keepdims = 0> (cf_whole_w{i}, cf_axis)
  cf_s{i} = Div (cf_grid_s{i}, cf_grids{i})
  cf_held{i} = Sign (cf_f{i})
  cf_size{i} = ReduceSum <keepdims = 1> (cf_held{i}, cf_axis)
  cf_count{i} = Cast <to = 7> (cf_size{i})
  cf_scale{i} = Gather <axis = 0> (cf_scales, cf_count{i})
  cf_plainfine{i} = Gather <axis = 1> (cf_s{i}, cf_fine{i})
  cf_scaledfine{i} = Mul (cf_plainfine{i}, cf_scale{i})
"""
_SCORED = """
  cf_plainown{i} = Gather <axis = 1> (cf_s{i}, cf_own)
  cf_own{i} = Mul (cf_plainown{i}, cf_scale{i})
  cf_whole{i} = Gather <axis = 1> (cf_s{i}, cf_whole)
  cf_rest{i} = Gather <axis = 1> (cf_s{i}, cf_rest)
"""
# Scaled scores are no whole numbers: they are added one by one, as in Python.
_ADDED = "  cf_sum{i} = Add (cf_sum{before}, cf_scaledfine{i})\n"
_PEERS = """
  cf_peers = Slice (INPUT, cf_peers_first, cf_peers_stop, cf_axis)
  cf_peer_numbers = Cast <to = 7> (cf_peers)
  cf_peer_odds = Gather <axis = 0> (cf_odds, cf_peer_numbers)
  cf_peer_whole = Cast <to = 1> (cf_peer_odds)
  cf_of_peers = Div (cf_peer_whole, cf_odds_grid)
"""
_WHOLE = """
  cf_figures = Slice (INPUT, cf_zero, cf_n_figures, cf_axis)
  cf_size = Sum (SIZES)
  cf_count = Cast <to = 7> (cf_size)
  cf_scale = Gather <axis = 0> (cf_scales, cf_count)
  cf_plainwhole = Sum (WHOLES)
  cf_scaledwhole = Mul (cf_plainwhole, cf_scale)
  FILLED = Concat <axis = 1> (FIRST, OWNS, cf_scaledwhole, RESTS, cf_sum{last})
"""


def shape_scores(operator: Operator) -> None:
    """Declare the output of ``CrossFitScores``.

    Parameters
    ----------
    operator : Operator
        skl2onnx's view of the estimator.
    """
    model: CrossFitScores = operator.raw_operator
    n_columns = model.n_figures + model.n_scores
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
    text = _body(range(len(model.sections)), range(model.n_scored), model.passed_on)
    text = (_PEERS if model.peers else "") + text
    text = text.replace("FIRST", "cf_figures, cf_of_peers" if model.peers else "cf_figures")
    text = text.replace("INPUT", operator.inputs[0].full_name)
    text = text.replace("FILLED", operator.outputs[0].full_name)
    container.nodes.extend(parser.parse_graph(f"cross_fit () => () {{ {text} }}").node)
    for name, value in _constants(model).items():
        container.initializers.append(numpy_helper.from_array(value, f"cf_{name}"))


def _body(places: range, scored: range, odds_of: tuple[int, ...]) -> str:
    text = "".join(_SECTION.format(i=i) for i in places)
    text += "".join(_SCORED.format(i=i) for i in scored)
    text += "  cf_sum0 = Identity (cf_scaledfine0)\n"
    text += "".join(_ADDED.format(i=i, before=i - 1) for i in places[1:])
    text += _WHOLE.format(last=places[-1])
    for name, parts in (("SIZES", "size"), ("WHOLES", "whole"), ("OWNS", "own")):
        text = text.replace(name, ", ".join(f"cf_{parts}{i}" for i in scored))
    return text.replace("RESTS", ", ".join(f"cf_rest{i}" for i in odds_of))


def _constants(model: CrossFitScores) -> dict[str, np.ndarray]:
    constants = {
        "axis": np.array([1]),
        "zero": np.array([0]),
        "n_figures": np.array([model.n_figures]),
        "own": np.array([OWN]),
        "whole": np.array([WHOLE]),
        "rest": np.array([BAYES, NEW]),
        "scales": scales(sum(stop - first for first, stop, _ in model.sections)),
    }
    for i, ((first, stop, _), table) in enumerate(zip(model.sections, model.tables_, strict=True)):
        constants[f"first{i}"] = np.array([first])
        constants[f"stop{i}"] = np.array([stop])
        constants[f"table{i}"] = table
        constants[f"grids{i}"] = np.array(GRIDS[-table.shape[1] :], np.float32)
        constants[f"fine{i}"] = np.array([table.shape[1] - 1])
    if model.peers:
        constants["peers_first"], constants["peers_stop"] = (np.array([i]) for i in model.peers[:2])
        constants["odds"] = model.odds_
        constants["odds_grid"] = np.array(ODDS_GRID, np.float32)
    return constants
