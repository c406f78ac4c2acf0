"""From a signed version to one in force: infra-validation, gate, approval."""

import logging
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract.approval import Pointer
from include.contract.judgement import GATE, GATE_SIGNATURE, sign_verdicts
from include.errors import GateRejectedError
from include.evaluation.gate import judge
from include.evaluation.verdicts import rejections
from include.nightly.champion import load_version, provisional_pointer
from include.nightly.model import read_chosen
from include.nightly.night import Night
from include.nightly.rows import read_side
from include.nightly.trial import largest_difference, median_latency_us
from include.registry.approve import Request, approve, is_of_older_night, pointer_in_force
from include.registry.follow.believe import Trust

_log = logging.getLogger(__name__)


def infra_validate(
    night: Night, packaged: dict[str, Any], chosen: dict[str, Any], trust: Trust
) -> dict[str, Any]:
    """Return how the published files behave in the scorer's own code, on every test row."""
    test = read_side(night, "test")
    pointer = provisional_pointer(
        night.pipeline.name, packaged["version"], packaged["manifest_sha256"]
    )
    served = load_version(night.store, pointer, trust)
    figures = {
        "onnx_difference": largest_difference(served.model, read_chosen(night, chosen), test),
        "latency_us": median_latency_us(served.model.score, test.items),
        "size_bytes": packaged["size_bytes"],
    }
    night.write_json("infra_validation.json", figures)
    _log.info(
        "%s: the scorer's code scored %d test rows as scikit-learn does, to %.2g; "
        "%.0f microseconds a record, models of %d bytes",
        *(packaged["version"], len(test.y), figures["onnx_difference"]),
        *(figures["latency_us"], figures["size_bytes"]),
    )
    return figures


def gate(
    night: Night,
    packaged: dict[str, Any],
    evidence: dict[str, Any],
    *,
    key: ec.EllipticCurvePrivateKey,
) -> list[str]:
    """Return the sentence of every rule, all passed.

    Parameters
    ----------
    packaged : dict
        The version that is judged.
    evidence : dict
        What `include.evaluation.gate.judge` asks for.
    key : EllipticCurvePrivateKey
        The trainer's, which vouches for the verdicts.

    Raises
    ------
    GateRejectedError
        If one was not; all sentences are kept under the run.
    """
    verdicts = judge(evidence, night.pipeline.policy)
    said = night.write_json(GATE, [asdict(verdict) for verdict in verdicts])
    vouched = sign_verdicts(said, packaged["manifest_sha256"], key)
    night.store.put(night.key(GATE_SIGNATURE), vouched, "application/json")
    for verdict in verdicts:
        word = "not judged" if not verdict.judged else "passed" if verdict.passed else "REJECTED"
        _log.info("%s: %s", word, verdict.sentence)
    judged = [verdict.passed for verdict in verdicts if verdict.judged]
    counts = sum(judged), len(judged), len(verdicts) - len(judged)
    _log.info("%s: %d of %d rules passed; %d not judged", night.pipeline.name, *counts)
    if rejected := rejections(verdicts):
        raise GateRejectedError(f"{night.pipeline.name}: {'; '.join(rejected)}")
    return [verdict.sentence for verdict in verdicts]


def newer_in_force(night: Night, packaged: dict[str, Any], trust: Trust) -> Pointer | None:
    """Return what is in force if it is of a later night than the run's version, else None."""
    pointer = pointer_in_force(night.store, night.pipeline.name, trust.approvers)
    older = pointer is not None and is_of_older_night(packaged["version"], pointer)
    return pointer if older else None


def keep_newer(night: Night, packaged: dict[str, Any], trust: Trust) -> dict[str, Any]:
    """Return why the run's version, which passed, is kept but not brought into force."""
    newer, passed = newer_in_force(night, packaged, trust), packaged["version"]
    # None only if somebody rolled back since this was asked: then it is left to people.
    in_force = f"{newer.version} (serial {newer.serial})" if newer else "nothing newer any more"
    reason = f"{passed} passed and is kept; in force, of a later night, is {in_force}"
    _log.info("%s: %s", night.pipeline.name, reason)
    return {"version": passed, "kept_in_force": newer and newer.version, "reason": reason}


def promote(
    night: Night,
    packaged: dict[str, Any],
    *,
    expected_serial: int,
    approved_by: str,
    approved_at: datetime,
    reason: str,
    key: ec.EllipticCurvePrivateKey,
    trust: Trust,
) -> Pointer:
    """Return the pointer with which the run's version came into force, exactly once.

    It never takes the place of a version of a later night.

    Errors are those of `include.registry.approve.approve`.
    """
    request = Request(
        pipeline=night.pipeline.name,
        version=packaged["version"],
        approved_by=approved_by,
        approved_at=approved_at.isoformat(timespec="seconds"),
        reason=reason,
        run_id=night.run_id,
        expected_serial=expected_serial,
        manifest_sha256=packaged["manifest_sha256"],
        never_older=True,
    )
    return approve(night.store, request, key, trust.approvers)
