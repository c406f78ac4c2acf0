"""What a person answered when a run asked before it brought its version into force."""

from datetime import datetime
from typing import Any

from include.errors import ApprovalRejectedError
from include.nightly.night import Night
from include.registry.versions import ANSWER


def record_answer(
    night: Night, packaged: dict[str, Any], *, approved: bool, by: str, at: datetime, reason: str
) -> None:
    """Return when the answer is kept under the run and was yes.

    Raises
    ------
    ApprovalRejectedError
        If it was no; it is kept all the same.
    """
    version = packaged["version"]
    night.write_json(
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
        raise ApprovalRejectedError(f"{night.pipeline.name}: {by} rejected {version}: {reason}")
