"""A training run of `sites` on real servers, from the real records to production, step by step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo

from bench._sites import FILE, data_folder
from include import pipelines
from include.contract.signature import load_private_key, load_public_key
from include.ingest.load import load_dataset
from include.registry.follow.verify import TrustedKeys
from include.run import champion
from include.run.first_attempt import TrainerKeys
from include.run.rows import split
from include.run.run_context import RunContext, TrainingOptions
from include.run.steps import data, drift, promotion, training
from include.run.steps.gate import gate
from include.run.steps.package import BuildInfo, package
from include.stack.keys import ensure_secrets
from include.stack.mongo import MongoServer
from include.stack.seaweed import SeaweedServer
from include.stores.objects import ObjectStore
from include.training.grids import Effort

ROOT = Path(__file__).resolve().parents[1]
PIPELINE = pipelines.get("sites")
FAMILIES = ("LogisticRegression", "HistGradientBoosting")
_FIRST_RUN = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


@dataclass
class Clock:
    """Seconds of each step, and those in which this process had a core."""

    seconds: dict[str, float] = field(default_factory=dict)
    busy_seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Take the time of what runs inside."""
        started, busy = time.perf_counter(), time.process_time()
        yield
        self.seconds[name] = time.perf_counter() - started
        self.busy_seconds[name] = time.process_time() - busy


class RealServers:
    """Servers, keys, and the real records in MongoDB.

    Parameters
    ----------
    folder : Path
        Of the servers and of the keys.
    """

    def __init__(self, folder: Path) -> None:
        self.secrets = ensure_secrets(folder / "keys")
        self._mongo = MongoServer(folder / "mongo")
        self._s3 = SeaweedServer(
            folder / "s3", self.secrets.s3_access_key, self.secrets.s3_secret_key
        )
        self.trusted_keys = TrustedKeys(
            (load_public_key(self.secrets.approver_public_key.read_bytes()),),
            (load_public_key(self.secrets.trainer_public_key.read_bytes()),),
            50_000_000,
        )

    def __enter__(self) -> "RealServers":
        self._mongo.start()
        self._s3.start()
        self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(self._mongo.url)
        self.collection = self._client["bench"]["sites"]
        folder = data_folder()
        load_dataset(self.collection, PIPELINE, path=folder / FILE, cache_dir=folder)
        self.store = ObjectStore(self._s3.client(), self._s3.bucket)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._s3.stop()
        self._mongo.stop()

    def run(self, number: int, effort: Effort) -> tuple[Clock, dict[str, Any]]:
        """Return the time of each step of a run that ends with an approval, and its figures."""
        clock, run = Clock(), RunContext(self.store, PIPELINE, f"run-{number}")
        options = TrainingOptions(effort=effort, seed=number, fpr_budget=PIPELINE.fpr_budget)
        trainer = TrainerKeys.read(self.secrets.trainer_key, self.trusted_keys.trainers)
        champion.pin_champion(run, self.trusted_keys, trainer)
        with clock.step("snapshot and suite"):
            data.snapshot(run, self.collection, _FIRST_RUN, trainer)
            data.validate(run, ROOT / "gx")
            split(run)
        with clock.step("search and choice"):
            for family in FAMILIES:
                training.search(run, family, options)
            chosen = training.choose(run, options)
        reference = champion.read_champion(run, self.trusted_keys)
        with clock.step("evaluate"):
            training.evaluate_chosen(run, reference, options)
        with clock.step("drift"):
            drift.measure(run, reference, ROOT / "gx")
        figures = self._publish(clock, run, number)
        return clock, {**figures, "family": chosen.family}

    def _publish(self, clock: Clock, run: RunContext, number: int) -> dict[str, Any]:
        started_at = _FIRST_RUN + timedelta(days=number)
        made = BuildInfo(started_at=started_at, seed=number, code_commit="")
        key = self.secrets.trainer_key
        with clock.step("package"):
            package(run, made, signing_key=key, trusted_keys=self.trusted_keys)
        with clock.step("validate"):
            figures = promotion.infra_validate(run, self.trusted_keys)
        with clock.step("gate"):
            verdicts = gate(run, accept_drift=False, key=load_private_key(key.read_bytes()))
        with clock.step("publish"):
            promotion.promote(
                run,
                approved_by="bench",
                approved_at=started_at,
                reason="a measurement",
                key=load_private_key(self.secrets.approver_key.read_bytes()),
                trusted_keys=self.trusted_keys,
            )
        return {**vars(figures), "sentences": [each.sentence for each in verdicts]}
