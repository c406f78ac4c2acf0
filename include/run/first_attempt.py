"""Documents that a second attempt of a step takes over from the first one, signed by the trainer.

Airflow deletes the XCom of a task that is cleared, so its database cannot verify
them; run ids of scheduled runs are predictable, so the place where they lie cannot either.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import signature
from include.contract.first_documents import first_name, parse_first, signed_first
from include.errors import ObjectMissingError, PreconditionError, RunDocumentError, SignatureError
from include.run.run_context import RunContext

_log = logging.getLogger(__name__)
DocumentT = TypeVar("DocumentT")


@dataclass(frozen=True)
class TrainerKeys:
    """What signs and verifies the documents of a run.

    Attributes
    ----------
    private : EllipticCurvePrivateKey
    trusted : sequence of EllipticCurvePublicKey
        Of all trainers.
    """

    private: ec.EllipticCurvePrivateKey
    trusted: signature.PublicKeys

    @classmethod
    def read(cls, path: Path, trusted: signature.PublicKeys) -> "TrainerKeys":
        """Return the keys, the private one from a PEM file."""
        return cls(signature.load_private_key(path.read_bytes()), trusted)


def read_first(
    run: RunContext, kind: type[DocumentT], name: str, trusted: signature.PublicKeys
) -> DocumentT | None:
    """Return what an earlier attempt of this run kept under `name`; None if it kept nothing.

    What no trainer signed for this run and name is not used.
    """
    key = run.key(first_name(name))
    place = {"pipeline": run.pipeline.name, "run_id": run.run_id, "name": name}
    try:
        return parse_first(kind, run.store.get(key), trusted, **place)
    except ObjectMissingError:
        return None
    except (
        *(SignatureError, RunDocumentError, KeyError, TypeError),
        *(ValueError, AttributeError, RecursionError),
    ) as err:
        _log.warning("%s was not written by this run and is replaced: %s", key, err)
        return None


def keep_first(
    run: RunContext,
    kind: type[DocumentT],
    name: str,
    make: Callable[[], DocumentT],
    keys: TrainerKeys,
) -> DocumentT:
    """Return what the first attempt of this run kept under `name`; made and kept if there is none.

    It is recorded as an output of the open step.
    """
    document = read_first(run, kind, name, keys.trusted)
    if document is None:
        document = write_first(run, name, make(), keys)
    run.write(document, name)
    return document


def write_first(run: RunContext, name: str, document: DocumentT, keys: TrainerKeys) -> DocumentT:
    """Return what is now kept under `name`: `document`, or that of an attempt that was faster."""
    key, body = run.key(first_name(name)), _signed(run, name, document, keys)
    try:
        run.store.put_if_absent(key, body, "application/json")
    except PreconditionError:
        faster = read_first(run, type(document), name, keys.trusted)
        if faster is not None:
            return faster
        run.store.put(key, body, "application/json")
    return document


def replace_first(run: RunContext, name: str, document: object, keys: TrainerKeys) -> None:
    """Keep `document` under `name`, whatever an earlier attempt kept."""
    run.store.put(run.key(first_name(name)), _signed(run, name, document, keys), "application/json")


def _signed(run: RunContext, name: str, document: object, keys: TrainerKeys) -> bytes:
    return signed_first(document, run.pipeline.name, run.run_id, name, keys.private)
