"""### Retrain, and publish only what passes the gate.

Every night at 02:00 UTC, and whenever somebody triggers it.

![What happens, step by step](/flows/train.svg)

| step | what it does | where to look |
|---|---|---|
| `take_snapshot` | reads the collection once, as it is at one moment, into immutable Parquet; a run made again keeps the snapshot it had | `snapshots/` |
| `validate` | Great Expectations suite; bad rows go to quarantine with their reasons | **Data Docs** tab of the run |
| `measure_drift` | against the snapshot of the model in production | **Data Docs** tab of the run |
| `search` | one task per model family: grid search by group-disjoint cross-validation | `runs/` |
| `choose` | the best by cross-validation alone; calibration; threshold for the false-positive budget | log |
| `evaluate` | the one look at the test side, beside the random-split figure and the champion | log |
| `package` | joblib, ONNX, report, model card, bill of materials and manifest, signed | **Report**, under *Details* of the task |
| `infra_validate` | the scorer's own code loads the package and scores every test row | log |
| `gate` | one sentence per rule, limits in the pipeline's `policy.toml`; any rule not passed fails the run | log |
| `how_to_approve` | at once, or after a person's answer; not at all if a newer run's version is in production | log |
| `wait_for_approval` | only with `approval: human` | **Required Actions** |
| `keep_newer` | only for an older run: its version is kept, the newer one stays in production | XCom |
| `approve` | one compare-and-swap of `approved.json`; scorers follow within one poll; red when a person said no | **Models**, under *Details* of the task |
| `track` | notes how the run ended; the DAG `send_tracking` tells MLflow. It never makes a failed run green | MLflow |

**If it fails.** `validate`: the log says which rule and which rows; fix the records, then trigger again.
`gate`: the log says which figure missed which limit; the model in production stays. `approve` with a
*PromotionConflictError*: another run was approved since this one was judged; trigger again.
With *ApprovalRejectedError*: a person said no, and why. `wait_for_approval`: nobody answered in time.
A server that was away is tried again by itself.

**Run it again.** Every task may be cleared. A cleared run judges the snapshot it had, if that is
still kept; to read fixed records, trigger a new run. A backfill reads the records as they are now.
Neither puts an older run's model in the place of a newer one's: the DAG `approve_model` does.

**Several runs at once** share the pool `nightcatch_memory_gb`, a slot for each gigabyte that a
task may need; resize it under *Admin → Pools*. Missing, it is made anew when a run begins.

**Follow it.** The asset `approved_model_<pipeline>` has an event for each version that comes into
force, with `pipeline`, `version` and `serial` in its `extra`; start a DAG with
`schedule=Asset(name="approved_model_sites", uri="s3://nightcatch/models/sites/approved.json")`.

**Owner**: the NightCatch team.
"""

import os
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, dag, get_current_context, task

from dags.support import links
from dags.support.approval import WAIT, read_answer, request_approval
from dags.support.callbacks import notify_failed_training, run_deadline
from dags.support.connections import (
    DEFAULT_ARGS,
    POOL,
    approved_model,
    order,
    parallel_folds,
    private_key,
    required,
    run_context,
    trusted_keys,
)
from dags.support.forms import training_params
from dags.support.lineage import emit_snapshot, emit_version
from dags.support.tracking import track
from include import pipelines
from include.contract.dag_ids import train_dag

ROOT = Path(__file__).resolve().parents[1]
# Without a start date and with no allowance, switching the DAG on starts nothing before 02:00.
SCHEDULE = CronTriggerTimetable("0 2 * * *", timezone="UTC", run_immediately=timedelta(0))


def train(pipeline: pipelines.Pipeline) -> DAG:
    """Return the DAG that retrains one pipeline."""
    # All runs begin at 02:00: what holds all rows waits until the machine's memory has room.
    heavy: dict[str, Any] = {"pool": POOL, "pool_slots": pipeline.memory_gb}

    @dag(
        dag_id=train_dag(pipeline.name),
        dag_display_name=train_dag(pipeline.name),
        description=f"Retrain: {pipeline.title}",
        schedule=SCHEDULE,
        catchup=False,
        max_active_runs=1,
        doc_md=__doc__,
        tags=["nightcatch", "training", pipeline.name],
        params=training_params(pipeline),
        default_args=DEFAULT_ARGS,
        on_failure_callback=notify_failed_training(pipeline.name),
        deadline=run_deadline(pipeline.name),
    )
    def nightly() -> None:
        taken = take_snapshot(pipeline.name)
        accepted = validate(pipeline.name, taken)
        drift = measure_drift(pipeline.name, accepted)
        families = plan_search(pipeline.name, accepted)
        searches = search.override(**heavy).partial(pipeline_name=pipeline.name)
        found = searches.expand(family=families)
        chosen = choose.override(**heavy)(pipeline.name, found)
        evaluation = evaluate.override(**heavy)(pipeline.name, chosen)
        packaged = package.override(**heavy)(pipeline.name, chosen, evaluation, drift)
        figures = infra_validate(pipeline.name, packaged, chosen)
        passed = gate(pipeline.name, packaged, evaluation, figures, drift)
        approval = approve.override(outlets=[approved_model(pipeline.name)])(
            pipeline.name, packaged, evaluation
        )
        waiting = request_approval(pipeline.name)
        newer = keep_newer(pipeline.name, packaged)
        passed >> how_to_approve(pipeline.name, packaged) >> [waiting, approval, newer]
        waiting >> approval
        links.with_links(links.DataDocsLink(), taken, accepted, drift)
        links.with_links(links.MlflowLink(), found)
        links.with_links(links.ReportLink(), evaluation, packaged, figures, passed)
        links.with_links(links.ModelsLink(), approval, newer)
        # All that may still run when an earlier task fails, so that the end is the end.
        # A copy for each DAG: Airflow calls a teardown once.
        tracked = track.override()(pipeline.name)
        links.with_links(links.MlflowLink(), tracked)
        [found, drift, figures, approval, newer] >> tracked

    return nightly()


@task
def take_snapshot(pipeline_name: str) -> dict[str, Any]:
    """Write the collection, as it is now, under its content hash."""
    from airflow.providers.mongo.hooks.mongo import MongoHook

    from include.run import champion, data

    run = run_context(pipeline_name)
    champion.pin_champion(run, trusted_keys())
    with MongoHook(mongo_conn_id="nightcatch_mongo") as hook:
        collection = hook.get_collection(run.pipeline.collection)
        taken = data.snapshot(run, collection, datetime.now(UTC))
        emit_snapshot(run, collection, taken)
    return taken


@task
def validate(pipeline_name: str, taken: dict[str, Any]) -> dict[str, Any]:
    """Judge the records by their suite; quarantine the bad ones, or refuse them all."""
    from include.run import data

    read_at = datetime.fromisoformat(taken["read_at"])
    return data.validate(run_context(pipeline_name), taken["digest"], ROOT / "gx", read_at)


@task
def measure_drift(pipeline_name: str, accepted: dict[str, Any]) -> dict[str, Any]:
    """Compare the accepted rows with the snapshot of the model in production."""
    from include.run import champion, drift

    run = run_context(pipeline_name)
    reference = champion.read_champion(run, trusted_keys())
    return drift.measure(run, reference, ROOT / "gx")


@task
def plan_search(pipeline_name: str, accepted: dict[str, Any]) -> list[str]:
    """List the model families to search."""
    from include.run import training_steps

    return training_steps.family_names(run_context(pipeline_name), order())


@task(map_index_template="{{ family }}")
def search(pipeline_name: str, family: str) -> dict[str, Any]:
    """Search one family's grid by cross-validation on the training side."""
    from include.run import training_steps

    context = get_current_context()
    context["family"] = family  # type: ignore[typeddict-unknown-key]  # names the mapped task
    links.show_link(context, links.MlflowLink())
    with parallel_folds():
        return training_steps.search(run_context(pipeline_name), family, order())


@task
def choose(pipeline_name: str, found: list[dict[str, Any]]) -> dict[str, Any]:
    """Choose by cross-validation; calibrate; set the threshold for the budget."""
    from include.run import training_steps

    return training_steps.choose(run_context(pipeline_name), list(found), order())


@task
def evaluate(pipeline_name: str, chosen: dict[str, Any]) -> dict[str, Any]:
    """Look at the test side, once."""
    from include.run import champion, training_steps

    run = run_context(pipeline_name)
    return training_steps.evaluate_chosen(
        run, chosen, champion.read_champion(run, trusted_keys()), order()
    )


@task
def package(
    pipeline_name: str, chosen: dict[str, Any], evaluation: dict[str, Any], drift: dict[str, Any]
) -> dict[str, Any]:
    """Write the version folder, its report among it, and sign it."""
    from include.run.package import BuildInfo
    from include.run.package import package as make

    context = get_current_context()
    made = BuildInfo(
        started_at=context["dag_run"].run_after,
        seed=context["params"]["seed"],
        code_commit=os.environ.get("NIGHTCATCH_CODE_COMMIT", ""),
        accept_drift=context["params"]["accept_drift"],
        lock=(ROOT / "requirements.txt").read_text(),
    )
    key, run = Path(required("NIGHTCATCH_TRAINER_KEY")), run_context(pipeline_name)
    packaged = make(run, chosen, made, signing_key=key, trusted_keys=trusted_keys())
    emit_version(run, packaged)
    return packaged


@task
def infra_validate(
    pipeline_name: str, packaged: dict[str, Any], chosen: dict[str, Any]
) -> dict[str, Any]:
    """Load the package with the scorer's own code and score every test row."""
    from include.run import promotion

    return promotion.infra_validate(run_context(pipeline_name), packaged, chosen, trusted_keys())


@task
def gate(
    pipeline_name: str,
    packaged: dict[str, Any],
    evaluation: dict[str, Any],
    figures: dict[str, Any],
    drift: dict[str, Any],
) -> list[str]:
    """Pass every rule, or fail the run."""
    from include.run import promotion

    params = get_current_context()["params"]
    asked = {"fpr_budget": params["fpr_budget"], "accept_drift": params["accept_drift"]}
    gate_inputs = {**evaluation, **figures, **asked, "drift": drift}
    key = private_key("NIGHTCATCH_TRAINER_KEY")
    return promotion.gate(run_context(pipeline_name), packaged, gate_inputs, key=key)


@task.branch
def how_to_approve(pipeline_name: str, packaged: dict[str, Any]) -> str:
    """Ask a person first when the run was asked to; leave a later run's version in production."""
    from include.run import promotion

    if promotion.newer_in_production(run_context(pipeline_name), packaged, trusted_keys()):
        return "keep_newer"
    return WAIT if get_current_context()["params"]["approval"] == "human" else "approve"


@task
def keep_newer(pipeline_name: str, packaged: dict[str, Any]) -> dict[str, Any]:
    """Say which version of a later run stays in production."""
    from include.run import promotion

    return promotion.keep_newer(run_context(pipeline_name), packaged, trusted_keys())


@task(trigger_rule="none_failed_min_one_success")
def approve(
    pipeline_name: str, packaged: dict[str, Any], evaluation: dict[str, Any]
) -> dict[str, Any]:
    """Bring the version into production, exactly once."""
    from include.run import promotion
    from include.run.approval_response import record_answer

    context, run = get_current_context(), run_context(pipeline_name)
    answered = read_answer(context["ti"].xcom_pull(task_ids=WAIT))
    if answered is not None:
        record_answer(run, packaged, **asdict(answered))
    pointer = promotion.promote(
        run,
        packaged,
        expected_serial=evaluation["champion_serial"],
        approved_by=answered.by if answered else "the gate",
        approved_at=answered.at if answered else datetime.now(UTC),
        reason=answered.reason if answered else "passed every rule of the gate",
        key=private_key("NIGHTCATCH_APPROVER_KEY"),
        trusted_keys=trusted_keys(),
    )
    summary = {"pipeline": pointer.pipeline, "version": pointer.version, "serial": pointer.serial}
    for outlet in context["task"].outlets:
        context["outlet_events"][outlet].extra = dict(summary)
    return summary


for _name in pipelines.names():
    train(pipelines.get(_name))
