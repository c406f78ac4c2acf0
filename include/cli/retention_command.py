"""What is too old to be kept: shown, and deleted when asked to."""

import argparse
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from include.cli.screen import Screen
from include.pipelines import get
from include.registry.retention.plan import Expired, plan_retention
from include.registry.retention.sweep import sweep
from include.stack.bucket import bucket_of
from include.stack.stack import Stack

_MEGABYTE = 1_000_000


def retain(stack: Stack, args: argparse.Namespace, data_dir: Path | None, screen: Screen) -> int:
    """Show what the retention policy would delete; with `--apply`, delete it."""
    store, pipeline = bucket_of(stack), get(args.pipeline)
    asked = {"days": args.days, "newest_versions": args.newest}
    given = {name: value for name, value in asked.items() if value is not None}
    retention = replace(pipeline.retention, **given)
    expired = plan_retention(store, pipeline.name, retention, datetime.now(UTC))
    for each in expired:
        screen.show(f"{each.kind:<14}{each.name:<44}{_size((each,))}")
    screen.show(
        f"older than {retention.days} days, beyond the newest {retention.newest_versions} versions,"
        f" never approved: {_size(expired)}"
    )
    if not args.apply:
        screen.show("nothing is deleted; --apply deletes it" if expired else "nothing is to go")
        return 0
    screen.say(f"retain   deleted: {_size(sweep(store, pipeline.name, expired))}")
    return 0


def _size(expired: tuple[Expired, ...]) -> str:
    n_objects = sum(len(each.entries) for each in expired)
    size_mb = sum(each.size_bytes for each in expired) / _MEGABYTE
    return f"{n_objects:>7,} objects {size_mb:>10,.2f} MB"
