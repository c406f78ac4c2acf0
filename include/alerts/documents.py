"""The JSON documents that a run left in the bucket, as far as it came."""

import json
from typing import Any

from include.contract import keys
from include.errors import ObjectMissingError
from include.stores.objects import ObjectStore


def read_document(
    store: ObjectStore, pipeline: str, run_id: str, name: str, otherwise: Any = None
) -> Any:
    """Return a document of a run; `otherwise` when it left none of that name."""
    try:
        return json.loads(store.get(keys.run_file(pipeline, run_id, name)))
    except ObjectMissingError:
        return otherwise


def rejections(store: ObjectStore, pipeline: str, run_id: str) -> list[str]:
    """Return why the gate, or the person who was asked, rejected a run's version."""
    verdicts = read_document(store, pipeline, run_id, "gate.json", [])
    reasons = [verdict["sentence"] for verdict in verdicts if not verdict["passed"]]
    answer = read_document(store, pipeline, run_id, "approval.json", {"approved": True})
    if not answer["approved"]:
        reasons.append(f"{answer['by']}: {answer['reason']}")
    return reasons
