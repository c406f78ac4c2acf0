"""### Allow or block a site, by the signed list that scorers follow.

**Trigger it** with the form: what to do, the site as people paste it (a defanged URL too), how much
of it, and why. The list changes by one compare-and-swap, its serial rises, and every scorer follows
within one poll. The model's probability stays in responses; `decided_by` names the list.

**Run it again** whenever you like: the same run changes the list once.

**When it fails**, nothing was changed: the log's last line says whether the site is no web address,
is a platform that many share, or is not on the list. `./nightcatch lists --history` shows each
change, and `--restore` undoes some.

**Owner**: the NightCatch team.
"""

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from dags.support.callbacks import notify_failed_run
from dags.support.connections import DEFAULT_ARGS, open_store, private_key, trusted_keys
from dags.support.forms import REASON
from dags.support.notes import note
from include.contract.lists import SCOPES

PIPELINE = "urls"
PARAMS = {
    "action": Param(
        "allow",
        type="string",
        enum=["allow", "block", "remove"],
        title="Action",
        description="Allow: legitimate whatever the model says. Block: phishing.",
    ),
    "site": Param(
        type="string",
        minLength=3,
        maxLength=4096,
        title="Site",
        description="A URL or host, such as hxxps://login[.]example[.]com/.",
    ),
    "scope": Param(
        "host",
        type="string",
        enum=list(SCOPES),
        title="Scope",
        description="The URL alone, all paths below it, its host, or its domain with all hosts "
        "below.",
    ),
    "until": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Until",
        description="Last day in UTC; empty for ever.",
    ),
    "reason": Param(type="string", **REASON),
}


@dag(
    schedule=None,
    catchup=False,
    params=PARAMS,
    doc_md=__doc__,
    description="Allow or block a site by a signed list entry",
    tags=["nightcatch", "lists"],
    default_args=DEFAULT_ARGS,
    on_failure_callback=notify_failed_run,
)
def change_list() -> None:
    """Declare one task: one compare-and-swap."""

    @task
    def sign_list() -> dict[str, Any]:
        from include.registry.lists import change_list as change
        from include.registry.lists import change_of_form

        context = get_current_context()
        asked = change_of_form(
            PIPELINE,
            context["params"],
            changed_by=context["dag_run"].triggering_user_name or "unknown",
            changed_at=datetime.now(UTC),
            run_id=context["run_id"],
        )
        trusted = trusted_keys().approvers
        changed = change(open_store(), asked, private_key("NIGHTCATCH_APPROVER_KEY"), trusted)
        params = context["params"]
        note(f"{params['action']} {params['scope']} of {params['site']}: serial {changed.serial}")
        return {"serial": changed.serial, "entries": len(changed.entries)}

    sign_list()


change_list()
