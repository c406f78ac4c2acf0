"""From a signed version to one in production: serving checks, gate, approval."""

import logging
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract.gate_verdicts import GATE, GATE_SIGNATURE, sign_verdicts
from include.contract.pointer import Pointer
from include.errors import GateRejectedError
from include.evaluation.gate import apply_gate
from include.evaluation.rule_results import rejections
from include.registry.approve import Request, approve, is_of_older_run, production_pointer
from include.registry.follow.verify import TrustedKeys
from include.run.champion import load_version, provisional_pointer
from include.run.rows import read_side
from include.run.run_context import RunContext
from include.run.serving_checks import largest_difference, median_latency_us
from include.run.training_steps import read_chosen

_log = logging.getLogger(__name__)


def infra_validate(
    run: RunContext,
    packaged: dict[str, Any],
    chosen: dict[str, Any],
    trusted_keys: TrustedKeys,
) -> dict[str, Any]:
    """Return how the published files behave in the scorer's own code, on every test row."""
    test = read_side(run, "test")
    pointer = provisional_pointer(
        run.pipeline.name, packaged["version"], packaged["manifest_sha256"]
    )
    served = load_version(run.store, pointer, trusted_keys)
    figures = {
        "onnx_difference": largest_difference(served.model, read_chosen(run, chosen), test),
        "latency_us": median_latency_us(served.model.score, test.items),
        "size_bytes": packaged["size_bytes"],
    }
    run.write_json("infra_validation.json", figures)
    _log.info(
        "%s: the scorer's code scored %d test rows as scikit-learn does, to %.2g; "
        "%.0f microseconds a record, models of %d bytes",
        *(packaged["version"], len(test.y), figures["onnx_difference"]),
        *(figures["latency_us"], figures["size_bytes"]),
    )
    return figures


def gate(
    run: RunContext,
    packaged: dict[str, Any],
    gate_inputs: dict[str, Any],
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
    verdicts = apply_gate(gate_inputs, run.pipeline.policy)
    said = run.write_json(GATE, [asdict(verdict) for verdict in verdicts])
    vouched = sign_verdicts(said, packaged["manifest_sha256"], key)
    run.store.put(run.key(GATE_SIGNATURE), vouched, "application/json")
    for verdict in verdicts:
        word = (
            "not evaluated" if not verdict.evaluated else "passed" if verdict.passed else "REJECTED"
        )
        _log.info("%s: %s", word, verdict.sentence)
    evaluated = [verdict.passed for verdict in verdicts if verdict.evaluated]
    counts = sum(evaluated), len(evaluated), len(verdicts) - len(evaluated)
    _log.info("%s: %d of %d rules passed; %d not evaluated", run.pipeline.name, *counts)
    if rejected := rejections(verdicts):
        raise GateRejectedError(f"{run.pipeline.name}: {'; '.join(rejected)}")
    return [verdict.sentence for verdict in verdicts]


def newer_in_production(
    run: RunContext, packaged: dict[str, Any], trusted_keys: TrustedKeys
) -> Pointer | None:
    """Return what is in production if it is of a later run than the run's version, else None."""
    pointer = production_pointer(run.store, run.pipeline.name, trusted_keys.approvers)
    older = pointer is not None and is_of_older_run(packaged["version"], pointer)
    return pointer if older else None


def keep_newer(
    run: RunContext, packaged: dict[str, Any], trusted_keys: TrustedKeys
) -> dict[str, Any]:
    """Return why the run's version, which passed, is kept but not brought into production."""
    newer, passed = newer_in_production(run, packaged, trusted_keys), packaged["version"]
    # None only if somebody rolled back since this was asked: then it is left to people.
    in_production = (
        f"{newer.version} (serial {newer.serial})" if newer else "nothing newer any more"
    )
    reason = f"{passed} passed and is kept; in production, of a later run, is {in_production}"
    _log.info("%s: %s", run.pipeline.name, reason)
    return {"version": passed, "kept_in_force": newer and newer.version, "reason": reason}


def promote(
    run: RunContext,
    packaged: dict[str, Any],
    *,
    expected_serial: int,
    approved_by: str,
    approved_at: datetime,
    reason: str,
    key: ec.EllipticCurvePrivateKey,
    trusted_keys: TrustedKeys,
) -> Pointer:
    """Return the pointer with which the run's version came into production, exactly once.

    It never takes the place of a version of a later run.

    Errors are those of `include.registry.approve.approve`.
    """
    request = Request(
        pipeline=run.pipeline.name,
        version=packaged["version"],
        approved_by=approved_by,
        approved_at=approved_at.isoformat(timespec="seconds"),
        reason=reason,
        run_id=run.run_id,
        expected_serial=expected_serial,
        manifest_sha256=packaged["manifest_sha256"],
        never_older=True,
    )
    return approve(run.store, request, key, trusted_keys.approvers)
