"""The decision of a person on a run's version, signed by the approver, in the bucket."""

import logging

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys
from include.contract.approval_response import (
    APPROVAL,
    MAX_RESPONSE_BYTES,
    ApprovalResponse,
    parse_response,
)
from include.contract.signature import PublicKeys
from include.errors import (
    ObjectMissingError,
    RunDocumentError,
    SignatureError,
    VersionRefusedError,
)
from include.stores.objects import ObjectStore

_log = logging.getLogger(__name__)


def write_response(
    store: ObjectStore, response: ApprovalResponse, key: ec.EllipticCurvePrivateKey
) -> None:
    """Leave a response under its run, signed."""
    store.put(_key(response.pipeline, response.run_id), response.to_json(key), "application/json")


def read_response(
    store: ObjectStore, pipeline: str, run_id: str, trusted: PublicKeys
) -> ApprovalResponse | None:
    """Return the response to a run; None if there is none that one of the approvers signed."""
    key = _key(pipeline, run_id)
    try:
        body = store.get(key, MAX_RESPONSE_BYTES)
        return parse_response(body, trusted, pipeline=pipeline, run_id=run_id)
    except ObjectMissingError:
        return None
    except (RunDocumentError, SignatureError, VersionRefusedError) as err:
        _log.warning("%s is ignored: %s", key, err)
        return None


def _key(pipeline: str, run_id: str) -> str:
    return keys.run_file(pipeline, run_id, APPROVAL)
