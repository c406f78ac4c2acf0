"""Time from an evaluated model of `sites` to production; whether poisoned labels pass the gate.

First a run on real servers: `seconds` is the time of package, validate, gate and publish, with a
champion to compare with. Then 1,000 simulated runs on the real rows: half the candidates are
trained on shuffled labels, half with 5 % of the labels poisoned (at random, or phishing of one
slice called legitimate; in all that the run sees, or on the training side alone). The policy's
rules speak with 95 % confidence, so of the candidates that are truly worse than the champion by
more than the policy allows, measured on rows kept back, at most 5 % may pass. A candidate that
poison has not made worse may pass; as many runs with clean labels show that the gate lets
anything pass at all.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bench._candidates import Labels, Outcome, SimulatedRuns
from bench._shipping import PIPELINE, RealServers
from bench._sites import FILE, data_folder, read_records

PUBLISHING = ("package", "validate", "gate", "publish")
POISONED_SHARE = 0.05
N_SPLITS = 5
N_CLEAN = 50
Draw = np.random.Generator


@dataclass
class Tally:
    """What became of the candidates of one kind."""

    passed: int = 0
    worse: int = 0
    passed_worse: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    n: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one more."""
        passed = not outcome.rejected_by
        self.n += 1
        self.passed += passed
        self.worse += outcome.is_worse
        self.passed_worse += passed and outcome.is_worse
        self.rules.update(outcome.rejected_by)


def shuffled(runs: SimulatedRuns, rng: Draw, seed: int) -> Outcome:
    """Return what becomes of a candidate whose labels mean nothing; the test labels do."""
    y = runs.records.y
    return runs.outcome(rng.permutation(y), y, seed)


def clean(runs: SimulatedRuns, rng: Draw, seed: int) -> Outcome:
    """Return what becomes of a candidate whose labels are right."""
    return runs.outcome(runs.records.y, runs.records.y, seed)


def poisoned_at_random(runs: SimulatedRuns, rng: Draw, seed: int) -> Outcome:
    """Return what becomes of a candidate when any label is turned round with 5 % chance."""
    y = runs.records.y
    poisoned = np.where(rng.random(len(y)) < POISONED_SHARE, 1 - y, y).astype(np.int8)
    return runs.outcome(poisoned, _evaluated_by(poisoned, y, rng), seed)


def poisoned_slice(runs: SimulatedRuns, rng: Draw, seed: int) -> Outcome:
    """Return what becomes of one when 5 % of all rows, phishing of a slice, turn legitimate."""
    y, n_poisoned = runs.records.y, round(POISONED_SHARE * len(runs.records.y))
    parts = [
        mask
        for values in runs.labels.values()
        for part in sorted(set(values.tolist()))
        if int(np.sum((mask := values == part) & (y == 1))) >= n_poisoned
    ]
    spoilt = parts[rng.integers(len(parts))]
    poisoned = y.copy()
    poisoned[rng.choice(np.flatnonzero(spoilt & (y == 1)), n_poisoned, replace=False)] = 0
    return runs.outcome(poisoned, _evaluated_by(poisoned, y, rng), seed, spoilt)


def _evaluated_by(poisoned: Labels, y: Labels, rng: Draw) -> Labels:
    """Poison reaches the evaluation rows in one run of two."""
    return poisoned if rng.random() < 0.5 else y


KINDS: Mapping[str, tuple[Callable[[SimulatedRuns, Draw, int], Outcome], float]] = {
    "shuffled labels": (shuffled, 0.5),
    "5 % poisoned, at random": (poisoned_at_random, 0.25),
    "5 % poisoned, in one slice": (poisoned_slice, 0.25),
}


def publish_one() -> dict[str, Any]:
    """Return how long a run takes from an evaluated model to production, and how it serves."""
    with (
        tempfile.TemporaryDirectory(prefix="nightcatch-bench-") as folder,
        RealServers(Path(folder)) as servers,
    ):
        servers.run(1, "quick")
        clock, figures = servers.run(2, "default")
    print(f"{'step':24}{'seconds':>10}{'on a core':>12}   {figures['family']}, with a champion")
    for name, seconds in clock.seconds.items():
        mark = "   *" if name in PUBLISHING else ""
        print(f"{name:24}{seconds:10.2f}{clock.busy_seconds[name]:12.2f}{mark}")
    for sentence in figures.pop("sentences"):
        print(f"  - {sentence}")
    return {
        "seconds": sum(clock.seconds[name] for name in PUBLISHING),
        "busy_seconds": sum(clock.busy_seconds[name] for name in PUBLISHING),
        "served": figures,
    }


def simulate(served: Mapping[str, Any], n_candidates: int) -> dict[str, Tally]:
    """Return what became of the candidates of each kind, over some splits of the real rows."""
    frame = pd.read_csv(data_folder() / FILE)
    parts = PIPELINE.slices(frame) if PIPELINE.slices else frame[[]]
    labels: dict[str, npt.NDArray[np.object_]] = {
        str(name): parts[name].to_numpy(object) for name in parts
    }
    as_served = {name: served[name] for name in ("onnx_difference", "latency_us", "size_bytes")}
    tallies = {kind: Tally() for kind in (*KINDS, "clean labels")}
    splits, salt = 0, 0
    while splits < N_SPLITS:
        runs = SimulatedRuns(read_records(), labels, PIPELINE.policy, as_served, str(salt))
        salt += 1
        if not runs.champion_passes():
            continue  # it would not be the champion
        splits += 1
        for kind, (candidate, share) in KINDS.items():
            for number in range(round(share * n_candidates / N_SPLITS)):
                rng = np.random.default_rng([salt, number])
                tallies[kind].add(candidate(runs, rng, number + 1))
        for number in range(N_CLEAN // N_SPLITS):
            tallies["clean labels"].add(clean(runs, np.random.default_rng(number), number + 1))
        so_far = ", ".join(f"{kind} {t.passed} of {t.n}" for kind, t in tallies.items())
        print(f"passed after split {splits} of {N_SPLITS}: {so_far}", flush=True)
    return tallies


def main() -> None:
    """Print both tables; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=1_000, help="simulated (1,000)")
    n_candidates = parser.parse_args().candidates
    with threadpool_limits(limits=1):
        packaged = publish_one()
        tallies = simulate(packaged["served"], n_candidates)
    print(f"{'candidates':28}{'n':>6}{'worse':>7}{'passed':>8}{'passed worse':>14}   rejected by")
    for kind, tally in tallies.items():
        rules = ", ".join(f"{rule} {count}" for rule, count in tally.rules.most_common(5))
        print(
            f"{kind:28}{tally.n:6}{tally.worse:7}{tally.passed:8}{tally.passed_worse:14}   {rules}"
        )
    poisoned = [tally for kind, tally in tallies.items() if "poisoned" in kind]
    worse, passed_worse = (sum(getattr(t, k) for t in poisoned) for k in ("worse", "passed_worse"))
    print(
        json.dumps(
            {
                "seconds": round(packaged["seconds"], 2),
                "busy_seconds": round(packaged["busy_seconds"], 2),
                "candidates": sum(tally.n for kind, tally in tallies.items() if kind in KINDS),
                "passed_shuffled": tallies["shuffled labels"].passed,
                "passed_poisoned": sum(tally.passed for tally in poisoned),
                "passed_poisoned_worse": passed_worse,
                "error_rate": round(passed_worse / max(worse, 1), 4),
                "stated_error_rate": round(1 - PIPELINE.policy.confidence, 4),
                "poisoned_note": f"of {sum(t.n for t in poisoned)} poisoned candidates {worse} are "
                f"truly worse than the policy allows; {passed_worse} of these passed",
                "passed_clean": tallies["clean labels"].passed / tallies["clean labels"].n,
            }
        )
    )


if __name__ == "__main__":
    main()
