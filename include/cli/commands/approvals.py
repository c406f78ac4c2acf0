"""List versions, approve one, roll back."""

import argparse
import getpass
import json
import secrets
import time
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from include.cli.installation import Installation
from include.cli.screen import Screen, complain
from include.contract.pointer import Pointer
from include.errors import (
    ManifestError,
    PromotionConflictError,
    SettingMissingError,
    SignatureError,
    StoreUnavailableError,
    VersionRefusedError,
)
from include.pipelines import get
from include.registry.approve import production_pointer
from include.registry.follow.verify import TrustedKeys
from include.registry.request import Request
from include.registry.versions import StoredVersion, list_versions, read_signed_manifest
from include.registry.witness import sign_timestamp
from include.stack.http import public_url, request_json
from include.stores.objects import ObjectStore

LOST_RACE = 3
_FIGURES = (("recall", "recall"), ("fpr", "FPR"), ("roc_auc", "AUC"))
_FOLLOW_TIMEOUT_S = 30.0
_POLL_S = 0.25


def versions(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """List the kept versions of a pipeline, newest first."""
    name = get(args.pipeline).name
    found = list_versions(installation.store, name, installation.trusted_keys)
    newest = list(islice(found, args.limit + 1))
    shown = newest[: args.limit]
    if args.json:
        screen.show(json.dumps([_document(each) for each in shown], indent=1))
        return 0
    if not shown:
        screen.show(f"no version of {name} is kept yet; ./nightcatch train makes one")
        return 0
    titles = (title for _, title in _FIGURES)
    columns = ("version", "made (UTC)", "serials", "state", *titles, "gate")
    screen.table(columns, [_row(each) for each in shown])
    if len(newest) > len(shown):
        screen.show(f"only the newest {len(shown)} are shown; --limit shows more")
    return 0


def approve(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Bring a kept version into production; 3 when another approval came first."""
    return _set_production(installation, args, screen, args.version)


def propose(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Sign a version as the first of two approvers; 3 when another approval came first."""
    from include.run.rollback import propose_version

    store, trusted_keys = installation.store, installation.trusted_keys
    name = get(args.pipeline).name
    before = production_pointer(store, name, trusted_keys.approvers)
    _show_change(store, name, before, args.version, trusted_keys, screen)
    request = _request(name, args.version, args, before.serial if before else 0)
    key, despite_gate = installation.approver_key, args.despite_gate
    try:
        found = propose_version(store, request, key, trusted_keys, despite_gate=despite_gate)
    except PromotionConflictError as err:
        complain(f"{err}; nothing was changed: see ./nightcatch versions, then decide again")
        return LOST_RACE
    screen.say(f"propose  {found.version} as serial {found.serial}, by {found.proposed_by}")
    screen.say(
        f"propose  a second approver, until {found.expires_at}: "
        f"./nightcatch approve {found.version} --pipeline {name} --countersign --reason WHY"
    )
    return 0


def rollback(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Roll back to an earlier production version; 3 when another approval came first."""
    from include.run.rollback import was_in_production

    version = args.version
    if version is None:
        name = get(args.pipeline).name
        version = was_in_production(installation.store, name, installation.trusted_keys).version
    return _set_production(installation, args, screen, version)


def _set_production(
    installation: Installation, args: argparse.Namespace, screen: Screen, version: str
) -> int:
    # Imported late: the scorer's own code, with which the version is tried, loads ONNX Runtime.
    from include.run.rollback import reinstate

    store, trusted_keys = installation.store, installation.trusted_keys
    name = get(args.pipeline).name
    before = production_pointer(store, name, trusted_keys.approvers)
    _show_change(store, name, before, version, trusted_keys, screen)
    request = _request(name, version, args, before.serial if before else 0)
    key = installation.approver_key
    try:
        pointer = reinstate(
            store, request, key, trusted_keys, despite_gate=getattr(args, "despite_gate", False)
        )
    except PromotionConflictError as err:
        complain(f"{err}; nothing was changed: see ./nightcatch versions, then decide again")
        return LOST_RACE
    if watcher_key := installation.watcher_key:
        sign_timestamp(store, name, watcher_key, trusted_keys.approvers, datetime.now(UTC))
    screen.say(f"approve  {pointer.version} is in production, serial {pointer.serial}")
    screen.say(f"approve  by {pointer.decided_by} at {pointer.approved_at}: {pointer.reason}")
    _show_following(installation.scorer_url, pointer, screen)
    return 0


def _request(name: str, version: str, args: argparse.Namespace, serial: int) -> Request:
    now = datetime.now(UTC)
    return Request(
        pipeline=name,
        version=version,
        approved_by=args.by or login_name(),
        approved_at=now.isoformat(timespec="seconds"),
        reason=args.reason,
        run_id=f"{args.command}__{now.isoformat()}__{secrets.token_hex(4)}",
        expected_serial=serial,
        countersign=getattr(args, "countersign", False),
    )


def login_name() -> str:
    """Return who runs the command; SettingMissingError if the system does not know."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError) as err:
        raise SettingMissingError("your login has no name; give one with --by") from err


def _show_change(
    store: ObjectStore,
    name: str,
    before: Pointer | None,
    version: str,
    trusted_keys: TrustedKeys,
    screen: Screen,
) -> None:
    if before is None:
        screen.show(f"{'in production':<15}nothing yet")
    else:
        approval = f"serial {before.serial}, by {before.decided_by} at {before.approved_at}"
        try:
            figures = _figures(store, name, before.version, trusted_keys)
        except (ManifestError, SignatureError, VersionRefusedError) as err:
            figures = f"({err})"  # a damaged version can still be replaced
        screen.show(f"{'in production':<15}{before.version}  {figures}  {approval}")
    screen.show(f"{'requested':<15}{version}  {_figures(store, name, version, trusted_keys)}")


def _figures(store: ObjectStore, name: str, version: str, trusted_keys: TrustedKeys) -> str:
    test = read_signed_manifest(store, name, version, trusted_keys)[0].metrics.get("test", {})
    return " ".join(f"{title} {test[key]:.4f}" for key, title in _FIGURES if key in test)


def _row(found: StoredVersion) -> tuple[str, ...]:
    document = _document(found)
    figures = (document["figures"].get(key) for key, _ in _FIGURES)
    return (
        found.version,
        document["created_at"][:16].replace("T", " "),
        ",".join(map(str, found.serials)) or "-",
        "in production" if found.is_in_production else "",
        *(f"{figure:.4f}" if figure is not None else "-" for figure in figures),
        f"REFUSED: {found.problem}" if found.manifest is None else _decided(found),
    )


def _document(found: StoredVersion) -> dict[str, Any]:
    manifest = found.manifest
    test = manifest.metrics.get("test", {}) if manifest else {}
    return {
        "version": found.version,
        "created_at": manifest.created_at if manifest else "",
        "serials": list(found.serials),
        "in_production": found.is_in_production,
        "figures": {key: test[key] for key, _ in _FIGURES if key in test},
        "gate": _decided(found),
        "problem": found.problem,
    }


def _decided(found: StoredVersion) -> str:
    return f"{found.gate}; {found.answer}" if found.answer else str(found.gate)


def _show_following(scorer_url: str | None, pointer: Pointer, screen: Screen) -> None:
    """Wait until the scorer serves the version; one that does not run loads it at its start."""
    if scorer_url is None:
        screen.say("scorer   none is configured; scorers load the version at their next poll")
        return
    deadline = time.monotonic() + _FOLLOW_TIMEOUT_S
    while time.monotonic() < deadline:
        if _served_serial(scorer_url, pointer.pipeline) >= pointer.serial:
            screen.say(f"scorer   serves {pointer.version}, serial {pointer.serial}")
            return
        time.sleep(_POLL_S)
    screen.say(
        f"scorer   {public_url(scorer_url)} does not serve it after {_FOLLOW_TIMEOUT_S:.0f} s;"
        " its log has the reason"
    )


def _served_serial(scorer_url: str, pipeline: str) -> int:
    try:
        status, answer = request_json("GET", f"{scorer_url}/version")
    except StoreUnavailableError:
        return 0
    models = answer["models"] if status == 200 else []
    serials = [model.get("serial") or 0 for model in models if model["pipeline"] == pipeline]
    return max(serials, default=0)
