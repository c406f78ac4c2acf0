"""The routes of the Open Inference Protocol, version 2 (https://github.com/open-inference)."""

from collections import Counter
from collections.abc import Sequence
from typing import cast

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import UnsupportedMediaType

from include.contract.verdicts import DecidedBy
from include.errors import PipelineUnknownError, RequestRejectedError
from include.inference.model import INPUT, OUTPUT, OnnxModel
from include.inference.prediction_ids import new_id
from include.inference.record_schema import Fault, shorten
from include.inference.traffic_record import TrafficRecord
from include.inference.verdict import verdict
from include.registry.follow import ProductionModel
from include.services.scorer.api.inference_request import (
    LABEL,
    TEXTS,
    InferenceRequest,
    parse_inference_request,
    serialise_outputs,
)
from include.services.scorer.api.problems import problem
from include.services.scorer.api.request_parser import require_plain
from include.services.scorer.auth.access import charge
from include.services.scorer.serving.state import current_scorer

_JSON_LENGTH = "Inference-Header-Content-Length"
# The protocol's best-known client sends no Content-Type at all.
_MEDIA_TYPES = ("", "application/json", "application/octet-stream")
_VERSIONED = "/models/<model_name>/versions/<version>"
blueprint = Blueprint("inference", __name__, url_prefix="/v2")


@blueprint.get("")
def server() -> ResponseReturnValue:
    """Return the server's name, version and extensions of the protocol."""
    build = current_scorer().build
    extensions = ["binary_tensor_data"]
    return jsonify({"name": "nightcatch-scorer", "version": build, "extensions": extensions})


@blueprint.get("/models/<model_name>")
@blueprint.get(_VERSIONED)
def metadata(model_name: str, version: str | None = None) -> ResponseReturnValue:
    """Return a model's inputs and outputs."""
    entry = _production_model(model_name, version)
    schema = entry.model.schema
    datatype = "BYTES" if schema.is_text else "FP32"
    document = {
        "name": model_name,
        "versions": [entry.pointer.version],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": INPUT, "datatype": datatype, "shape": [-1, schema.n_inputs]}],
        "outputs": [
            {"name": OUTPUT, "datatype": "FP32", "shape": [-1]},
            *({"name": name, "datatype": "BYTES", "shape": [-1]} for name in TEXTS),
        ],
    }
    return jsonify(document)


@blueprint.get("/models/<model_name>/ready")
@blueprint.get(f"{_VERSIONED}/ready")
def model_ready(model_name: str, version: str | None = None) -> ResponseReturnValue:
    """Return 200 once the model is in production."""
    entry = _production_model(model_name, version)
    return jsonify({"name": model_name, "version": entry.pointer.version, "ready": True})


@blueprint.post("/models/<model_name>/infer")
@blueprint.post(f"{_VERSIONED}/infer")
def infer(model_name: str, version: str | None = None) -> ResponseReturnValue:
    """Return the probability and the label of each row of a tensor."""
    scorer = current_scorer()
    entry = _production_model(model_name, version)
    require_plain()
    if request.mimetype not in _MEDIA_TYPES:
        raise UnsupportedMediaType("Send application/json, or no Content-Type.")
    schema = entry.model.schema
    asked = parse_inference_request(
        request.get_data(cache=False),
        request.headers.get(_JSON_LENGTH),
        schema,
        scorer.limits.records,
    )
    try:
        matrix = schema.encode(asked.records)
    except RequestRejectedError as err:
        # The module of errors imports nothing, and so cannot name the type.
        faults = cast(Sequence[Fault], err.faults)
        return problem(422, str(err), [asked.describe(fault, schema) for fault in faults])
    probabilities = entry.model.score(matrix).tolist()
    charge(request.environ, len(probabilities))
    return _respond(asked, entry, probabilities, scorer.decisions(entry, matrix, probabilities))


def _production_model(model_name: str, version: str | None) -> ProductionModel[OnnxModel]:
    entry = current_scorer().catalogue.named(model_name)
    if version not in (None, entry.pointer.version):
        raise PipelineUnknownError(
            f"version {shorten(str(version))!r} of {model_name} is not in production; "
            f"{entry.pointer.version} is"
        )
    return entry


def _respond(
    asked: InferenceRequest,
    entry: ProductionModel[OnnxModel],
    probabilities: list[float],
    decided: Sequence[DecidedBy],
) -> Response:
    scorer, pipeline = current_scorer(), entry.pointer.pipeline
    response_id = new_id(pipeline)
    numbers = range(len(probabilities))
    scorer.note(
        TrafficRecord(
            response_id,
            entry.pointer,
            entry.manifest,
            asked.records,
            probabilities,
            numbers,
            decisions=decided,
        )
    )
    verdicts = [
        verdict(value, entry.manifest, by) for value, by in zip(probabilities, decided, strict=True)
    ]
    texts = {name: [each[name] for each in verdicts] for name in TEXTS}
    scorer.metrics.count_predictions(pipeline, Counter(texts[LABEL]))
    members = {
        "model_name": pipeline,
        "model_version": entry.pointer.version,
        # The protocol returns the client's id; feedback needs ours.
        "id": asked.id or response_id,
        "parameters": {"response_id": response_id},
    }
    body, json_length = serialise_outputs(members, asked.outputs, probabilities, texts)
    if json_length is None:
        return Response(body, content_type="application/json")
    response = Response(body, content_type="application/octet-stream")
    response.headers[_JSON_LENGTH] = str(json_length)
    return response
