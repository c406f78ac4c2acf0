"""What a person answered when a run asked before it brought its version into production."""

from datetime import datetime
from typing import Any

from include.errors import ApprovalRejectedError
from include.registry.versions import ANSWER
from include.run.run_context import RunContext


def record_answer(
    run: RunContext,
    packaged: dict[str, Any],
    *,
    approved: bool,
    by: str,
    at: datetime,
    reason: str,
) -> None:
    """Return when the answer is kept under the run and was yes.

    Raises
    ------
    ApprovalRejectedError
        If it was no; it is kept all the same.
    """
    version = packaged["version"]
    run.write_json(
        ANSWER,
        {
            "version": version,
            "approved": approved,
            "by": by,
            "at": at.isoformat(timespec="seconds"),
            "reason": reason,
        },
    )
    if not approved:
        raise ApprovalRejectedError(f"{run.pipeline.name}: {by} rejected {version}: {reason}")
