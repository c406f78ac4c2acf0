"""### Put a kept version in production: promote it, or roll back to it.

**Trigger it** with the form: the pipeline, the version (`./nightcatch versions` lists them, as
does the folder `models/<pipeline>/`), and why. The version is loaded with the scorer's own code
first; then `approved.json` changes by one compare-and-swap, the serial rises, and every scorer
follows within one poll. Where two approvers are needed, the first one's *Decision* is *propose*. What the gate rejected is refused, unless the form says *despite the gate*.

**Run it again** whenever you like: the same run comes into production once.

**When it fails**, nothing was changed: the log's last line says whether the version is missing,
not whole, not signed by a trainer, did not pass the gate, or whether another approval came first.

**Owner**: the NightCatch team.
"""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import AssetAlias, Param, dag, get_current_context, task

from dags.support.callbacks import notify_failed_run
from dags.support.connections import (
    DEFAULT_ARGS,
    approved_model,
    finished_runs,
    open_store,
    private_key,
    trusted_keys,
)
from dags.support.forms import REASON
from dags.support.notes import note
from include import pipelines

PARAMS = {
    "pipeline": Param(
        pipelines.names()[0],
        type="string",
        enum=list(pipelines.names()),
        title="Pipeline",
        description="Whose version.",
    ),
    "version": Param(
        type="string",
        pattern=r"^\d{8}T\d{6}Z-[0-9a-f]{8}$",
        title="Version",
        description="Such as 20261121T020513Z-3f9a1c2b.",
    ),
    "reason": Param(type="string", **REASON),
    "decision": Param(
        "approve",
        type="string",
        enum=["approve", "propose"],
        title="Decision",
        description="Where two approvers are needed, the first one proposes, with the key of this "
        "Airflow; the second one approves the same version with another key, within three days. "
        "To return to a version that two have approved needs one.",
    ),
    "despite_gate": Param(
        False,
        type="boolean",
        title="Despite the gate",
        description="Take a version that the gate rejected or never evaluated; the recorded reason "
        "then says so. A version that was in production before does not need this.",
    ),
}


@dag(
    schedule=None,
    catchup=False,
    params=PARAMS,
    doc_md=__doc__,
    description="Promote a kept model version, or roll back to it, with a reason",
    tags=["nightcatch", "approval"],
    default_args=DEFAULT_ARGS,
    on_failure_callback=notify_failed_run,
)
def approve_model() -> None:
    """Declare one task: one compare-and-swap."""

    @task(outlets=[AssetAlias(name="approved_models", group="nightcatch")])
    def set_production() -> dict[str, Any]:
        from include.registry.request import Request
        from include.run.rollback import propose_version, reinstate

        context = get_current_context()
        params = context["params"]
        request = Request(
            pipeline=params["pipeline"],
            version=params["version"],
            approved_by=context["dag_run"].triggering_user_name or "unknown",
            approved_at=datetime.now(UTC).isoformat(timespec="seconds"),
            reason=params["reason"],
            run_id=context["run_id"],
        )
        key = private_key("NIGHTCATCH_APPROVER_KEY")
        if params["decision"] == "propose":
            found = propose_version(
                open_store(), request, key, trusted_keys(), despite_gate=params["despite_gate"]
            )
            return {**asdict(found), "proposed": True}
        pointer = reinstate(
            open_store(), request, key, trusted_keys(), despite_gate=params["despite_gate"]
        )
        summary = {
            "pipeline": pointer.pipeline,
            "version": pointer.version,
            "serial": pointer.serial,
        }
        (alias,) = context["task"].outlets
        asset = approved_model(pointer.pipeline)
        context["outlet_events"][alias].add(asset, extra=dict(summary))
        context["outlet_events"][alias].add(finished_runs())
        note(f"{pointer.pipeline}: {pointer.version} is in production, serial {pointer.serial}")
        return summary

    set_production()


approve_model()
