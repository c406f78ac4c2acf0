"""### Train a model, and publish it if it passes the gate.

Daily at 02:00 UTC, by hand, and by new labels where `retrain_after_h` of `feeds.toml` is set.

| step | what it does | where to look |
|---|---|---|
| `take_snapshot` | reads the collection at one point in time into immutable Parquet | `snapshots/` |
| `validate` | Great Expectations suite; bad rows go to quarantine with their reasons | **Data Docs** tab of the run |
| `split` | sides of the split and features, computed once; later tasks read them by digest | `runs/` |
| `measure_drift` | against the snapshot of the model in production | **Data Docs** tab of the run |
| `search` | one task per model family: grid search by group-disjoint cross-validation | `runs/` |
| `choose` | the best by cross-validation alone; calibration; both thresholds for their false-positive budgets | log |
| `evaluate` | metrics on the test side, beside the random-split figure and the champion | log |
| `package` | joblib, ONNX, report, model card, bill of materials and manifest, signed | **Report**, under *Details* of the task |
| `infra_validate` | the scorer's own code loads the package and scores every test row | log |
| `gate` | one sentence per rule, limits in the pipeline's `policy.toml`; any rule not passed fails the run | log |
| `how_to_approve` | at once, or after a person's response; not at all if a newer run's version is in production | log |
| `wait_for_approval` | only with `approval: human` | **Required Actions** |
| `keep_newer` | only for an older run: its version is kept, the newer one stays in production | XCom |
| `approve` | one compare-and-swap of `approved.json`; scorers follow within one poll; red when a person rejected it | **Models**, under *Details* of the task |
| `track` | notes how the run ended; the DAG `send_tracking` sends it to MLflow. It never makes a failed run green | MLflow |

**If it fails.** `validate`: the log has the rule and the rows; fix the records, then trigger again.
`gate`: the log has the figure and its limit; the model in production stays. `approve` with a
*PromotionConflictError*: another run was approved since this one began; trigger again.
With *ApprovalRejectedError*: a person rejected it. `wait_for_approval`: no response. A store is retried.

**Run it again.** Every task may be cleared, with those after it. A cleared run uses the snapshot it had, if that is
still kept; to read fixed records, trigger a new run. A backfill reads the records as they were known on its days.
Neither puts an older run's model in the place of a newer one's: the DAG `approve_model` does.

**Several runs at once** share the pool `nightcatch_memory_gb`, a slot for each gigabyte that a
task may need; resize it under *Admin → Pools*. Missing, it is made anew when a run begins.

**Follow it.** The asset `approved_model_<pipeline>` has an event for each version that comes into
production, with `pipeline`, `version` and `serial` in its `extra`; start a DAG with
`schedule=Asset(name="approved_model_sites", uri="s3://nightcatch/models/sites/approved.json")`.

**Integrity.** A task reads only files whose SHA-256 an earlier task of the run handed over in its XCom, so
nobody who can write the bucket can replace them. `./nightcatch verify VERSION` checks all of it later.
"""

import os
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, TaskGroup, dag, get_current_context, task

from dags.support import links
from dags.support.approval import WAIT, read_response, request_approval
from dags.support.callbacks import notify_failed_training, run_deadline
from dags.support.connections import (
    DEFAULT_ARGS,
    POOL,
    approved_model,
    known_on,
    parallel_folds,
    private_key,
    required,
    trainer_keys,
    training_options,
    trusted_keys,
)
from dags.support.forms import training_params
from dags.support.handover import Handover, hand_over, run_after
from dags.support.lineage import emit_snapshot, emit_version
from dags.support.schedules import training_schedule
from dags.support.tracking import track
from include import pipelines
from include.contract.dag_ids import train_dag

ROOT = Path(__file__).resolve().parents[1]
# Without a start date and with no allowance, switching the DAG on starts nothing before 02:00.
SCHEDULE = CronTriggerTimetable("0 2 * * *", timezone="UTC", run_immediately=timedelta(0))
_PLAIN_IDS: dict[str, Any] = {"prefix_group_id": False}


def train(pipeline: pipelines.Pipeline) -> DAG:
    """Return the DAG that retrains one pipeline."""
    name = pipeline.name
    # All runs begin at 02:00: tasks that hold all rows wait for a slot of the memory pool.
    heavy: dict[str, Any] = {"pool": POOL, "pool_slots": pipeline.memory_gb}

    @dag(
        dag_id=train_dag(pipeline.name),
        dag_display_name=train_dag(pipeline.name),
        description=f"Retrain: {pipeline.title}",
        schedule=training_schedule(pipeline, SCHEDULE),
        catchup=False,
        max_active_runs=1,
        doc_md=__doc__,
        tags=["nightcatch", "training", pipeline.name],
        params=training_params(pipeline),
        default_args=DEFAULT_ARGS,
        on_failure_callback=notify_failed_training(pipeline.name),
        deadline=run_deadline(pipeline.name),
    )
    def training_run() -> None:
        with TaskGroup("collection", group_display_name="Collect", **_PLAIN_IDS):
            taken = take_snapshot(name)
        with TaskGroup("checks", group_display_name="Check", **_PLAIN_IDS):
            accepted = validate(name, taken)
            drift = measure_drift(name, accepted)
        with TaskGroup("training", group_display_name="Train", **_PLAIN_IDS):
            parted = split.override(**heavy)(name, accepted)
            searches = search.override(**heavy).partial(pipeline_name=name, parted=parted)
            found = searches.expand(family=plan_search(name, parted))
            chosen = choose.override(**heavy)(name, found)
        with TaskGroup("evaluation", group_display_name="Evaluate", **_PLAIN_IDS):
            evaluation = evaluate.override(**heavy)(name, chosen)
            packaged = package.override(**heavy)(name, evaluation, drift)
            served = infra_validate(name, packaged)
            passed = gate(name, served)
        with TaskGroup("publication", group_display_name="Publish", **_PLAIN_IDS):
            waiting, newer = request_approval(name), keep_newer(name, packaged)
            approval = approve.override(outlets=[approved_model(name)])(name, packaged)
            passed >> how_to_approve(name, packaged) >> [waiting, approval, newer]
            waiting >> approval
        # All that may still run when an earlier task fails, so that the end is the end.
        # A copy for each DAG: Airflow calls a teardown once.
        tracked = track.override()(name)
        [found, drift, served, approval, newer] >> tracked
        links.with_links(links.DataDocsLink(), taken, accepted, drift)
        links.with_links(links.MlflowLink(), found, tracked)
        links.with_links(links.ReportLink(), evaluation, packaged, served, passed)
        links.with_links(links.ModelsLink(), approval, newer)

    return training_run()


@task
def take_snapshot(pipeline_name: str) -> Handover:
    """Write the collection, as it is now, under its content hash."""
    from airflow.providers.mongo.hooks.mongo import MongoHook

    from include.run import champion
    from include.run.steps import data

    run, trainer = run_after(pipeline_name), trainer_keys()
    champion.pin_champion(run, trusted_keys(), trainer)
    with MongoHook(mongo_conn_id="nightcatch_mongo") as hook:
        collection = hook.get_collection(run.pipeline.collection)
        taken = data.snapshot(run, collection, datetime.now(UTC), trainer, known_on())
        emit_snapshot(run, collection, taken)
    return hand_over(run, taken)


@task
def validate(pipeline_name: str, taken: Handover) -> Handover:
    """Validate the records by their suite; quarantine the bad ones, or refuse them all."""
    from include.run.steps import data

    run = run_after(pipeline_name, taken)
    return hand_over(run, data.validate(run, ROOT / "gx"))


@task
def measure_drift(pipeline_name: str, accepted: Handover) -> Handover:
    """Compare the accepted rows with the snapshot of the model in production."""
    from include.run import champion
    from include.run.steps import drift

    run = run_after(pipeline_name, accepted)
    reference = champion.read_champion(run, trusted_keys())
    return hand_over(run, drift.measure(run, reference, ROOT / "gx"))


@task
def split(pipeline_name: str, accepted: Handover) -> Handover:
    """Assign each row to its side and compute its features, once for all later tasks."""
    from include.run import rows

    run = run_after(pipeline_name, accepted)
    return hand_over(run, rows.split(run))


@task
def plan_search(pipeline_name: str, parted: Handover) -> list[str]:
    """List the model families to search."""
    from include.run.steps import training

    return training.family_names(run_after(pipeline_name, parted), training_options())


@task(map_index_template="{{ family }}")
def search(pipeline_name: str, parted: Handover, family: str) -> Handover:
    """Search one family's grid by cross-validation on the training side."""
    from include.run.steps import training

    context, run = get_current_context(), run_after(pipeline_name, parted)
    context["family"] = family  # type: ignore[typeddict-unknown-key]  # names the mapped task
    links.show_link(context, links.MlflowLink())
    with parallel_folds():
        return hand_over(run, training.search(run, family, training_options()))


@task
def choose(pipeline_name: str, found: list[Handover]) -> Handover:
    """Choose by cross-validation; calibrate; set the thresholds for their budgets."""
    from include.run.steps import training

    run = run_after(pipeline_name, *found)
    return hand_over(run, training.choose(run, training_options()))


@task
def evaluate(pipeline_name: str, chosen: Handover) -> Handover:
    """Compute the metrics on the test side, once."""
    from include.run import champion
    from include.run.steps import training

    run = run_after(pipeline_name, chosen)
    reference = champion.read_champion(run, trusted_keys())
    return hand_over(run, training.evaluate_chosen(run, reference, training_options()))


@task
def package(pipeline_name: str, evaluation: Handover, drift: Handover) -> Handover:
    """Write the version folder, its report among it, and sign it."""
    from include.run.steps import package as step

    context, run = get_current_context(), run_after(pipeline_name, evaluation, drift)
    made = step.BuildInfo(
        started_at=context["dag_run"].run_after,
        seed=context["params"]["seed"],
        code_commit=os.environ.get("NIGHTCATCH_CODE_COMMIT", ""),
        accept_drift=context["params"]["accept_drift"],
        lock=(ROOT / "requirements.txt").read_text(),
    )
    key = Path(required("NIGHTCATCH_TRAINER_KEY"))
    packaged = step.package(run, made, signing_key=key, trusted_keys=trusted_keys())
    emit_version(run, packaged)
    return hand_over(run, packaged)


@task
def infra_validate(pipeline_name: str, packaged: Handover) -> Handover:
    """Load the package with the scorer's own code and score every test row."""
    from include.run.steps import promotion

    run = run_after(pipeline_name, packaged)
    return hand_over(run, promotion.infra_validate(run, trusted_keys()))


@task
def gate(pipeline_name: str, served: Handover) -> list[str]:
    """Pass every rule, or fail the run."""
    from include.run.steps import gate as gate_step

    accept_drift = get_current_context()["params"]["accept_drift"]
    run, key = run_after(pipeline_name, served), private_key("NIGHTCATCH_TRAINER_KEY")
    return list(gate_step.gate(run, accept_drift=accept_drift, key=key))


@task.branch
def how_to_approve(pipeline_name: str, packaged: Handover) -> str:
    """Request a person's approval where the run says so; keep a later run's version."""
    from include.run.steps import promotion

    if promotion.newer_in_production(run_after(pipeline_name, packaged), trusted_keys()):
        return "keep_newer"
    return WAIT if get_current_context()["params"]["approval"] == "human" else "approve"


@task
def keep_newer(pipeline_name: str, packaged: Handover) -> dict[str, str | None]:
    """Log which version of a later run stays in production."""
    from include.run.steps import promotion

    return promotion.keep_newer(run_after(pipeline_name, packaged), trusted_keys())


@task(trigger_rule="none_failed_min_one_success")
def approve(pipeline_name: str, packaged: Handover) -> dict[str, Any]:
    """Bring the version into production, exactly once."""
    from include.run.steps import promotion

    context, run = get_current_context(), run_after(pipeline_name, packaged)
    response = read_response(context["ti"].xcom_pull(task_ids=WAIT))
    key = private_key("NIGHTCATCH_APPROVER_KEY")
    if response is not None:
        promotion.record_response(run, **asdict(response), key=key)
    pointer = promotion.promote(
        run,
        approved_by=response.by if response else "the gate",
        approved_at=response.at if response else datetime.now(UTC),
        reason=response.reason if response else "passed every rule of the gate",
        key=key,
        trusted_keys=trusted_keys(),
    )
    summary = {"pipeline": pointer.pipeline, "version": pointer.version, "serial": pointer.serial}
    for outlet in context["task"].outlets:
        context["outlet_events"][outlet].extra = dict(summary)
    return summary


for _name in pipelines.names():
    train(pipelines.get(_name))
