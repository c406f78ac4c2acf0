"""A model is tried before it is verified to be one."""

import numpy as np
import pytest

from include.contract.schema import InputField
from include.errors import ManifestError, ModelOutputError, NightCatchError, VersionRefusedError
from include.inference.model import load_model
from include.urls.reference.build import built_in_bytes
from tests.support import onnx_graphs
from tests.support.scorer_app import TEXT
from tests.support.signed_versions import Version, version_name

THREE_INPUTS = tuple(InputField(name, "int8", (-1, 0, 1)) for name in "abc")


def manifest(**changes):
    return Version(version_name(1)).manifest(**changes)


def test_scores_are_the_models_probabilities():
    model = load_model(onnx_graphs.logistic((2.0, -1.0), 0.5), manifest())
    matrix = model.schema.encode([{"a": 1, "b": -1}, {"a": None, "b": 1}])

    expected = 1 / (1 + np.exp([-3.5, 0.5]))

    scores = model.score(matrix)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_a_text_model_answers_too():
    model = load_model(onnx_graphs.text_classifier(), manifest(**TEXT), built_in_bytes())
    matrix = model.schema.encode([{"url": "http://bad.example/"}, {"url": "http://good.example/"}])

    assert model.score(matrix).tolist() == pytest.approx([0.9, 0.1])


@pytest.mark.parametrize(
    ("body", "changes", "error", "reason"),
    [
        (
            onnx_graphs.logistic(),
            {"inputs": THREE_INPUTS},
            VersionRefusedError,
            "not those of the man",
        ),
        (onnx_graphs.text_classifier(), {}, VersionRefusedError, "not those of the manifest"),
        (onnx_graphs.constant(1.5), {}, ModelOutputError, "no probability"),
        (onnx_graphs.constant(float("nan")), {}, ModelOutputError, "no probability"),
        (onnx_graphs.with_external_weights(), {}, VersionRefusedError, "another file"),
        (onnx_graphs.text_classifier(), {**TEXT, "features": ""}, ManifestError, "go together"),
        (
            onnx_graphs.text_classifier(),
            {**TEXT, "features": "urls-0"},
            ManifestError,
            "no feature set",
        ),
        (onnx_graphs.logistic(), {"features": "urls-1"}, ManifestError, "go together"),
        (onnx_graphs.text_classifier(), TEXT, ManifestError, "reference.bin"),
        (b"", {}, VersionRefusedError, "ONNX Runtime refuses"),
        (b"junk", {}, VersionRefusedError, "not an ONNX model"),
        (
            onnx_graphs.logistic(),
            {"inputs": (InputField("a", "complex", None), InputField("b", "int8", None))},
            ManifestError,
            "complex",
        ),
    ],
    ids=[
        "width",
        "kind",
        "above 1",
        "nan",
        "external",
        "no features",
        "unknown features",
        "features of numbers",
        "no reference data",
        "empty",
        "junk",
        "unknown dtype",
    ],
)
def test_a_model_that_cannot_answer_is_refused(body, changes, error, reason):
    with pytest.raises(error, match=reason):
        load_model(body, manifest(**changes))


def test_no_changed_byte_brings_the_process_down():
    body = onnx_graphs.logistic()
    refused = 0
    for position in range(0, len(body), 3):
        changed = bytearray(body)
        changed[position] ^= 0xFF
        try:
            load_model(bytes(changed), manifest())
        except NightCatchError:
            refused += 1

    assert refused > len(body) / 9
