"""How often each verdict was given today, by the batches that scorers left in the bucket."""

import json
from collections import Counter, deque
from datetime import UTC, datetime

from include.contract import keys
from include.contract.verdicts import VERDICTS
from include.monitoring.records.jsonl_reader import Lines
from include.status.figures import Traffic
from include.stores.objects import ObjectStore

MAX_BATCHES = 40
"""What is read of a day: at most 200,000 predictions."""


def traffic_of(store: ObjectStore, pipeline: str, now: datetime) -> Traffic:
    """Return the verdicts of the day so far (UTC); of a busy one, of its newest batches.

    Raises
    ------
    StoreUnavailableError
    """
    prefix = keys.traffic_prefix(pipeline, f"{now.astimezone(UTC):%Y-%m-%d}")
    newest: deque[str] = deque(maxlen=MAX_BATCHES)
    n_batches = 0
    for key in store.keys_under(prefix):
        newest.append(key)
        n_batches += 1
    seen: dict[str, str] = {}  # a batch may come twice
    lines = Lines(store)
    for raw in lines.of(newest):
        try:
            line = json.loads(raw)
            seen[line["id"]] = line["prediction"]
        except (ValueError, KeyError, TypeError):
            continue
    counts = Counter(seen.values())
    verdicts = {verdict: counts[verdict] for verdict in VERDICTS}
    return Traffic(verdicts, n_batches, len(newest))
