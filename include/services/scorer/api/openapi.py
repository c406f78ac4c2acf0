"""The OpenAPI 3.1 document of this service, as it is with the models in production."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from include.inference.explain.rows import MAX_ROWS
from include.inference.model import INPUT, OnnxModel
from include.registry.follow import ProductionModel
from include.services.scorer.api.schemas import (
    FEEDBACK,
    SCORING,
    Schema,
    closed,
    example_record,
    feedback_examples,
    feedback_schema,
    list_of,
    lookup_examples,
    lookup_schema,
    matches_schema,
    problems,
    records_schemas,
    reference,
    response_schemas,
    tensor_schemas,
    url_schema,
)
from include.services.scorer.auth.access import LOOKUP
from include.services.scorer.settings import Limits

Entries = Sequence[ProductionModel[OnnxModel]]
_EXAMPLE_URL = "http://suspicious-example.com/login"
_STATUS_ROUTES = {
    "/health/live": "Whether the process is alive",
    "/health/ready": "Whether every pipeline has a model in production",
    "/admission": "Whether the client may send something",
    "/version": "The code and the models in production",
    "/v2": "The server, by the Open Inference Protocol",
    "/v2/health/live": "Whether the process is alive",
    "/v2/health/ready": "Whether every pipeline has a model in production",
}
_MODEL = "/v2/models/{model_name}"
_VERSION = f"{_MODEL}/versions/{{version}}"


def describe_api(entries: Entries, limits: Limits, build: str) -> dict[str, Any]:
    """Return the document.

    Parameters
    ----------
    entries : sequence of ProductionModel
        The models in production; their manifests say what a record is.
    limits : Limits
    build : str
        Commit of the code.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "NightCatch scoring service",
            "version": build,
            "description": "Tells phishing from legitimate sites with the newest approved model.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": {
            "/predict": {"post": _predict(entries, limits)},
            "/explain": {"post": _explain(entries, limits)},
            "/feedback": {"post": _feedback(limits)},
            LOOKUP: {"post": _lookup(limits)},
            **_status_paths(),
            "/models/{pipeline}/report": {"get": _report(entries)},
            **_inference_paths(entries),
        },
        "security": [{}, {"key": []}],
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "key_in_query": {"type": "apiKey", "in": "query", "name": "key"},
            },
            "schemas": {
                **records_schemas(entries),
                **response_schemas(),
                **tensor_schemas(entries),
                "Feedback": feedback_schema(),
            },
        },
    }


def _predict(entries: Entries, limits: Limits) -> dict[str, Any]:
    upload = closed({"file": {"type": "string", "format": "binary"}, "pipeline": _pipeline()})
    upload["required"] = ["file"]
    content = {
        "application/json": {
            "schema": request_schema(entries, limits),
            "examples": examples(entries),
        },
        "multipart/form-data": {"schema": upload},
    }
    responses = [
        reference(name) for name in ("SinglePrediction", "Predictions", "TablePredictions")
    ]
    content_of_200 = {
        "application/json": {"schema": {"oneOf": responses}},
        "text/csv": {"schema": {"type": "string"}},
        "text/html": {"schema": {"type": "string"}},
    }
    return {
        "operationId": "predict",
        "summary": "Score records, addresses or a CSV file",
        "description": "A CSV file is returned as JSON, CSV or HTML, by the Accept header.",
        "parameters": [
            {
                "name": "explain",
                "in": "query",
                "description": "The response to a JSON body is that of /explain.",
                "schema": {"enum": ["true", "false", "1", "0"]},
            }
        ],
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": {"description": "The verdicts", "content": content_of_200},
            **problems(*SCORING, 406),
        },
    }


def _explain(entries: Entries, limits: Limits) -> dict[str, Any]:
    few = replace(limits, records=min(MAX_ROWS, limits.records))
    content_sent = {"schema": request_schema(entries, few), "examples": examples(entries)}
    responses = [reference(name) for name in ("SinglePrediction", "Predictions")]
    content_of_200 = {"application/json": {"schema": {"oneOf": responses}}}
    return {
        "operationId": "explain",
        "summary": "Score records or addresses, with what each input contributes",
        "description": "Contributions in log-odds that add up to the score.",
        "requestBody": {"required": True, "content": {"application/json": content_sent}},
        "responses": {
            "200": {"description": "Verdicts", "content": content_of_200},
            **problems(*SCORING),
        },
    }


def _feedback(limits: Limits) -> dict[str, Any]:
    one = reference("Feedback")
    many = closed({"feedback": list_of(one, minItems=1, maxItems=limits.records)})
    content_sent = {"schema": {"oneOf": [one, many]}, "examples": feedback_examples()}
    content_of_200 = {"application/json": {"schema": closed({"accepted": {"type": "integer"}})}}
    return {
        "operationId": "feedback",
        "summary": "Give labels for earlier predictions",
        "description": "Always needs an API key. What is accepted is safe on the service's disk.",
        "security": [{"key": []}],
        "requestBody": {"required": True, "content": {"application/json": content_sent}},
        "responses": {
            "202": {"description": "How many labels are kept", "content": content_of_200},
            **problems(*FEEDBACK),
        },
    }


def _lookup(limits: Limits) -> dict[str, Any]:
    sent = {"schema": lookup_schema(limits.records), "examples": lookup_examples(_EXAMPLE_URL)}
    content_of_200 = {"application/json": {"schema": matches_schema()}}
    return {
        "operationId": "find_threat_matches",
        "summary": "Name the phishing URLs among some, as Google's Safe Browsing API v4 does",
        "security": [{}, {"key": []}, {"key_in_query": []}],
        "requestBody": {"required": True, "content": {"application/json": sent}},
        "responses": {
            "200": {"description": "The phishing URLs", "content": content_of_200},
            **problems(*SCORING),
        },
    }


def request_schema(entries: Entries, limits: Limits) -> Schema:
    """Return the schema of a JSON body: one of the members that the models in production read."""
    many = {"minItems": 1, "maxItems": limits.records}
    records = [reference(name) for name in records_schemas(entries)]
    shapes: dict[str, Schema] = {}
    if records:
        record = records[0] if len(records) == 1 else {"anyOf": records}
        shapes |= {"record": record, "records": list_of(record, **many)}
    if any(entry.model.schema.is_text for entry in entries):
        shapes |= {"url": url_schema(), "urls": list_of(url_schema(), **many)}
    pipeline = _pipeline()
    if not shapes:
        return {"not": {}}
    return {
        "oneOf": [
            closed({name: schema, "pipeline": pipeline}, ["pipeline"])
            for name, schema in shapes.items()
        ]
    }


def examples(entries: Entries) -> dict[str, Any]:
    """Return bodies that the models in production read, by name: one item, and several."""
    found = {}
    for entry in entries:
        name = entry.pointer.pipeline
        one: dict[str, object] = {"url": _EXAMPLE_URL}
        several: dict[str, object] = {"urls": [_EXAMPLE_URL, "https://www.example.org/"]}
        if not entry.model.schema.is_text:
            record = example_record(entry.manifest.inputs)
            one, several = {"record": record}, {"records": [record, record]}
        found[name] = {"summary": f"One item for the pipeline {name}", "value": one}
        found[f"{name}_several"] = {
            "summary": f"Several items for the pipeline {name}",
            "value": {**several, "pipeline": name},
        }
    return found


def _pipeline() -> Schema:
    return {
        "type": ["string", "null"],
        "description": "The pipeline that scores; else the one with the columns.",
    }


def _status_paths() -> dict[str, Any]:
    paths: dict[str, Any] = {
        path: {"get": _get(summary, "application/json", {"type": "object"})}
        for path, summary in _STATUS_ROUTES.items()
    }
    paths["/metrics"] = {"get": _get("Counters for Prometheus", "text/plain", {"type": "string"})}
    for path in ("/health/ready", "/v2/health/ready"):
        paths[path]["get"]["responses"] |= problems(503)
    for path in ("/admission", "/metrics"):
        paths[path]["get"]["responses"] |= problems(401)
    return paths


def _report(entries: Entries) -> dict[str, Any]:
    name = {"name": "pipeline", "in": "path", "required": True, "schema": {"type": "string"}}
    example = {"example": entries[0].pointer.pipeline} if entries else {}
    summary = "The report of the version in production, as a page"
    described = _get(summary, "text/html", {"type": "string"})
    described["parameters"] = [{**name, **example}]
    described["responses"] |= problems(404, 503)
    return described


def _inference_paths(entries: Entries) -> dict[str, Any]:
    text = {"in": "path", "required": True, "schema": {"type": "string"}}
    name, version = {"name": "model_name", **text}, {"name": "version", **text}
    if entries:
        name["example"] = entries[0].pointer.pipeline
        version["example"] = entries[0].pointer.version
    paths: dict[str, Any] = {}
    for path, parameters in ((_MODEL, [name]), (_VERSION, [name, version])):
        infer = {**_infer(entries), "parameters": parameters}
        infer["operationId"] = "infer" if path == _MODEL else "infer_version"
        paths[path] = {"get": _model_get("A model's inputs and outputs", parameters)}
        paths[f"{path}/ready"] = {"get": _model_get("Whether a model is in production", parameters)}
        paths[f"{path}/infer"] = {"post": infer}
    return paths


def _model_get(summary: str, parameters: list[Any]) -> dict[str, Any]:
    operation = _get(summary, "application/json", {"type": "object"})
    operation["responses"] |= problems(404, 503)
    return {**operation, "parameters": parameters}


def _infer(entries: Entries) -> dict[str, Any]:
    content_sent = {"schema": reference("InferenceRequest"), "examples": _tensor_examples(entries)}
    content = {"application/json": {"schema": reference("InferenceAnswer")}}
    return {
        "summary": "Score tensors, by the Open Inference Protocol",
        "description": "Binary tensors, by Triton's extension, are read and written too.",
        "requestBody": {"required": True, "content": {"application/json": content_sent}},
        "responses": {
            "200": {"description": "The tensors", "content": content},
            **problems(*SCORING),
        },
    }


def _tensor_examples(entries: Entries) -> dict[str, Any]:
    found = {}
    for entry in entries[:1]:
        schema = entry.model.schema
        data: list[Any] = [_EXAMPLE_URL]
        if not schema.is_text:
            data = list(example_record(entry.manifest.inputs).values())
        datatype = "BYTES" if schema.is_text else "FP32"
        tensor = {"name": INPUT, "shape": [1, schema.n_inputs], "datatype": datatype, "data": data}
        summary = f"One row for the model {entry.pointer.pipeline}"
        found[entry.pointer.pipeline] = {"summary": summary, "value": {"inputs": [tensor]}}
    return found


def _get(summary: str, media_type: str, schema: Schema) -> dict[str, Any]:
    content_of_200 = {"description": summary, "content": {media_type: {"schema": schema}}}
    return {"summary": summary, "responses": {"200": content_of_200}}
