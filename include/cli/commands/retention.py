"""Show what the retention policy expires, and delete it on request."""

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from include.cli.installation import Installation
from include.cli.screen import Screen
from include.config.reading import build_policy
from include.errors import RetentionError
from include.pipelines import get
from include.registry.retention.plan import Expired, plan_retention
from include.registry.retention.policy import Retention
from include.registry.retention.sweep import sweep

_MEGABYTE = 1_000_000


def retain(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Show what the retention policy would delete; with `--apply`, delete it."""
    store, pipeline = installation.store, get(args.pipeline)
    options = {"days": args.days, "newest_versions": args.newest}
    given = {name: value for name, value in options.items() if value is not None}
    retention = build_policy(
        Retention, {**asdict(pipeline.retention), **given}, "retain", RetentionError
    )
    expired = plan_retention(store, pipeline.name, retention, datetime.now(UTC))
    if args.json:
        screen.show(json.dumps([_document(each) for each in expired], indent=1))
    else:
        _show(expired, retention, screen)
    if args.apply:
        deleted = sweep(store, pipeline.name, expired)
        screen.say(f"retain   deleted: {_size(deleted)}", error=args.json)
    elif not args.json:
        screen.show("nothing is deleted; --apply deletes it" if expired else "nothing to delete")
    return 0


def _show(expired: tuple[Expired, ...], retention: Retention, screen: Screen) -> None:
    for each in expired:
        screen.show(f"{each.kind:<14}{each.name:<44}{_size((each,))}")
    screen.show(
        f"older than {retention.days} days, beyond the newest {retention.newest_versions} versions,"
        f" never approved: {_size(expired)}"
    )


def _document(expired: Expired) -> dict[str, Any]:
    n_objects = len(expired.entries)
    size = {"objects": n_objects, "size_bytes": expired.size_bytes}
    return {"kind": expired.kind, "name": expired.name, **size}


def _size(expired: tuple[Expired, ...]) -> str:
    n_objects = sum(len(each.entries) for each in expired)
    size_mb = sum(each.size_bytes for each in expired) / _MEGABYTE
    return f"{n_objects:>7,} objects {size_mb:>10,.2f} MB"
