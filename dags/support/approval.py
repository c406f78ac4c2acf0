"""The request for a person's approval of a version, and the response."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import BaseNotifier, Param, get_current_context, task

from dags.support.callbacks import send_alert
from dags.support.connections import run_link, trusted_keys
from dags.support.forms import REASON
from dags.support.handover import Handover, run_after
from include.errors import NightCatchError

_log = logging.getLogger(__name__)

WAIT = "wait_for_approval"
APPROVE, REJECT = "Approve", "Reject"
# Without a response the run fails before the next one is due.
RESPONSE_TIMEOUT = timedelta(hours=20)
_HOURS = RESPONSE_TIMEOUT.total_seconds() / 3600
REQUEST = "request"
"""Key of the XCom with the text of the request."""


class ApprovalWaits(BaseNotifier):
    """Sends an alert that a version waits for a person, with a link to the form."""

    def __init__(self, pipeline_name: str) -> None:
        super().__init__()
        self.pipeline_name = pipeline_name

    def notify(self, context: Any) -> None:
        """Send it once for each run; a fault is logged, as the form is there all the same."""
        from include.notify import kinds

        dag_id, run_id = context["dag"].dag_id, context["run_id"]
        version = context["ti"].xcom_pull(task_ids="package")["version"]
        link = f"{run_link(dag_id, run_id)}/tasks/{WAIT}/required_actions"
        try:
            send_alert(
                kinds.ApprovalWaits(self.pipeline_name, run_id, version, _HOURS, link), run_id
            )
        except NightCatchError as err:
            _log.error("nobody was notified: %s", err)


@dataclass(frozen=True)
class Response:
    """The decision of a person.

    Attributes
    ----------
    approved : bool
    by : str
    at : datetime
        Aware.
    reason : str
    """

    approved: bool
    by: str
    at: datetime
    reason: str


def request_approval(pipeline_name: str) -> HITLOperator:
    """Return the task that waits for a person's response without holding a worker's slot."""
    return HITLOperator(
        task_id=WAIT,
        task_display_name="Wait for a person",
        subject=f"Approve {pipeline_name} {{{{ ti.xcom_pull(task_ids='package')['version'] }}}}?",
        body=f"{{{{ ti.xcom_pull(task_ids='how_to_approve', key='{REQUEST}') }}}}",
        options=[APPROVE, REJECT],
        params={
            "reason": Param(
                None,
                type=["null", "string"],  # Airflow 3.3.2 waits only if the default is valid
                **REASON,
            )
        },
        response_timeout=RESPONSE_TIMEOUT,
        notifiers=[ApprovalWaits(pipeline_name)],
        retries=0,
    )


@task.branch
def how_to_approve(pipeline_name: str, packaged: Handover, passed: list[dict[str, Any]]) -> str:
    """Request a person's approval where the run says so, or the last release was taken back."""
    from include.contract.run_documents import Evaluation
    from include.evaluation.gate.rule_results import Verdict
    from include.run.approval_request import approval_request
    from include.run.steps import promotion

    context, run = get_current_context(), run_after(pipeline_name, packaged)
    if promotion.newer_in_production(run, trusted_keys()):
        return "keep_newer"
    asked = context["params"]["approval"] == "human"
    if not asked and not promotion.needs_person(run, trusted_keys()):
        return "approve"
    verdicts = [Verdict(**each) for each in passed]
    figures, version = run.read(Evaluation), packaged["version"]
    text = approval_request(pipeline_name, version, figures, verdicts, _HOURS)
    context["ti"].xcom_push(key=REQUEST, value=text)
    return WAIT


def read_response(returned: Mapping[str, Any] | None) -> Response | None:
    """Return the response of the waiting task; None if no approval was requested."""
    if returned is None:
        return None
    reason = (returned["params_input"] or {}).get("reason")
    return Response(
        approved=list(returned["chosen_options"]) == [APPROVE],
        by=returned["responded_by_user"]["name"],
        at=datetime.fromisoformat(str(returned["responded_at"])),
        reason=reason or "no reason was given",
    )
