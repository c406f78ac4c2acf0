"""Check what an ONNX graph contains: allowed operators, and nothing outside its bytes."""

import os
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

import onnx
from google.protobuf.message import (  # type: ignore[import-untyped]  # it has no annotations
    DecodeError,
    Message,
)

from include.errors import VersionRefusedError

_TENSORS = """
Abs Add And ArgMax ArgMin Cast Ceil Clip Compress Concat Constant ConstantOfShape CumSum Div Equal
Erf Exp Expand Flatten Floor Gather GatherElements GatherND Gemm Greater GreaterOrEqual Identity If
IsInf IsNaN Less LessOrEqual Log MatMul Max Mean Min Mod Mul Neg NonZero Not OneHot Or Pow Range
Reciprocal ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
ReduceSumSquare Relu Reshape Round Scan ScatterElements ScatterND Shape Sigmoid Sign Size Slice
Softmax Split Sqrt Squeeze StringNormalizer Sub Sum Tanh TfIdfVectorizer Tile TopK Transpose Trilu
Unique Unsqueeze Where Xor
"""
_CLASSIC_MODELS = """
ArrayFeatureExtractor Binarizer CastMap CategoryMapper DictVectorizer FeatureVectorizer Imputer
LabelEncoder LinearClassifier LinearRegressor Normalizer OneHotEncoder SVMClassifier SVMRegressor
Scaler TreeEnsemble TreeEnsembleClassifier TreeEnsembleRegressor
"""
# Stateless, bounded operators: no loop without end, no randomness, no file, no custom code.
ALLOWED = frozenset(
    [("", name) for name in _TENSORS.split()]
    + [("ai.onnx.ml", name) for name in _CLASSIC_MODELS.split()]
)


REFUSED = 3  # exit code of `main`


def main() -> int:
    """Check the graph on standard input, at low priority; print why it is refused."""
    os.nice(19)
    try:
        check_graph(sys.stdin.buffer.read())
    except VersionRefusedError as err:
        sys.stdout.write(str(err))
        return REFUSED
    return 0


def check_graph(body: bytes) -> None:
    """Return when `body` is an ONNX model of allowed operators that is complete in itself.

    Parameters
    ----------
    body : bytes
        A serialised ``onnx.ModelProto``.

    Raises
    ------
    VersionRefusedError
        If it is none, names a file for its weights, or uses another operator.
    """
    try:
        model = onnx.ModelProto.FromString(body)
    except DecodeError as err:
        raise VersionRefusedError("model.onnx is not an ONNX model") from err
    if model.training_info:
        raise VersionRefusedError("model.onnx carries training information")
    functions = {(_domain(entry.domain), entry.name): entry for entry in model.functions}
    for message in _messages(model):
        if isinstance(message, onnx.TensorProto):
            _check_tensor(message)
        elif isinstance(message, onnx.NodeProto):
            operator = (_domain(message.domain), message.op_type)
            if operator not in ALLOWED and operator not in functions:
                raise VersionRefusedError(f"model.onnx uses the operator {_full_name(*operator)}")
    _check_calls_end(functions)


def _check_tensor(tensor: onnx.TensorProto) -> None:
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise VersionRefusedError(f"model.onnx keeps the weights {tensor.name!r} in another file")


def _check_calls_end(functions: dict[tuple[str, str], onnx.FunctionProto]) -> None:
    calls = {
        name: {
            (_domain(node.domain), node.op_type)
            for node in _messages(function)
            if isinstance(node, onnx.NodeProto)
        }
        & functions.keys()
        for name, function in functions.items()
    }
    try:
        TopologicalSorter(calls).prepare()
    except CycleError as err:
        raise VersionRefusedError("model.onnx has a function that calls itself") from err


def _messages(message: Message) -> Iterator[Message]:
    yield message
    for _, value in message.ListFields():
        if isinstance(value, Message):
            yield from _messages(value)
        elif not isinstance(value, (str, bytes, int, float)) and value:
            children = value if isinstance(value[0], Message) else ()
            for child in children:
                yield from _messages(child)


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def _full_name(domain: str, name: str) -> str:
    return f"{domain}.{name}" if domain else name


if __name__ == "__main__":
    sys.exit(main())
