"""A whole run without Airflow, for tests of the steps: the same calls as the DAG's tasks."""

from datetime import UTC, datetime
from pathlib import Path

from include.run import champion, data, drift, promotion, training_steps
from include.run.package import BuildInfo, package
from include.run.run_context import RunContext, TrainingOptions

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
    champion.pin_champion(run, trusted_keys)
    taken = data.snapshot(run, collection, started_at)
    data.validate(run, taken["digest"], ROOT / "gx")
    names = families or training_steps.family_names(run, order)
    found = [training_steps.search(run, name, order) for name in names]
    chosen = training_steps.choose(run, found, order)
    evaluation = training_steps.evaluate_chosen(
        run, chosen, champion.read_champion(run, trusted_keys), order
    )
    moved = drift.measure(run, champion.read_champion(run, trusted_keys), ROOT / "gx")
    made = BuildInfo(started_at=started_at, seed=order.seed, code_commit="")
    packaged = package(run, chosen, made, signing_key=trainer.path, trusted_keys=trusted_keys)
    figures = promotion.infra_validate(run, packaged, chosen, trusted_keys)
    asked = {"fpr_budget": 0.01, "accept_drift": False, "drift": moved}
    promotion.gate(run, packaged, {**evaluation, **figures, **asked}, key=trainer.key)
    return packaged, chosen, evaluation


def run_training(run: RunContext, collection, *, trusted_keys, trainer, approver, **how):
    """Run every step and approve; the pointer and the evaluation."""
    packaged, _, evaluation = evaluate_run(
        run, collection, trusted_keys=trusted_keys, trainer=trainer, **how
    )
    pointer = promotion.promote(
        run,
        packaged,
        expected_serial=evaluation["champion_serial"],
        approved_by="test",
        approved_at=STARTED_AT,
        reason="a test",
        key=approver.key,
        trusted_keys=trusted_keys,
    )
    return pointer, evaluation
