"""Graphs that may be run, and graphs that are refused before ONNX Runtime sees them."""

import pytest
from onnx import helper

from include.errors import VersionRefusedError
from include.inference.graph_allowlist import check_graph
from tests.support import onnx_graphs


@pytest.mark.parametrize(
    "body",
    [onnx_graphs.logistic(), onnx_graphs.constant(0.5), onnx_graphs.text_classifier()],
    ids=["logistic", "constant", "text"],
)
def test_known_operators_are_accepted(body):
    check_graph(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (onnx_graphs.with_external_weights(), "keeps the weights 'weights' in another file"),
        (onnx_graphs.with_operator("Loop"), "uses the operator Loop"),
        (onnx_graphs.with_operator("RandomNormalLike"), "uses the operator RandomNormalLike"),
        (onnx_graphs.with_operator("Anything", "evil"), r"uses the operator evil\.Anything"),
        (onnx_graphs.with_function_that_calls_itself(), "a function that calls itself"),
        (b"\x08", "not an ONNX model"),
        (onnx_graphs.logistic()[:-20], "not an ONNX model"),
    ],
    ids=["external", "loop", "random", "custom domain", "endless", "garbage", "truncated"],
)
def test_other_graphs_are_refused(body, reason):
    with pytest.raises(VersionRefusedError, match=reason):
        check_graph(body)


def test_an_operator_hidden_in_a_branch_is_found():
    hidden = helper.make_graph([helper.make_node("Loop", ["a"], ["b"])], "branch", [], [])
    node = helper.make_node("Scan", ["X"], ["unused"], body=hidden, num_scan_inputs=1)
    weights = onnx_graphs.logistic_weights([1.0, 1.0], 0.0)
    body = onnx_graphs.model([node, *onnx_graphs.logistic_nodes()], weights, 2)

    with pytest.raises(VersionRefusedError, match="Loop"):
        check_graph(body)
