"""A whole run without Airflow, for tests of the steps: the same calls as the DAG's tasks."""

from datetime import UTC, datetime
from pathlib import Path

from include.run import champion
from include.run.first_attempt import TrainerKeys
from include.run.rows import split
from include.run.run_context import RunContext, TrainingOptions
from include.run.steps import data, drift, promotion, training
from include.run.steps.gate import gate
from include.run.steps.package import BuildInfo, package
from include.run.steps.replay import replay_traffic

ROOT = Path(__file__).parents[2]
ORDER = TrainingOptions(effort="quick", seed=0, fpr_budget=0.01)
STARTED_AT = datetime(2026, 11, 21, 2, 5, 13, tzinfo=UTC)


def evaluate_run(
    run: RunContext,
    collection,
    *,
    trusted_keys,
    trainer,
    started_at=STARTED_AT,
    families=None,
    order=ORDER,
):
    """Run every step up to the gate; the package, the chosen model and the evaluation."""
    trainer_keys = TrainerKeys(trainer.key, trusted_keys.trainers)
    champion.pin_champion(run, trusted_keys, trainer_keys)
    data.snapshot(run, collection, started_at, trainer_keys)
    data.validate(run, ROOT / "gx")
    split(run)
    for name in families or training.family_names(run, order):
        training.search(run, name, order)
    chosen = training.choose(run, order)
    production = champion.read_champion(run, trusted_keys)
    evaluation = training.evaluate_chosen(run, production, order)
    drift.measure(run, production, ROOT / "gx")
    replay_traffic(run, production, trusted_keys, trainer_keys)
    made = BuildInfo(started_at=started_at, seed=order.seed, code_commit="")
    packaged = package(run, made, signing_key=trainer.path, trusted_keys=trusted_keys)
    promotion.infra_validate(run, trusted_keys)
    gate(run, accept_drift=False, key=trainer.key)
    return packaged, chosen, evaluation


def run_training(run: RunContext, collection, *, trusted_keys, trainer, approver, **how):
    """Run every step and approve; the pointer and the evaluation."""
    _, _, evaluation = evaluate_run(
        run, collection, trusted_keys=trusted_keys, trainer=trainer, **how
    )
    pointer = promotion.promote(
        run,
        approved_by="test",
        approved_at=STARTED_AT,
        reason="a test",
        key=approver.key,
        trusted_keys=trusted_keys,
    )
    return pointer, evaluation
