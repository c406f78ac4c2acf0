"""What is too old to be kept: shown, and deleted when asked to."""

import argparse
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from include.pipelines import get
from include.registry.outdated import Doomed, plan_retention
from include.registry.sweep import sweep
from include.stack.bucket import bucket_of
from include.stack.screen import Screen
from include.stack.stack import Stack

_MEGABYTE = 1_000_000


def retain(stack: Stack, args: argparse.Namespace, data_dir: Path | None, screen: Screen) -> int:
    """Show what the retention policy would delete; with `--apply`, delete it."""
    store, pipeline = bucket_of(stack), get(args.pipeline)
    asked = {"days": args.days, "newest_versions": args.newest}
    given = {name: value for name, value in asked.items() if value is not None}
    retention = replace(pipeline.retention, **given)
    doomed = plan_retention(store, pipeline.name, retention, datetime.now(UTC))
    for each in doomed:
        screen.show(f"{each.kind:<14}{each.name:<44}{_size((each,))}")
    screen.show(
        f"older than {retention.days} days, beyond the newest {retention.newest_versions} versions,"
        f" never approved: {_size(doomed)}"
    )
    if not args.apply:
        screen.show("nothing is deleted; --apply deletes it" if doomed else "nothing is to go")
        return 0
    screen.say(f"retain   deleted: {_size(sweep(store, pipeline.name, doomed))}")
    return 0


def _size(doomed: tuple[Doomed, ...]) -> str:
    n_objects = sum(len(each.entries) for each in doomed)
    size_mb = sum(each.size_bytes for each in doomed) / _MEGABYTE
    return f"{n_objects:>7,} objects {size_mb:>10,.2f} MB"
