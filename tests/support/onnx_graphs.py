"""Tiny ONNX graphs for tests: one logistic neuron, and graphs that no scorer may run."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from include.features.feature_sets import URLS
from include.features.urls import GROUP, featurise
from include.urls.reference.build import built_in_reference

OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]


def logistic(weights=(2.0, -1.0), intercept=0.0):
    """Return bytes of P = sigmoid(X @ weights + intercept); a missing value counts as 0."""
    return model(logistic_nodes(), logistic_weights(weights, intercept), len(weights))


def linear(weights, intercept):
    """Return bytes of P = X @ weights + intercept, which is a probability of some inputs only."""
    nodes = [node for node in logistic_nodes() if node.op_type != "Sigmoid"]
    nodes[-1].input[0] = "logit"
    return model(nodes, logistic_weights(weights, intercept), len(weights))


def logistic_nodes():
    return [
        helper.make_node("IsNaN", ["X"], ["is_missing"]),
        helper.make_node("Where", ["is_missing", "zero", "X"], ["imputed"]),
        helper.make_node("MatMul", ["imputed", "weights"], ["weighted"]),
        helper.make_node("Add", ["weighted", "intercept"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["column"]),
        helper.make_node("Reshape", ["column", "flat"], ["probability"]),
    ]


def logistic_weights(weights, intercept):
    return [
        numpy_helper.from_array(np.array(0, dtype=np.float32), "zero"),
        numpy_helper.from_array(np.array(weights, dtype=np.float32).reshape(-1, 1), "weights"),
        numpy_helper.from_array(np.array([intercept], dtype=np.float32), "intercept"),
        numpy_helper.from_array(np.array([-1], dtype=np.int64), "flat"),
    ]


def model(nodes, weights, n_inputs, opsets=OPSETS, functions=()):
    """Return the bytes of a model with the contract's input and output."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [None, n_inputs])],
        [helper.make_tensor_value_info("probability", TensorProto.FLOAT, [None])],
        weights,
    )
    built = helper.make_model(graph, opset_imports=opsets, ir_version=9, functions=functions)
    return built.SerializeToString()


def constant(value, n_inputs=2):
    """Return a model whose every answer is `value`."""
    weights = logistic_weights([0.0] * n_inputs, 0.0)
    weights.append(numpy_helper.from_array(np.array(value, dtype=np.float32), "value"))
    nodes = logistic_nodes()[:-1]
    nodes.append(helper.make_node("Mul", ["column", "zero"], ["nothing"]))
    nodes.append(helper.make_node("Add", ["nothing", "value"], ["all_equal"]))
    nodes.append(helper.make_node("Reshape", ["all_equal", "flat"], ["probability"]))
    return model(nodes, weights, n_inputs)


def text_classifier(phishing=("http://bad.example/",)):
    """Return a model of URLs: .9 on the listed ones' registrable domains, .1 elsewhere."""
    nodes = [
        helper.make_node("Gather", ["X", "group"], ["domain"], axis=1),
        helper.make_node(
            "LabelEncoder",
            ["domain"],
            ["column"],
            domain="ai.onnx.ml",
            keys_floats=featurise(list(phishing), built_in_reference())[:, GROUP].tolist(),
            values_floats=[0.9] * len(phishing),
            default_float=0.1,
        ),
        helper.make_node("Reshape", ["column", "flat"], ["probability"]),
    ]
    flat = numpy_helper.from_array(np.array([-1], dtype=np.int64), "flat")
    group = numpy_helper.from_array(np.array([GROUP], dtype=np.int64), "group")
    return model(nodes, [flat, group], URLS.n_columns)


def with_external_weights(location="../../../../etc/hostname"):
    """Return a logistic model whose weights would be read from a file."""
    weights = logistic_weights([2.0, -1.0], 0.0)
    outside = weights[1]
    outside.ClearField("raw_data")
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value=location)
    return model(logistic_nodes(), weights, 2)


def with_operator(name, domain=""):
    """Return a logistic model with one more node, of the given operator."""
    nodes = [helper.make_node(name, ["X"], ["unused"], domain=domain), *logistic_nodes()]
    opsets = [*OPSETS, helper.make_opsetid(domain, 1)] if domain else OPSETS
    return model(nodes, logistic_weights([2.0, -1.0], 0.0), 2, opsets=opsets)


def with_function_that_calls_itself():
    """Return a model whose local function has no end."""
    call = helper.make_node("again", ["a"], ["b"], domain="local")
    opsets = [*OPSETS, helper.make_opsetid("local", 1)]
    function = helper.make_function("local", "again", ["a"], ["b"], [call], opsets)
    nodes = [helper.make_node("again", ["X"], ["unused"], domain="local"), *logistic_nodes()]
    weights = logistic_weights([2.0, -1.0], 0.0)
    return model(nodes, weights, 2, opsets=opsets, functions=[function])
