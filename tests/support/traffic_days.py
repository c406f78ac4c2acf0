"""Days of traffic for tests, written by the scorer's own code: traffic log, outbox, sender."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path

from include.contract.manifest import Manifest
from include.contract.pointer import Pointer
from include.contract.schema import InputField
from include.contract.verdicts import Thresholds
from include.inference.prediction_ids import new_id
from include.inference.traffic_record import TrafficRecord
from include.monitoring.day import watch_day
from include.pipelines import Pipeline
from include.registry.approve import approve
from include.registry.follow.verify import TrustedKeys
from include.registry.publish import publish_version
from include.services.scorer.settings import Traffic
from include.services.scorer.telemetry.delivery_queue import DeliveryQueue
from include.services.scorer.telemetry.metrics import Metrics
from include.services.scorer.telemetry.sender import Sender
from include.services.scorer.telemetry.traffic_log import TrafficLog
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer, Version, request, version_name

ROOT = Path(__file__).parents[2]
DAY = "2026-11-22"
THRESHOLD, REVIEW = 0.6, 0.5
_NUMBERS = count()


def numbered_id(day, number, pipeline="sites"):
    """The id of one of a day's answers; the same each time, as what is drawn depends on it."""
    at_ms = int(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp() * 1000)
    version_and_tag = new_id(pipeline)[12:16]
    return f"{at_ms + number:012x}{version_and_tag}8{number:015x}"


def id_on(day, pipeline="sites"):
    """An id of an answer that was given on a day, and of no other one."""
    return numbered_id(day, next(_NUMBERS), pipeline)


@dataclass
class Watched:
    """A bucket with a version in production, and a scorer's own way to leave traffic in it."""

    store: ObjectStore
    pipeline: Pipeline
    trainer: Signer
    approver: Signer
    folder: Path
    pointer: Pointer | None = None
    manifest: Manifest | None = None

    @property
    def trusted_keys(self):
        return TrustedKeys(self.approver.trusted, self.trainer.trusted, 50_000_000)

    @property
    def outbox(self):
        return DeliveryQueue(self.folder / "outbox", 100_000_000)

    def promote(
        self,
        number,
        digest="0" * 32,
        approved_at="2026-11-20T02:06:00+00:00",
        report_figures="",
        **metrics,
    ):
        """Approve a version that was trained on a snapshot."""
        fields = tuple(InputField(f.name, f.dtype, f.allowed) for f in self.pipeline.inputs)
        version = Version(version_name(number), pipeline=self.pipeline.name, inputs=fields)
        test = {"n_rows": 400, "recall": 0.9, "fpr": 0.01, "review_recall": 0.95,
                "review_fpr": 0.02, **metrics}  # fmt: skip
        self.manifest = replace(
            version.manifest(),
            snapshot={"digest": digest, "rows": {}},
            thresholds=Thresholds(THRESHOLD, REVIEW),
            metrics={"test": test, "random_split": {}},
            model={
                "family": "LogisticRegression",
                "params": {},
                "run_id": f"run-{number}",
                "report_figures": report_figures,
            },
        )
        publish_version(
            self.store, self.manifest, version.files,
            signing_key=self.trainer.path, trusted=self.trainer.trusted,
        )  # fmt: skip
        asked = request(version.name, run_id=f"run-{number}", pipeline=self.pipeline.name)
        asked = replace(asked, approved_at=approved_at)
        self.pointer = approve(self.store, asked, self.approver.key, self.approver.trusted)

    def score(self, records, probabilities, *, content="inputs", day=DAY, ids=None):
        """Leave the answers to records in the bucket; their ids."""
        ids = ids or [id_on(day, self.pipeline.name) for _ in records]
        metrics = Metrics(shared=False)
        log = TrafficLog(self.outbox, metrics, Traffic(content, hash_key=b"a key"))
        log.start()
        for name, record, probability in zip(ids, records, probabilities, strict=True):
            log.note(TrafficRecord(name, self.pointer, self.manifest, [record], [probability]))
        log.stop(30)
        Sender(self.outbox, self.store, metrics, 1).send()
        return ids

    def feed_back(self, labels, day=DAY, source="analyst", **more):
        """Leave the truth about answers in the bucket, as the route `/feedback` does."""
        lines = [
            json.dumps({"id": name, "label": label, "source": source, "time": f"{day}T13:00:00",
                        "client": "test", **more})
            for name, label in labels
        ]  # fmt: skip
        self.outbox.add("feedback", self.pipeline.name, day, lines)
        Sender(self.outbox, self.store, Metrics(shared=False), 1).send()

    def watch(self, day=DAY):
        return watch_day(self.store, self.pipeline, day, self.trusted_keys, ROOT / "gx")
