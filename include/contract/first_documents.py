"""Documents of a run that its trainer signed, so that a later attempt or a reader can use them."""

import json
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import signature
from include.contract.run_documents import parse, serialise
from include.errors import RunDocumentError, SignatureError

_PAYLOAD_TYPE = "application/vnd.nightcatch.first-attempt+json"
DocumentT = TypeVar("DocumentT")


def first_name(name: str) -> str:
    """Return the name, below its run, of what the first attempt kept as `name`."""
    return f"first/{name}"


def signed_first(
    document: object, pipeline: str, run_id: str, name: str, key: ec.EllipticCurvePrivateKey
) -> bytes:
    """Return the signed bytes of a document of one run."""
    fields = {**_place(pipeline, run_id, name), "document": json.loads(serialise(document))}
    return signature.signed_document(_PAYLOAD_TYPE, fields, key)


def parse_first(
    kind: type[DocumentT],
    body: bytes,
    trusted: signature.PublicKeys,
    *,
    pipeline: str,
    run_id: str,
    name: str,
) -> DocumentT:
    """Return the document that `body` holds, once its signature is verified.

    Raises
    ------
    SignatureError
        If no trainer signed it, or it is of another run or name.
    RunDocumentError
        If it is malformed.
    """
    signed = signature.verified_document(_PAYLOAD_TYPE, body, trusted)
    place = _place(pipeline, run_id, name)
    if {part: signed.get(part) for part in place} != place:
        raise SignatureError("it is of another run")
    try:
        return parse(kind, json.dumps(signed["document"]).encode())
    except KeyError as err:
        raise RunDocumentError(f"{name}: it holds no document") from err


def _place(pipeline: str, run_id: str, name: str) -> dict[str, str]:
    return {"pipeline": pipeline, "run_id": run_id, "name": name}
