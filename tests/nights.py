"""A whole night without Airflow, for tests of the steps: the same calls as the DAG's tasks."""

from datetime import UTC, datetime
from pathlib import Path

from include.nightly import champion, data, drift, model, ship
from include.nightly.night import Night, Order
from include.nightly.package import Circumstances, package

ROOT = Path(__file__).parents[1]
ORDER = Order(effort="quick", seed=0, fpr_budget=0.01)
STARTED_AT = datetime(2026, 11, 21, 2, 5, 13, tzinfo=UTC)


def judge_night(
    night: Night,
    collection,
    *,
    trust,
    trainer,
    started_at=STARTED_AT,
    families=None,
    order=ORDER,
):
    """Run every step up to the gate; the package, the chosen model and the evaluation."""
    champion.pin_champion(night, trust)
    taken = data.snapshot(night, collection, started_at)
    data.validate(night, taken["digest"], ROOT / "gx")
    names = families or model.family_names(night, order)
    found = [model.search(night, name, order) for name in names]
    chosen = model.choose(night, found, order)
    evaluation = model.evaluate_chosen(night, chosen, champion.read_champion(night, trust), order)
    moved = drift.measure(night, champion.read_champion(night, trust), ROOT / "gx")
    made = Circumstances(started_at=started_at, seed=order.seed, code_commit="")
    packaged = package(night, chosen, made, signing_key=trainer.path, trust=trust)
    figures = ship.infra_validate(night, packaged, chosen, trust)
    asked = {"fpr_budget": 0.01, "accept_drift": False, "drift": moved}
    ship.gate(night, packaged, {**evaluation, **figures, **asked}, key=trainer.key)
    return packaged, chosen, evaluation


def run_night(night: Night, collection, *, trust, trainer, approver, **how):
    """Run every step and approve; the pointer and the evaluation."""
    packaged, _, evaluation = judge_night(night, collection, trust=trust, trainer=trainer, **how)
    pointer = ship.promote(
        night,
        packaged,
        expected_serial=evaluation["champion_serial"],
        approved_by="test",
        approved_at=STARTED_AT,
        reason="a test",
        key=approver.key,
        trust=trust,
    )
    return pointer, evaluation
