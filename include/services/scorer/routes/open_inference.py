"""The routes of the Open Inference Protocol, version 2 (https://github.com/open-inference)."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from include.errors import RequestRejectedError
from include.inference.model import INPUT, OUTPUT, OnnxModel
from include.inference.prediction_ids import new_id
from include.inference.record_schema import RecordSchema, shorten
from include.inference.traffic_record import Scored
from include.inference.verdict import verdict
from include.registry.follow import ProductionModel
from include.services.scorer.api.problems import problem
from include.services.scorer.api.request_parser import parse_json, require_json
from include.services.scorer.serving.state import current_scorer

LABEL = "prediction"
_NUMBERS = ("FP32", "FP64", "INT8", "INT16", "INT32", "INT64")
blueprint = Blueprint("inference", __name__, url_prefix="/v2")


@blueprint.get("")
def server() -> ResponseReturnValue:
    """Name the server."""
    build = current_scorer().build
    return jsonify({"name": "nightcatch-scorer", "version": build, "extensions": []})


@blueprint.get("/models/<model_name>")
def metadata(model_name: str) -> ResponseReturnValue:
    """Name a model's inputs and outputs."""
    entry = current_scorer().catalogue.named(model_name)
    schema = entry.model.schema
    datatype = "BYTES" if schema.is_text else "FP32"
    document = {
        "name": model_name,
        "versions": [entry.pointer.version],
        "platform": "onnxruntime_onnx",
        "inputs": [{"name": INPUT, "datatype": datatype, "shape": [-1, schema.n_inputs]}],
        "outputs": [
            {"name": OUTPUT, "datatype": "FP32", "shape": [-1]},
            {"name": LABEL, "datatype": "BYTES", "shape": [-1]},
        ],
    }
    return jsonify(document)


@blueprint.get("/models/<model_name>/ready")
def model_ready(model_name: str) -> ResponseReturnValue:
    """Answer 200 once the model is in production."""
    entry = current_scorer().catalogue.named(model_name)
    return jsonify({"name": model_name, "version": entry.pointer.version, "ready": True})


@blueprint.post("/models/<model_name>/infer")
def infer(model_name: str) -> ResponseReturnValue:
    """Answer the probability and the label of each row of a tensor."""
    scorer = current_scorer()
    entry = scorer.catalogue.named(model_name)
    require_json()
    document = _parse(request.get_data(cache=False))
    schema = entry.model.schema
    rows = _rows(document, schema, scorer.limits.records)
    records = [dict(zip(schema.names, row, strict=True)) for row in rows]
    try:
        matrix = schema.encode(records)
    except RequestRejectedError as err:
        return problem(422, str(err), [_describe(fault, schema) for fault in err.faults])
    probabilities = entry.model.score(matrix).tolist()
    answer_id = new_id(model_name)
    numbers = range(len(records))
    scorer.note(Scored(answer_id, entry.pointer, entry.manifest, records, probabilities, numbers))
    return jsonify(_answer(document, entry, probabilities, answer_id))


def _answer(
    document: dict[str, Any],
    entry: ProductionModel[OnnxModel],
    probabilities: list[float],
    answer_id: str,
) -> dict[str, Any]:
    labels = [verdict(value, entry.manifest)["prediction"] for value in probabilities]
    current_scorer().metrics.count_predictions(entry.pointer.pipeline, Counter(labels))
    shape = [len(probabilities)]
    outputs = [
        {"name": OUTPUT, "datatype": "FP32", "shape": shape, "data": probabilities},
        {"name": LABEL, "datatype": "BYTES", "shape": shape, "data": labels},
    ]
    asked = _asked_outputs(document)
    return {
        "model_name": entry.pointer.pipeline,
        "model_version": entry.pointer.version,
        # The protocol echoes the client's id; feedback needs ours.
        "id": document.get("id") or answer_id,
        "parameters": {"answer_id": answer_id},
        "outputs": [output for output in outputs if not asked or output["name"] in asked],
    }


def _parse(body: bytes) -> dict[str, Any]:
    document = parse_json(body)
    if not isinstance(document, dict) or not isinstance(document.get("id", ""), str):
        raise RequestRejectedError("the body is not an inference request")
    _asked_outputs(document)
    return document


def _rows(document: dict[str, Any], schema: RecordSchema, max_rows: int) -> list[Sequence[object]]:
    """Return the tensor's rows; their values are unchecked."""
    inputs = document.get("inputs")
    tensor = inputs[0] if isinstance(inputs, list) and len(inputs) == 1 else None
    if not isinstance(tensor, dict) or tensor.get("name") != INPUT:
        raise RequestRejectedError(f"inputs is not a list of one tensor named {INPUT!r}")
    if tensor.get("datatype") not in (("BYTES",) if schema.is_text else _NUMBERS):
        raise RequestRejectedError(f"datatype {shorten(str(tensor.get('datatype')))} is not read")
    data = _flat(tensor.get("data"))
    n_rows = len(data) // schema.n_inputs
    shapes = [[n_rows, schema.n_inputs]] + ([[n_rows]] if schema.is_text else [])
    if tensor.get("shape") not in shapes or len(data) != n_rows * schema.n_inputs:
        raise RequestRejectedError(f"shape and data are not of [n, {schema.n_inputs}]")
    if not 0 < n_rows <= max_rows:
        raise RequestRejectedError(f"{n_rows} rows in one request, the limit is {max_rows}")
    width = schema.n_inputs
    return [data[start : start + width] for start in range(0, len(data), width)]


def _flat(data: object) -> list[object]:
    """Return the values of a flat or a nested tensor."""
    if not isinstance(data, list):
        raise RequestRejectedError("data is not a list")
    if data and all(isinstance(row, list) for row in data):
        return [value for row in data for value in row]
    return data


def _asked_outputs(document: dict[str, Any]) -> list[str]:
    asked = document.get("outputs") or []
    if not isinstance(asked, list) or not all(isinstance(entry, dict) for entry in asked):
        raise RequestRejectedError("outputs is not a list of tensors")
    names = [entry.get("name") for entry in asked]
    for name in names:
        if name not in (OUTPUT, LABEL):
            raise RequestRejectedError(f"there is no output {shorten(str(name))!r}")
    return names


def _describe(fault: Any, schema: RecordSchema) -> dict[str, str]:
    # The module of errors imports nothing: it cannot name the type of a fault.
    position = fault.row * schema.n_inputs + schema.names.index(fault.field)
    return {
        "pointer": f"#/inputs/0/data/{position}",
        "field": fault.field,
        "rule": fault.rule,
        "detail": fault.detail,
    }
