"""The only way of run documents to and from bytes."""

import json
from dataclasses import asdict, fields
from typing import Any, TypeVar

from include.errors import RunDocumentError

SCHEMA_VERSION = 1
DocumentT = TypeVar("DocumentT")


def serialise(document: Any) -> bytes:
    """Return the JSON of a run document; equal documents give equal bytes."""
    content = {"schema_version": SCHEMA_VERSION, **asdict(document)}
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False).encode()


def parse(kind: type[DocumentT], body: bytes) -> DocumentT:
    """Return the run document that `body` holds, every field validated.

    Raises
    ------
    RunDocumentError
        If it is not a JSON object, of another schema version, or has a missing, wrong or unknown
        field.
    """
    from pydantic import TypeAdapter, ValidationError

    name = str(kind.NAME)  # type: ignore[attr-defined]  # a run document
    try:
        content = json.loads(body)
        version = content.pop("schema_version", None)
        unknown = content.keys() - {field.name for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
        if version != SCHEMA_VERSION:
            raise RunDocumentError(f"{name}: schema version {version!r}, expected {SCHEMA_VERSION}")
        if unknown:
            raise RunDocumentError(f"{name}: unknown fields: {', '.join(sorted(unknown))}")
        return TypeAdapter(kind).validate_python(content)
    except ValidationError as err:
        fault = err.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise RunDocumentError(f"{name}: {where}: {fault['msg']}") from err
    except (ValueError, TypeError, AttributeError, RecursionError) as err:
        raise RunDocumentError(f"{name} is not a JSON object: {err}") from err
