"""The DAG of each pipeline that trains a model, and publishes it if it passes the gate."""

import os
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

from airflow.sdk import DAG, CronTriggerTimetable, TaskGroup, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from dags.support import links
from dags.support.approval import (
    WAIT,
    Response,
    how_to_approve,
    read_response,
    request_approval,
)
from dags.support.callbacks import notify_failed_training, run_deadline
from dags.support.connections import (
    DEFAULT_ARGS,
    POOL,
    approved_model,
    known_on,
    parallel_tasks,
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
from include.contract.pointer import GATE
from include.contract.signature import needs_two

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
        doc_md=Path(__file__).with_suffix(".md").read_text(encoding="utf-8"),
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
            replayed = replay_traffic(name, chosen)
            packaged = package.override(**heavy)(name, evaluation, drift, replayed)
            served = infra_validate(name, packaged)
            passed = gate(name, served)
        with TaskGroup("publication", group_display_name="Publish", **_PLAIN_IDS):
            waiting, newer = request_approval(name), keep_newer(name, packaged)
            approval = approve.override(outlets=[approved_model(name)])(name, packaged)
            how_to_approve(name, packaged, passed) >> [waiting, approval, newer]
            waiting >> approval
        # All that may still run when an earlier task fails, so that the end is the end.
        # A copy for each DAG: Airflow calls a teardown once.
        tracked = track.override()(name)
        [found, drift, replayed, served, approval, newer] >> tracked
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
    with parallel_tasks():
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
    with parallel_tasks():
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
def replay_traffic(pipeline_name: str, chosen: Handover) -> Handover:
    """Score the traffic of the last days with the chosen model and the champion."""
    from include.run import champion
    from include.run.steps import replay

    run = run_after(pipeline_name, chosen)
    production = champion.read_champion(run, trusted_keys())
    return hand_over(run, replay.replay_traffic(run, production, trusted_keys(), trainer_keys()))


@task
def package(
    pipeline_name: str, evaluation: Handover, drift: Handover, replayed: Handover
) -> Handover:
    """Write the version folder, its report among it, and sign it."""
    from include.run.steps import package as step

    context, run = get_current_context(), run_after(pipeline_name, evaluation, drift, replayed)
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
def gate(pipeline_name: str, served: Handover) -> list[dict[str, Any]]:
    """Pass every rule, or fail the run; return the verdicts."""
    from include.run.steps import gate as gate_step

    accept_drift = get_current_context()["params"]["accept_drift"]
    run, key = run_after(pipeline_name, served), private_key("NIGHTCATCH_TRAINER_KEY")
    return [asdict(each) for each in gate_step.gate(run, accept_drift=accept_drift, key=key)]


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
        if needs_two(trusted_keys().approvers):
            _propose(run, response, key)
    pointer = promotion.promote(
        run,
        approved_by=response.by if response else GATE,
        approved_at=response.at if response else datetime.now(UTC),
        reason=response.reason if response else "passed every rule of the gate",
        key=key,
        trusted_keys=trusted_keys(),
    )
    summary = {"pipeline": pointer.pipeline, "version": pointer.version, "serial": pointer.serial}
    for outlet in context["task"].outlets:
        context["outlet_events"][outlet].extra = dict(summary)
    return summary


def _propose(run: Any, response: Response, key: Any) -> NoReturn:
    """Sign the response as the first of two approvers', and end the task as skipped."""
    from include.run.steps import promotion

    found = promotion.propose_version(
        run,
        *(response.by, response.at, response.reason, key, trusted_keys()),
    )
    raise AirflowSkipException(
        f"{found.version} is proposed by {found.proposed_by}; nothing has changed yet: a second "
        f"approver approves it with a key of their own, by {found.expires_at}"
    )


for _name in pipelines.names():
    train(pipelines.get(_name))
