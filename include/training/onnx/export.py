"""Export a fitted model as ONNX, and measure its parity with scikit-learn."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.utils import Extractor
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.frozen import FrozenEstimator

from include.errors import ExportError
from include.estimators.calibrated import PROBABILITY_FLOOR, SigmoidCalibratedClassifier
from include.estimators.cross_fit import CrossFitScores
from include.estimators.imputer import TiedKNNImputer
from include.estimators.logit_blend import LogitBlendClassifier
from include.estimators.neighbors import TiedNeighborsClassifier
from include.training.onnx.boosting import convert_boosting
from include.training.onnx.cross_fit import convert_scores, shape_scores
from include.training.onnx.logit_blend import convert_logit_blend
from include.training.onnx.neighbors import (
    convert_classifier,
    convert_imputer,
    shape_classifier,
    shape_imputer,
)

INPUT = "X"
OUTPUT = "probability"
TARGET_OPSET = {"": 18, "ai.onnx.ml": 3}


def to_onnx(estimator: ClassifierMixin, n_inputs: int) -> bytes:
    """Return the ONNX form of a fitted binary classifier; the same model gives the same bytes.

    The graph has one input ``X``, float32 [N, `n_inputs`] with NaN where a value is missing, and
    one output ``probability``, float32 [N].

    Parameters
    ----------
    estimator : classifier
        Fitted, calibrated or not.
    n_inputs : int
        Number of inputs, in the order of the manifest.

    Raises
    ------
    ExportError
        If a step of the estimator has no ONNX form.
    """
    calibrated = estimator if isinstance(estimator, SigmoidCalibratedClassifier) else None
    inner = calibrated.estimator_ if calibrated else estimator
    if isinstance(inner, FrozenEstimator):
        inner = inner.estimator
    model = _convert(inner, n_inputs)
    model.graph.node.extend(_probability_nodes(_both_classes(model), calibrated))
    model.graph.initializer.extend(_constants(calibrated))
    model.graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None]))
    exported: bytes = _only_probability(model).SerializeToString(deterministic=True)
    return exported


def parity(onnx_bytes: bytes, estimator: ClassifierMixin, X: npt.NDArray[np.float32]) -> float:
    """Return the largest difference between the two forms' probabilities.

    Parameters
    ----------
    onnx_bytes : bytes
        What `to_onnx` returned.
    estimator : classifier
        The estimator it was made of.
    X : ndarray of shape (n_rows, n_inputs), float32
        Rows to compare on.
    """
    session = onnxruntime.InferenceSession(onnx_bytes, providers=["CPUExecutionProvider"])
    rows = np.ascontiguousarray(X, dtype=np.float32)
    (exported,) = session.run([OUTPUT], {INPUT: rows})
    return float(np.abs(exported - estimator.predict_proba(rows)[:, 1]).max())


def _convert(estimator: ClassifierMixin, n_inputs: int) -> ModelProto:
    try:
        model: ModelProto = convert_sklearn(
            estimator,
            name="nightcatch",
            initial_types=[(INPUT, FloatTensorType([None, n_inputs]))],
            target_opset=TARGET_OPSET,
            custom_conversion_functions={
                HistGradientBoostingClassifier: convert_boosting,
                TiedNeighborsClassifier: convert_classifier,
                TiedKNNImputer: convert_imputer,
                CrossFitScores: convert_scores,
                LogitBlendClassifier: convert_logit_blend,
            },
            custom_shape_calculators={
                HistGradientBoostingClassifier: shape_classifier,
                TiedNeighborsClassifier: shape_classifier,
                TiedKNNImputer: shape_imputer,
                CrossFitScores: shape_scores,
                LogitBlendClassifier: shape_classifier,
            },
        )
        return model
    except (NameError, NotImplementedError, RuntimeError, TypeError, ValueError) as err:
        reason = str(err).partition("\n")[0]  # skl2onnx appends a dump of the whole model
        raise ExportError(f"{type(estimator).__name__} has no ONNX form: {reason}") from err


def _both_classes(model: ModelProto) -> str:
    """Name the [N, 2] tensor of probabilities; most converters turn it into dictionaries last."""
    zipped = [node.input[0] for node in model.graph.node if node.op_type == "ZipMap"]
    name: str = zipped[0] if zipped else model.graph.output[1].name
    return name


def _probability_nodes(
    both_classes: str, calibrated: SigmoidCalibratedClassifier | None
) -> list[NodeProto]:
    """Take the positive class's column and, if calibrated, the sigmoid of its log-odds."""
    node = helper.make_node
    if calibrated is None:
        return [node("Gather", [both_classes, "nc_positive"], [OUTPUT], axis=1)]
    return [
        node("Gather", [both_classes, "nc_positive"], ["nc_raw"], axis=1),
        node("Clip", ["nc_raw", "nc_floor", "nc_ceiling"], ["nc_p"]),
        node("Sub", ["nc_one", "nc_p"], ["nc_q"]),
        node("Div", ["nc_p", "nc_q"], ["nc_odds"]),
        node("Log", ["nc_odds"], ["nc_log_odds"]),
        node("Mul", ["nc_log_odds", "nc_slope"], ["nc_scaled"]),
        node("Add", ["nc_scaled", "nc_intercept"], ["nc_calibrated"]),
        node("Sigmoid", ["nc_calibrated"], [OUTPUT]),
    ]


def _constants(calibrated: SigmoidCalibratedClassifier | None) -> list[TensorProto]:
    positive = numpy_helper.from_array(np.array(1, dtype=np.int64), "nc_positive")
    if calibrated is None:
        return [positive]
    values = {
        "nc_floor": PROBABILITY_FLOOR,
        "nc_ceiling": 1 - PROBABILITY_FLOOR,
        "nc_one": 1.0,
        "nc_slope": calibrated.slope_,
        "nc_intercept": calibrated.intercept_,
    }
    return [
        positive,
        *(
            numpy_helper.from_array(np.array(value, dtype=np.float32), name)
            for name, value in values.items()
        ),
    ]


def _only_probability(model: ModelProto) -> ModelProto:
    """Remove the label output and the nodes only it needs."""
    pruned = Extractor(model).extract_model([INPUT], [OUTPUT])
    ordered = _in_fixed_order(pruned.graph.node)
    del pruned.graph.node[:]
    pruned.graph.node.extend(ordered)
    pruned.graph.name = "nightcatch"
    del pruned.opset_import[:]  # skl2onnx declares the oldest that its own nodes allow
    pruned.opset_import.extend(helper.make_opsetid(*entry) for entry in TARGET_OPSET.items())
    pruned.producer_name, pruned.producer_version, pruned.doc_string = "nightcatch", "", ""
    return pruned


def _in_fixed_order(nodes: Sequence[NodeProto]) -> list[NodeProto]:
    """Sort nodes by depth, then by name: skl2onnx's order differs from process to process."""
    depth: dict[str, int] = {}
    for node in nodes:
        below = 1 + max((depth.get(name, 0) for name in node.input), default=0)
        depth.update(dict.fromkeys(node.output, below))
    return sorted(nodes, key=lambda node: (depth[node.output[0]], node.output[0]))
