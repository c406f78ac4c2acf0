"""The request for a person's approval of a version, and the response."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param

from dags.support.forms import REASON

WAIT = "wait_for_approval"
APPROVE, REJECT = "Approve", "Reject"
# Without a response the run fails before the next one is due.
RESPONSE_TIMEOUT = timedelta(hours=20)
_FIGURES = (
    ("recall", "Phishing rows called Phishing"),
    ("review_recall", "Phishing rows at least Suspicious"),
    ("fpr", "Legitimate rows called Phishing"),
    ("review_fpr", "Legitimate rows at least Suspicious"),
    ("precision", "Precision of Phishing in this mix of rows"),
    ("roc_auc", "ROC AUC"),
    ("ece", "Calibration error"),
)
_BODY = """\
{%- set version = ti.xcom_pull(task_ids='package')['version'] -%}
{%- set found = ti.xcom_pull(task_ids='evaluate') -%}
{%- set champion = found['champion_on_same_rows'] -%}
**[Report of this version](/data-docs/versions/PIPELINE/{{ version }}/report.html)**

Group-disjoint test metrics, on rows used neither for training nor for any choice:

| | this version | in production: {{ champion['version'] if champion else 'nothing yet' }} |
|---|---|---|
{% for key, title in FIGURES -%}
| {{ title }} | {{ '%.4f' % found['test'][key] }} | \
{{ '%.4f' % champion[key] if champion and key in champion else '' }} |
{% endfor %}
The gate passed it, rule by rule:
{% for sentence in ti.xcom_pull(task_ids='gate') %}
- {{ sentence }}
{%- endfor %}

**Approve** brings it into production within seconds. **Reject** ends the run as failed and keeps what \
is in production, as does no response within HOURS hours. The reason is kept with the decision.
"""


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
    body = _BODY.replace("PIPELINE", pipeline_name).replace("FIGURES", repr(_FIGURES))
    hours = RESPONSE_TIMEOUT.total_seconds() / 3600
    return HITLOperator(
        task_id=WAIT,
        subject=f"Approve {pipeline_name} {{{{ ti.xcom_pull(task_ids='package')['version'] }}}}?",
        body=body.replace("HOURS", f"{hours:g}"),
        options=[APPROVE, REJECT],
        params={
            "reason": Param(
                None,
                type=["null", "string"],  # Airflow 3.3.2 waits only if the default is valid
                **REASON,
            )
        },
        response_timeout=RESPONSE_TIMEOUT,
        retries=0,
    )


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
