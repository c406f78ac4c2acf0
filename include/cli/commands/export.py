"""Write what is blocked for firewalls, resolvers and other platforms."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pymongo
from bson.codec_options import CodecOptions

from include.cli.installation import Installation
from include.cli.screen import Screen
from include.exports.blocked import Export, collect_blocked
from include.exports.formats import FORMATS
from include.ingest.labels.selection import positive_labels
from include.ingest.review.queue import ReviewQueue
from include.pipelines.urls.records import FIRST_SEEN, SOURCE, TARGET, URL
from include.registry.lists import current_list
from include.stores.documents import DATABASE
from include.urls.reference.build import built_in_reference

_PIPELINE = "urls"
_AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=UTC)


def export(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Write what is blocked to a file, which is replaced at once, or to standard output."""
    found = _collect(installation, args.labels, datetime.now(UTC))
    text = FORMATS[args.format](found)
    for sentence in found.left_out:
        screen.say(f"export   {sentence}", error=True)
    screen.say(
        f"export   {len(found.entries):,} entries; labels left out: {found.n_allowed:,} allowed,"
        f" {found.n_shared:,} of whole sites that many share",
        error=True,
    )
    if args.output is None:
        sys.stdout.write(text)
        return 0
    path = Path(args.output)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(text)
    unfinished.replace(path)
    return 0


def _collect(installation: Installation, labels: str, now: datetime) -> Export:
    listed = current_list(installation.store, _PIPELINE, installation.trusted_keys.approvers)
    reference = built_in_reference()
    if labels == "none":
        return collect_blocked(listed, [], reference, now)
    with pymongo.MongoClient[dict[str, Any]](installation.mongo_url) as client:
        database = client[DATABASE]
        records = positive_labels(
            database.get_collection(_PIPELINE, codec_options=_AWARE),
            TARGET,
            (URL, SOURCE, FIRST_SEEN),
            only_reviewed=labels == "reviewed",
        )
        decided_at = ReviewQueue(database, _PIPELINE).last_decision()
        return collect_blocked(listed, records, reference, now, decided_at)
