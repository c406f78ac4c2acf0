"""The gate of a run: every rule evaluated on verified figures; verdicts and chain are signed."""

import logging
from collections.abc import Sequence
from dataclasses import asdict

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract.gate_verdicts import GATE_SIGNATURE, sign_verdicts
from include.contract.run_documents import (
    ChosenModel,
    DriftSummary,
    Evaluation,
    GateVerdict,
    GateVerdicts,
    PackagedVersion,
    Replay,
    ServingFigures,
)
from include.contract.run_steps import CHAIN, RunChain
from include.errors import GateRejectedError
from include.evaluation.gate.policy import Policy
from include.evaluation.gate.rule_results import Verdict, rejections
from include.evaluation.gate.rules import apply_gate
from include.run.run_context import RunContext

_log = logging.getLogger(__name__)


def apply_rules(
    chosen: ChosenModel,
    evaluation: Evaluation,
    serving: ServingFigures,
    drift: DriftSummary,
    replay: Replay,
    policy: Policy,
    *,
    accept_drift: bool,
) -> tuple[Verdict, ...]:
    """Return the verdict of every gate rule."""
    gate_inputs = {
        **vars(evaluation),
        **vars(serving),
        "drift": vars(drift),
        "replay": vars(replay),
        "block": chosen.calibration["block"],
        "accept_drift": accept_drift,
    }
    return apply_gate(gate_inputs, policy)


def gate(
    run: RunContext, *, accept_drift: bool, key: ec.EllipticCurvePrivateKey
) -> tuple[Verdict, ...]:
    """Return the verdict of every rule, all passed.

    Verdicts and the chain of the run's steps are signed and kept under the run in any case.

    Parameters
    ----------
    run : RunContext
        After every other step up to here.
    accept_drift : bool
        Whether drift beyond the blocking limit is accepted.
    key : EllipticCurvePrivateKey
        The trainer's.

    Raises
    ------
    GateRejectedError
        If a rule was not passed.
    """
    with run.step("gate"):
        packaged, verdicts = run.read(PackagedVersion), _verdicts(run, accept_drift)
    chain = RunChain(
        run.pipeline.name, run.run_id, packaged.version, packaged.manifest_sha256, run.steps
    )
    content = run.read_bytes(GateVerdicts.NAME)
    vouched = sign_verdicts(content, packaged.manifest_sha256, key)
    run.store.put(run.key(GATE_SIGNATURE), vouched, "application/json")
    run.store.put(run.key(CHAIN), chain.to_json(key), "application/json")
    _report(run, verdicts)
    if rejected := rejections(verdicts):
        raise GateRejectedError(f"{run.pipeline.name}: {'; '.join(rejected)}")
    return verdicts


def _verdicts(run: RunContext, accept_drift: bool) -> tuple[Verdict, ...]:
    verdicts = apply_rules(
        run.read(ChosenModel),
        run.read(Evaluation),
        run.read(ServingFigures),
        run.read(DriftSummary),
        run.read(Replay),
        run.pipeline.policy,
        accept_drift=accept_drift,
    )
    run.write(GateVerdicts(tuple(GateVerdict(**asdict(each)) for each in verdicts)))
    return verdicts


def _report(run: RunContext, verdicts: Sequence[Verdict]) -> None:
    for verdict in verdicts:
        word = (
            "not evaluated" if not verdict.evaluated else "passed" if verdict.passed else "REJECTED"
        )
        _log.info("%s: %s", word, verdict.sentence)
    evaluated = [verdict.passed for verdict in verdicts if verdict.evaluated]
    counts = sum(evaluated), len(evaluated), len(verdicts) - len(evaluated)
    _log.info("%s: %d of %d rules passed; %d not evaluated", run.pipeline.name, *counts)
