"""Requests of the Open Inference Protocol become records, predictions become its responses.

In a request with binary tensors `Inference-Header-Content-Length` has the length of the JSON.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from include.errors import RequestRejectedError
from include.inference.model import INPUT, OUTPUT
from include.inference.record_schema import Fault, RecordSchema, shorten
from include.services.scorer.api.request_parser import parse_json
from include.services.scorer.api.tensors import Tensor, bytes_of, parameters_of, read_tensors

LABEL, DECIDED_BY = "prediction", "decided_by"
TEXTS = (LABEL, DECIDED_BY)


@dataclass(frozen=True)
class InferenceRequest:
    """The records of one request, and the form of its response.

    Attributes
    ----------
    id : str
        The client's; empty if it has none.
    records : list of dict
        Unchecked values by column.
    tensors : tuple of str
        Names of the inputs in the body's order: one matrix of all columns, or one for each column.
    outputs : dict of str to bool
        Whether each output of the response is binary.
    """

    id: str
    records: list[dict[str, object]]
    tensors: tuple[str, ...]
    outputs: dict[str, bool]

    def describe(self, fault: Fault, schema: RecordSchema) -> dict[str, str]:
        """Return a fault with its place in the body, as a JSON pointer (RFC 6901)."""
        column = schema.names.index(fault.field)
        place = (
            f"0/data/{fault.row * schema.n_inputs + column}"
            if self.tensors == (INPUT,)
            else f"{self.tensors.index(fault.field)}/data/{fault.row}"
        )
        return {
            "pointer": f"#/inputs/{place}",
            "field": fault.field,
            "rule": fault.rule,
            "detail": fault.detail,
        }


def parse_inference_request(
    body: bytes, json_length: str | None, schema: RecordSchema, max_rows: int
) -> InferenceRequest:
    """Return the records of an inference request.

    Parameters
    ----------
    body : bytes
    json_length : str or None
        The header `Inference-Header-Content-Length`, of requests with binary tensors.
    schema : RecordSchema
    max_rows : int

    Raises
    ------
    RequestUnreadableError
        If it is no JSON text in UTF-8.
    RequestRejectedError
        If it breaks a rule of the protocol, or the tensors are not those of the model.
    """
    header, binary = _split(body, json_length)
    document = parse_json(header)
    if not isinstance(document, dict):
        raise RequestRejectedError("the body must be a JSON object")
    request_id = document.get("id")
    if request_id is not None and not isinstance(request_id, str):
        raise RequestRejectedError("id must be text")
    outputs = _outputs(document)
    tensors = read_tensors(document, binary)
    if tuple(tensors) == (INPUT,):
        rows = _rows_of_matrix(tensors[INPUT], schema, max_rows)
    else:
        rows = _rows_of_columns(tensors, schema, max_rows)
    records = [dict(zip(schema.names, row, strict=True)) for row in rows]
    return InferenceRequest(request_id or "", records, tuple(tensors), outputs)


def serialise_outputs(
    members: Mapping[str, object],
    outputs: Mapping[str, bool],
    probabilities: Sequence[float],
    texts: Mapping[str, Sequence[str]],
) -> tuple[bytes, int | None]:
    """Return the body of a response, and the length of its JSON if bytes of tensors follow.

    Parameters
    ----------
    members : mapping
        What stands beside the outputs.
    outputs : mapping of str to bool
        Whether each output is binary.
    probabilities : sequence of float
        One per row.
    texts : mapping of str to sequence of str
        The other outputs, one value per row.
    """
    entries: list[dict[str, Any]] = []
    blocks: list[bytes] = []
    shape = [len(probabilities)]
    for name, is_binary in outputs.items():
        text = texts.get(name)
        entry: dict[str, Any] = {
            "name": name,
            "datatype": "FP32" if text is None else "BYTES",
            "shape": shape,
        }
        if is_binary:
            block = np.array(probabilities, "<f4").tobytes() if text is None else bytes_of(text)
            blocks.append(block)
            entry["parameters"] = {"binary_data_size": len(block)}
        else:
            entry["data"] = probabilities if text is None else text
        entries.append(entry)
    header = json.dumps({**members, "outputs": entries}, separators=(",", ":")).encode()
    return b"".join([header, *blocks]), len(header) if blocks else None


def _split(body: bytes, json_length: str | None) -> tuple[bytes, bytes]:
    if json_length is None:
        return body, b""
    is_number = json_length.isascii() and json_length.isdecimal() and len(json_length) < 10
    if not is_number or int(json_length) > len(body):
        raise RequestRejectedError(
            "Inference-Header-Content-Length must be the length of the JSON at the body's beginning"
        )
    return body[: int(json_length)], body[int(json_length) :]


def _outputs(document: Mapping[str, Any]) -> dict[str, bool]:
    listed = document.get("outputs")
    default = parameters_of(document).get("binary_data_output", False)
    if not listed and listed in (None, []):
        return dict.fromkeys((OUTPUT, *TEXTS), default is True)
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise RequestRejectedError("outputs must be a list of tensors")
    outputs = {}
    for entry in listed:
        name, parameters = entry.get("name"), parameters_of(entry)
        if name not in (OUTPUT, *TEXTS):
            raise RequestRejectedError(f"there is no output {shorten(str(name))!r}")
        if parameters.get("classification") or "shared_memory_region" in parameters:
            raise RequestRejectedError(
                f"output {name!r}: classification and shared memory are not supported"
            )
        outputs[name] = parameters.get("binary_data", default) is True
    return outputs


def _check_datatype(tensor: Tensor, schema: RecordSchema) -> None:
    if (tensor.datatype == "BYTES") is not schema.is_text:
        wanted = "BYTES" if schema.is_text else "a number"
        raise RequestRejectedError(
            f"input {shorten(tensor.name)!r}: datatype {tensor.datatype} must be {wanted}"
        )


def _check_rows(n_rows: int, max_rows: int) -> None:
    if not 0 < n_rows <= max_rows:
        raise RequestRejectedError(f"{n_rows} rows in one request, the limit is {max_rows}")


def _rows_of_matrix(tensor: Tensor, schema: RecordSchema, max_rows: int) -> list[Sequence[object]]:
    _check_datatype(tensor, schema)
    width, data = schema.n_inputs, tensor.data
    n_rows = len(data) // width
    shapes = [[n_rows, width]] + ([[n_rows]] if width == 1 else [])
    if tensor.shape not in shapes or len(data) != n_rows * width:
        raise RequestRejectedError(f"input {INPUT!r}: shape and data must be of [n, {width}]")
    _check_rows(n_rows, max_rows)
    return [data[start : start + width] for start in range(0, len(data), width)]


def _rows_of_columns(
    tensors: Mapping[str, Tensor], schema: RecordSchema, max_rows: int
) -> list[Sequence[object]]:
    wrong = sorted(tensors.keys() ^ set(schema.names))
    if wrong:
        raise RequestRejectedError(
            f"inputs must be one tensor {INPUT!r}, or one for each column; "
            f"missing or unknown: {', '.join(map(shorten, wrong[:5]))}"
        )
    columns = [tensors[name] for name in schema.names]
    n_rows = len(columns[0].data)
    for column in columns:
        _check_datatype(column, schema)
        if len(column.data) != n_rows or column.shape not in ([n_rows], [n_rows, 1]):
            raise RequestRejectedError(
                f"input {shorten(column.name)!r}: shape and data must be of [{n_rows}, 1]"
            )
    _check_rows(n_rows, max_rows)
    return list(zip(*(column.data for column in columns), strict=True))
