"""From a signed version to one in production: serving checks, then approval."""

import logging
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract.approval_response import ApprovalResponse
from include.contract.pointer import Pointer
from include.contract.proposal import Proposal
from include.contract.run_documents import ChampionPin, PackagedVersion, ServingFigures
from include.contract.signature import needs_two
from include.errors import ApprovalRejectedError
from include.registry.approve import approve, production_pointer, propose
from include.registry.follow.verify import TrustedKeys
from include.registry.request import Request, is_held, is_of_older_run
from include.registry.responses import write_response
from include.run.champion import load_version, provisional_pointer
from include.run.rows import read_side
from include.run.run_context import RunContext, recorded_step
from include.run.steps.serving_checks import largest_difference, median_latency_us
from include.run.steps.training import read_chosen

_log = logging.getLogger(__name__)


@recorded_step("infra_validate")
def infra_validate(run: RunContext, trusted_keys: TrustedKeys) -> ServingFigures:
    """Return how the published files behave in the scorer's own code, on every test row."""
    packaged, test = run.read(PackagedVersion), read_side(run, "test")
    pointer = provisional_pointer(run.pipeline.name, packaged.version, packaged.manifest_sha256)
    served = load_version(run.store, pointer, trusted_keys)
    figures = ServingFigures(
        onnx_difference=largest_difference(served.model, read_chosen(run), test),
        latency_us=median_latency_us(served.model.score, test.items),
        size_bytes=packaged.size_bytes,
    )
    run.write(figures)
    _log.info(
        "%s: the scorer's code scored %d test rows as scikit-learn does, to %.2g; "
        "%.0f microseconds a record, models of %d bytes",
        *(packaged.version, len(test.y), figures.onnx_difference),
        *(figures.latency_us, figures.size_bytes),
    )
    return figures


def newer_in_production(run: RunContext, trusted_keys: TrustedKeys) -> Pointer | None:
    """Return what is in production if it is of a later run than the run's version, else None."""
    pointer = production_pointer(run.store, run.pipeline.name, trusted_keys.approvers)
    if pointer is None or not is_of_older_run(run.read(PackagedVersion).version, pointer):
        return None
    return pointer


def needs_person(run: RunContext, trusted_keys: TrustedKeys) -> bool:
    """Return whether persons approve: two are needed, or the last release was taken back."""
    if needs_two(trusted_keys.approvers):
        return True
    pointer = production_pointer(run.store, run.pipeline.name, trusted_keys.approvers)
    if pointer is None or not is_held(pointer):
        return False
    _log.warning("%s: a person has to approve: %s", run.pipeline.name, pointer.reason)
    return True


def keep_newer(run: RunContext, trusted_keys: TrustedKeys) -> dict[str, str | None]:
    """Return why the run's version, which passed, is kept but not brought into production."""
    newer, passed = newer_in_production(run, trusted_keys), run.read(PackagedVersion).version
    # None only after a rollback since the run decided: then a person has to decide.
    in_production = f"{newer.version} (serial {newer.serial})" if newer else "no newer version"
    reason = f"{passed} passed and is kept; in production, of a later run, is {in_production}"
    _log.info("%s: %s", run.pipeline.name, reason)
    return {"version": passed, "in_production": newer.version if newer else None, "reason": reason}


def promote(
    run: RunContext,
    *,
    approved_by: str,
    approved_at: datetime,
    reason: str,
    key: ec.EllipticCurvePrivateKey,
    trusted_keys: TrustedKeys,
) -> Pointer:
    """Return the pointer with which the run's version came into production, exactly once.

    It replaces only the version that the run was compared with, and never one of a later run.

    Errors are those of `include.registry.approve.approve`.
    """
    request = _request(run, approved_by, approved_at, reason)
    return approve(run.store, request, key, trusted_keys.approvers)


def propose_version(
    run: RunContext,
    proposed_by: str,
    proposed_at: datetime,
    reason: str,
    key: ec.EllipticCurvePrivateKey,
    trusted_keys: TrustedKeys,
) -> Proposal:
    """Return the first of two approvers' proposal of the run's version.

    Errors are those of `include.registry.approve.propose`.
    """
    request = _request(run, proposed_by, proposed_at, reason)
    return propose(run.store, request, key, trusted_keys.approvers)


def _request(run: RunContext, approved_by: str, approved_at: datetime, reason: str) -> Request:
    packaged = run.read(PackagedVersion)
    return Request(
        pipeline=run.pipeline.name,
        version=packaged.version,
        approved_by=approved_by,
        approved_at=approved_at.isoformat(timespec="seconds"),
        reason=reason,
        run_id=run.run_id,
        expected_serial=run.read(ChampionPin).serial,
        manifest_sha256=packaged.manifest_sha256,
        never_older=True,
    )


def record_response(
    run: RunContext,
    *,
    approved: bool,
    by: str,
    at: datetime,
    reason: str,
    key: ec.EllipticCurvePrivateKey,
) -> None:
    """Keep the response under the run, signed by the approver; return if it was an approval.

    Raises
    ------
    ApprovalRejectedError
        If it was rejected; the response is kept all the same.
    """
    version = run.read(PackagedVersion).version
    place, decided_at = (run.pipeline.name, run.run_id), at.isoformat(timespec="seconds")
    response = ApprovalResponse(*place, version, approved, by, decided_at, reason)
    write_response(run.store, response, key)
    if not approved:
        raise ApprovalRejectedError(f"{run.pipeline.name}: {by} rejected {version}: {reason}")
