"""Allow and block sites, by the signed list that scorers follow."""

import argparse
import json
import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from include.cli.commands.approvals import login_name
from include.cli.installation import Installation
from include.cli.screen import Screen
from include.contract.lists import DecisionList, ListEntry
from include.errors import ListRefusedError
from include.registry.lists import (
    ListChange,
    change_list,
    change_of_form,
    current_list,
    list_history,
)

_PIPELINE = "urls"


def allow(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Add an entry whose URLs are legitimate, whatever the model's probability."""
    return _change_of(installation, args, screen, "allow")


def block(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Add an entry whose URLs are phishing, whatever the model's probability."""
    return _change_of(installation, args, screen, "block")


def unlist(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Remove the entries of a site."""
    return _change_of(installation, args, screen, "remove")


def lists(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Show the list, or its history, or return to an earlier state of it."""
    if args.restore is not None:
        if args.reason is None:
            raise ListRefusedError("--restore needs a --reason, which is kept in the history")
        authorship = _authorship(args)
        authorship["changed_at"] = authorship["changed_at"].isoformat(timespec="seconds")
        change = ListChange(
            _PIPELINE, reason=args.reason, restore_serial=args.restore, **authorship
        )
        return _make(installation, change, screen)
    trusted = installation.trusted_keys.approvers
    if args.history:
        states = list(list_history(installation.store, _PIPELINE, trusted))
        _show_history(states, screen, as_json=args.json)
    else:
        _show(current_list(installation.store, _PIPELINE, trusted), screen, as_json=args.json)
    return 0


def _change_of(
    installation: Installation, args: argparse.Namespace, screen: Screen, action: str
) -> int:
    form = {
        "action": action,
        "site": args.text,
        "scope": args.scope,
        "reason": args.reason,
        "until": getattr(args, "until", None),
    }
    change = change_of_form(_PIPELINE, form, **_authorship(args))
    for entry in change.add:
        screen.say(f"{entry.action}  {entry.scope} {entry.value}")
    return _make(installation, change, screen)


def _make(installation: Installation, change: ListChange, screen: Screen) -> int:
    trusted = installation.trusted_keys.approvers
    changed = change_list(installation.store, change, installation.approver_key, trusted)
    screen.say(
        f"list {changed.serial} has {len(changed.entries)} entries; scorers follow within one poll"
    )
    return 0


def _authorship(args: argparse.Namespace) -> dict[str, Any]:
    now = datetime.now(UTC)
    run_id = f"{args.command}__{now.isoformat()}__{secrets.token_hex(4)}"
    return {"changed_by": args.by or login_name(), "changed_at": now, "run_id": run_id}


def _show(found: DecisionList, screen: Screen, *, as_json: bool) -> None:
    if as_json:
        screen.show(json.dumps(asdict(found), indent=1))
        return
    if not found.entries:
        screen.show(f"the list of {_PIPELINE} is empty; ./nightcatch allow and block add entries")
        return
    screen.table(
        ("action", "scope", "site", "until", "by", "reason"),
        [(e.action, e.scope, e.value, _until(e), e.author, e.reason) for e in found.entries],
    )


def _show_history(states: list[DecisionList], screen: Screen, *, as_json: bool) -> None:
    if as_json:
        screen.show(json.dumps([asdict(each) for each in states], indent=1))
        return
    screen.table(
        ("serial", "changed (UTC)", "by", "entries", "reason"),
        [
            (str(e.serial), e.changed_at[:19], e.changed_by, str(len(e.entries)), e.reason)
            for e in states
        ],
    )


def _until(entry: ListEntry) -> str:
    if entry.expires_at is None:
        return "-"
    has_expired = datetime.now(UTC).timestamp() >= entry.expires_s
    return entry.expires_at[:10] + (" (expired)" if has_expired else "")
