"""JSON Schemas of requests and responses; a record's is made of its manifest."""

from collections.abc import Sequence
from typing import Any

from include.contract.schema import InputField
from include.contract.verdicts import VERDICTS, DecidedBy
from include.inference.feedback_labels import LABELS, MAX_COMMENT_CHARS, MAX_SOURCE_CHARS
from include.inference.model import INPUT, OnnxModel
from include.inference.prediction_ids import ID_PATTERN
from include.inference.record_schema import MAX_TEXT_CHARS
from include.registry.follow import ProductionModel
from include.services.scorer.api.tensors import NUMPY_TYPES

Schema = dict[str, Any]

_PROBABILITY: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_COUNT: Schema = {"type": "integer"}
_RESPONSE_ID: Schema = {**_TEXT, "description": "Names the response, for feedback; row n is id-n."}
_PROBLEMS = {
    400: "The body is not what its content type says.",
    401: "The service requires an API key.",
    403: "Only clients with an API key may do this, and none is configured.",
    404: "No pipeline reads what was sent.",
    406: "A table is returned as JSON, CSV or HTML only.",
    408: "The body came too slowly.",
    413: "The body, or the table of results, is too large.",
    415: "The content type is not read.",
    422: "A rule of the API or of the model's inputs is broken; the errors say where.",
    429: "The API key's rate limit is exceeded; Retry-After says when to try again.",
    503: "No model is in production yet, or the disk takes no feedback.",
}
SCORING = (400, 401, 404, 408, 413, 415, 422, 429, 503)
FEEDBACK = (400, 401, 403, 408, 413, 415, 422, 429, 503)
LOOKUP_THREAT, LOOKUP_ENTRY = "SOCIAL_ENGINEERING", "URL"
_OPTIONAL = ("url", "scored_url", "unwrapped", "explanation")


def closed(properties: dict[str, Schema], optional: Sequence[str] = ()) -> Schema:
    """Return the schema of an object with exactly these members."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def reference(name: str) -> Schema:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(schema: Schema, **limits: int) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": schema, **limits}


def record_schema(inputs: Sequence[InputField]) -> Schema:
    """Return the schema of a record: every input, null where its value is missing."""
    return closed({field.name: _input(field) for field in inputs})


def example_record(inputs: Sequence[InputField]) -> dict[str, int]:
    """Return a record of each input's lowest value."""
    return {field.name: min(field.allowed) if field.allowed else 0 for field in inputs}


def records_schemas(entries: Sequence[ProductionModel[OnnxModel]]) -> dict[str, Schema]:
    """Return a schema by pipeline of records, called ``Record_<pipeline>``."""
    return {
        f"Record_{entry.pointer.pipeline}": record_schema(entry.manifest.inputs)
        for entry in entries
        if not entry.model.schema.is_text
    }


def url_schema() -> Schema:
    """Return the schema of a URL; JSON Schema cannot express what a browser opens."""
    return {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_TEXT_CHARS,
        "pattern": r"\S",
        "description": "A web address as people write it: a host, defanged, or in a link that holds"
        " it. Never fetched. What is no web address is refused with 422 and the rule `url`.",
    }


def response_schemas() -> dict[str, Schema]:
    """Return the schemas of the responses of every pipeline, by name."""
    reading = {
        "scored_url": {**_TEXT, "description": "The URL that was read out of the text and scored."},
        "unwrapped": {
            **list_of(_TEXT),
            "description": "Services whose links held the URL, the outermost first.",
        },
    }
    item = {"url": _TEXT, **reading, **_verdict(), "explanation": reference("Explanation")}
    return {
        "Model": closed({"pipeline": _TEXT, "version": _TEXT, "serial": {"type": "integer"}}),
        "Prediction": closed(item, _OPTIONAL),
        "SinglePrediction": closed({**item, "model": reference("Model")}, _OPTIONAL),
        "Predictions": closed(
            {
                "predictions": list_of(reference("Prediction")),
                "model": reference("Model"),
                # How many at the end have no explanation, as the request's budget was spent.
                "not_explained": {"type": "integer"},
            },
            ("not_explained",),
        ),
        "TablePredictions": closed(
            {
                "predictions": list_of(reference("Prediction")),
                "model": reference("Model"),
                "rows": {"type": "integer"},
                "by_label": closed(dict.fromkeys(VERDICTS, _COUNT)),
                "ignored_columns": list_of(_TEXT),
            }
        ),
        "Explanation": _explanation(),
        "Problem": _problem(),
    }


def _verdict() -> dict[str, Schema]:
    return {
        "prediction": {
            "enum": list(VERDICTS),
            "description": "By the two thresholds of the version: Phishing from `block` on,"
            " Suspicious from `review` on. Nothing above one half is Legitimate.",
        },
        "confidence": {
            **_PROBABILITY,
            "description": "Calibrated probability of phishing; of its opposite for Legitimate.",
        },
        "probability": {**_PROBABILITY, "description": "Calibrated probability of phishing."},
        "decided_by": {
            "enum": [each.value for each in DecidedBy],
            "description": "What the verdict rests on.",
        },
        "id": _RESPONSE_ID,
    }


def feedback_schema() -> Schema:
    """Return the schema of a label for an earlier prediction."""
    source = {**_TEXT, "minLength": 1, "maxLength": MAX_SOURCE_CHARS}
    return closed(
        {
            "id": {**_RESPONSE_ID, "pattern": f"^{ID_PATTERN}$"},
            "label": {"enum": list(LABELS)},
            "source": {**source, "description": "Who or what says so; printable letters."},
            "comment": {
                **_TEXT,
                "maxLength": MAX_COMMENT_CHARS,
                "description": "For the person who reviews it; printable letters.",
            },
        },
        ["comment"],
    )


def feedback_examples() -> dict[str, Any]:
    """Return bodies of feedback, by name; ids are those of responses."""
    response_id = "019a0000b9117a63a609de55034ddf19"
    one = {"id": response_id, "label": "Phishing", "source": "analyst"}
    row = {"id": f"{response_id}-1", "label": "Legitimate", "source": "customer complaint"}
    return {
        "one": {"summary": "One label", "value": one},
        "several": {"summary": "Labels of rows of a table", "value": {"feedback": [one, row]}},
    }


def lookup_schema(max_entries: int) -> Schema:
    """Return the schema of a body of the Safe Browsing Lookup API; other members are ignored."""
    names = list_of(_TEXT, minItems=1)
    entry = {"type": "object", "properties": {"url": url_schema()}, "required": ["url"]}
    members = dict.fromkeys(("threatTypes", "platformTypes", "threatEntryTypes"), names)
    members["threatEntries"] = list_of(entry, minItems=1, maxItems=max_entries)
    info = {"type": "object", "properties": members, "required": list(members)}
    return {"type": "object", "properties": {"threatInfo": info}, "required": ["threatInfo"]}


def lookup_examples(url: str) -> dict[str, Any]:
    """Return bodies of a look-up, by name."""
    info: dict[str, Any] = {
        "threatTypes": [LOOKUP_THREAT],
        "platformTypes": ["ANY_PLATFORM"],
        "threatEntryTypes": [LOOKUP_ENTRY],
        "threatEntries": [{"url": url}],
    }
    return {"one": {"summary": "One URL", "value": {"threatInfo": info}}}


def matches_schema() -> Schema:
    """Return the schema of its response: a match for each phishing URL."""
    match = {
        "threatType": {"const": LOOKUP_THREAT},
        "platformType": {**_TEXT, "description": "The first that was asked for."},
        "threatEntryType": {"const": LOOKUP_ENTRY},
        "threat": closed({"url": _TEXT}),
        "cacheDuration": {**_TEXT, "pattern": r"^\d+s$"},
    }
    return closed({"matches": list_of(closed(match), minItems=1)}, ["matches"])


def problems(*statuses: int) -> dict[str, Any]:
    """Return the responses to bad requests, by status."""
    content = {"application/problem+json": {"schema": reference("Problem")}}
    return {
        str(status): {"description": _PROBLEMS[status], "content": content}
        for status in sorted(statuses)
    }


def tensor_schemas(entries: Sequence[ProductionModel[OnnxModel]]) -> dict[str, Schema]:
    """Return the schemas of the Open Inference Protocol's requests and responses, by name."""
    widths = sorted({entry.model.schema.n_inputs for entry in entries})
    values = list_of({"type": ["number", "string", "null"]}, minItems=1)
    shape = list_of({"type": "integer", "minimum": 1}, minItems=1, maxItems=2)
    tensor = {
        "name": {**_TEXT, "description": f"{INPUT} for a matrix of all columns, or a column."},
        "shape": {**shape, "description": f"[n, width]; the models' widths: {widths}"},
        "datatype": {"enum": [*NUMPY_TYPES, "BYTES"]},
        "data": {"anyOf": [values, list_of(values, minItems=1)]},
    }
    output = {"name": _TEXT, "shape": shape, "datatype": _TEXT, "data": {"type": "array"}}
    wanted = {"type": "object", "properties": {"name": _TEXT}, "required": ["name"]}
    return {
        "InferenceRequest": {
            "type": "object",
            "properties": {
                "id": {"type": ["string", "null"]},
                "inputs": list_of(
                    {"type": "object", "properties": tensor, "required": list(tensor)},
                    minItems=1,
                ),
                "outputs": list_of(wanted),
            },
            "required": ["inputs"],
        },
        "InferenceAnswer": closed(
            {
                "model_name": _TEXT,
                "model_version": _TEXT,
                "id": _TEXT,
                "parameters": closed({"response_id": _RESPONSE_ID}),
                "outputs": list_of(closed(output)),
            }
        ),
    }


def _explanation() -> Schema:
    contribution = {
        "input": _TEXT,
        "value": {"type": ["number", "string", "null"]},
        "subject": _TEXT,
        "meaning": {**_TEXT, "description": "FieldLabels of the value."},
        "contribution": {**_NUMBER, "description": "Above zero it speaks for phishing."},
    }
    members = {
        "unit": {"const": "log-odds"},
        "base": {**_NUMBER, "description": "Log-odds without any input."},
        "log_odds": {**_NUMBER, "description": "The base and all contributions."},
        "is_exact": {"type": "boolean", "description": "Computed, and not estimated."},
        "known": list_of({**_TEXT, "description": "What is known of the URL's domain."}),
        "contributions": list_of(closed(contribution)),
    }
    return closed(members)


def _problem() -> Schema:
    fault = dict.fromkeys(("pointer", "field", "column", "rule", "detail"), _TEXT)
    errors = list_of(closed({**fault, "line": {"type": "integer"}}, [*fault, "line"]))
    members = dict.fromkeys(("type", "title", "detail"), _TEXT)
    members["error"] = {"type": ["string", "object"]}
    return {
        **closed({**members, "status": {"type": "integer"}, "errors": errors}, ["error", "errors"]),
        "description": "RFC 9457: what is wrong with the request, and where.",
    }


def _input(field: InputField) -> Schema:
    described = {"description": field.description} if field.description else {}
    if field.allowed is not None:
        return {"enum": [*field.allowed, None], **described}
    if field.dtype == "int8":
        return {"type": ["integer", "null"], "minimum": -128, "maximum": 127, **described}
    return {"type": ["number", "null"], "minimum": -3.4e38, "maximum": 3.4e38, **described}
