"""The response of the person who was asked before a run's version came into production."""

from datetime import datetime

from include.contract.run_documents import ApprovalResponse, PackagedVersion
from include.errors import ApprovalRejectedError
from include.run.run_context import RunContext, recorded_step


@recorded_step("approval_response")
def record_answer(run: RunContext, *, approved: bool, by: str, at: datetime, reason: str) -> None:
    """Keep the response under the run; return if the version was approved.

    Raises
    ------
    ApprovalRejectedError
        If it was rejected; the response is kept all the same.
    """
    version = run.read(PackagedVersion).version
    run.write(ApprovalResponse(version, approved, by, at.isoformat(timespec="seconds"), reason))
    if not approved:
        raise ApprovalRejectedError(f"{run.pipeline.name}: {by} rejected {version}: {reason}")
