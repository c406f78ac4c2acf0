"""Tensors of the Open Inference Protocol, as JSON or as bytes.

The extension for binary tensors is Triton's: the JSON is followed by the tensors' bytes, in order.
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from include.errors import RequestRejectedError
from include.inference.record_schema import shorten

NUMPY_TYPES = {
    "BOOL": "?",
    **{
        f"{kind}INT{8 * size}": f"<{kind.lower() or 'i'}{size}"
        for kind in ("", "U")
        for size in (1, 2, 4, 8)
    },
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True)
class Tensor:
    """One input, in JSON's values whatever form it was sent in.

    Attributes
    ----------
    name, datatype : str
    shape : object
        Unchecked.
    data : list
        Flat; None for NaN, as JSON has none.
    """

    name: str
    datatype: str
    shape: object
    data: list[object]


def read_tensors(document: Mapping[str, Any], binary: bytes) -> dict[str, Tensor]:
    """Return the inputs of a request by name.

    Parameters
    ----------
    document : mapping
        The JSON of the request.
    binary : bytes
        What follows it.

    Raises
    ------
    RequestRejectedError
        If they break a rule of the protocol.
    """
    listed = document.get("inputs")
    if not isinstance(listed, list) or not listed:
        raise RequestRejectedError("inputs must be a list of at least one tensor")
    tensors: dict[str, Tensor] = {}
    rest = memoryview(binary)  # a slice of it costs the same whatever its length
    start = 0
    for entry in listed:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise RequestRejectedError("each of inputs must be a tensor with a name")
        name, datatype = entry["name"], str(entry.get("datatype"))
        if name in tensors:
            raise RequestRejectedError(f"input {shorten(name)!r} is given twice")
        if datatype != "BYTES" and datatype not in NUMPY_TYPES:
            raise RequestRejectedError(
                f"input {shorten(name)!r}: datatype {shorten(datatype)} is not supported"
            )
        size = parameters_of(entry).get("binary_data_size")
        if size is None:
            data = _flat(name, entry.get("data"))
        else:
            data = _from_bytes(name, datatype, size, rest[start:], has_data="data" in entry)
            start += size
        tensors[name] = Tensor(name, datatype, entry.get("shape"), data)
    if start != len(binary):
        raise RequestRejectedError(
            f"{len(binary)} bytes follow the JSON, the inputs' binary_data_size add up to {start}"
        )
    return tensors


def parameters_of(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters of a request, an input or an output."""
    parameters = entry.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise RequestRejectedError("parameters must be an object")
    return parameters or {}


def bytes_of(texts: Sequence[str]) -> bytes:
    """Return a tensor of texts as bytes: each one behind its length."""
    encoded = [text.encode() for text in texts]
    return b"".join(_LENGTH.pack(len(text)) + text for text in encoded)


def _flat(name: str, data: object) -> list[object]:
    """Return the values of a flat or a nested tensor."""
    if not isinstance(data, list):
        raise RequestRejectedError(f"input {shorten(name)!r}: data must be a list")
    if data and all(isinstance(row, list) for row in data):
        return [value for row in data for value in row]
    return data


def _from_bytes(
    name: str, datatype: str, size: object, rest: memoryview, *, has_data: bool
) -> list[object]:
    where = f"input {shorten(name)!r}"
    if has_data:
        raise RequestRejectedError(f"{where}: data and binary_data_size exclude each other")
    if type(size) is not int or not 0 <= size <= len(rest):
        raise RequestRejectedError(f"{where}: binary_data_size must be its bytes after the JSON")
    block = rest[:size]
    if datatype == "BYTES":
        return _texts(where, block)
    dtype = np.dtype(NUMPY_TYPES[datatype])
    if size % dtype.itemsize:
        raise RequestRejectedError(f"{where}: {size} bytes are no whole number of {datatype}")
    if datatype.startswith("FP"):
        values: list[object] = np.frombuffer(block, dtype).tolist()
        # JSON has no NaN: a missing value is null there.
        return [None if isinstance(v, float) and math.isnan(v) else v for v in values]
    return list(np.frombuffer(block, dtype).tolist())


def _texts(where: str, block: memoryview) -> list[object]:
    texts: list[object] = []
    place = 0
    while place < len(block):
        begin = place + _LENGTH.size
        size = _LENGTH.unpack_from(block, place)[0] if begin <= len(block) else len(block)
        place = begin + size
        if place > len(block):
            raise RequestRejectedError(f"{where}: element {len(texts)} is cut off")
        try:
            texts.append(str(block[begin:place], "utf-8"))
        except UnicodeDecodeError:
            raise RequestRejectedError(f"{where}: element {len(texts)} must be UTF-8") from None
    return texts
