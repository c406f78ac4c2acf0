"""What a person decides about versions: which there are, which one is in production, and why."""

import argparse
import getpass
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

from include.cli.screen import Screen, complain
from include.contract.pointer import Pointer
from include.contract.signature import load_private_key
from include.errors import (
    ManifestError,
    PromotionConflictError,
    SettingMissingError,
    SignatureError,
    StoreUnavailableError,
    VersionRefusedError,
)
from include.pipelines import get
from include.registry.approve import Request, production_pointer
from include.registry.follow.verify import TrustedKeys
from include.registry.versions import StoredVersion, list_versions, read_signed_manifest
from include.stack.bucket import bucket_of, trusted_keys_of
from include.stack.http import ask
from include.stack.stack import Stack
from include.stores.objects import ObjectStore

LOST_RACE = 3
_FIGURES = (("accuracy", "accuracy"), ("roc_auc", "AUC"), ("recall_at_fpr", "recall"))
_FOLLOW_TIMEOUT_S = 30.0
_POLL_S = 0.25


def versions(stack: Stack, args: argparse.Namespace, data_dir: Path | None, screen: Screen) -> int:
    """List the kept versions of a pipeline, newest first."""
    store, trusted_keys = bucket_of(stack), trusted_keys_of(stack)
    name = get(args.pipeline).name
    n_shown = 0
    columns = "".join(f"{title:>9}" for _, title in _FIGURES)
    screen.show(f"{'version':<26}{'made (UTC)':<18}{'serials':<10}{'':<10}{columns}  gate")
    for found in list_versions(store, name, trusted_keys):
        if n_shown == args.limit:
            screen.show(f"only the newest {n_shown} are shown; --limit shows more")
            break
        screen.show(_line(found))
        n_shown += 1
    if not n_shown:
        screen.show(f"no version of {name} is kept yet; ./nightcatch train makes one")
    return 0


def approve(stack: Stack, args: argparse.Namespace, data_dir: Path | None, screen: Screen) -> int:
    """Bring a kept version into production; 3 when another approval came first."""
    return _set_production(stack, args, screen, args.version)


def rollback(stack: Stack, args: argparse.Namespace, data_dir: Path | None, screen: Screen) -> int:
    """Roll back to an earlier production version; 3 when another approval came first."""
    from include.run.rollback import was_in_production

    version = args.version
    if version is None:
        name = get(args.pipeline).name
        version = was_in_production(bucket_of(stack), name, trusted_keys_of(stack)).version
    return _set_production(stack, args, screen, version)


def _set_production(stack: Stack, args: argparse.Namespace, screen: Screen, version: str) -> int:
    # Imported late: the scorer's own code, with which the version is tried, loads ONNX Runtime.
    from include.run.rollback import reinstate

    store, trusted_keys, name = bucket_of(stack), trusted_keys_of(stack), get(args.pipeline).name
    before = production_pointer(store, name, trusted_keys.approvers)
    _show_change(store, name, before, version, trusted_keys, screen)
    request = _request(name, version, args, before.serial if before else 0)
    key = load_private_key(stack.secrets.approver_key.read_bytes())
    try:
        pointer = reinstate(
            store, request, key, trusted_keys, despite_gate=getattr(args, "despite_gate", False)
        )
    except PromotionConflictError as err:
        complain(f"{err}; nothing was changed: look at ./nightcatch versions, then decide again")
        return LOST_RACE
    screen.say(f"approve  {pointer.version} is in production, serial {pointer.serial}")
    screen.say(f"approve  by {pointer.approved_by} at {pointer.approved_at}: {pointer.reason}")
    _show_following(stack, pointer, screen)
    return 0


def _request(name: str, version: str, args: argparse.Namespace, serial: int) -> Request:
    now = datetime.now(UTC)
    return Request(
        pipeline=name,
        version=version,
        approved_by=args.by or _login_name(),
        approved_at=now.isoformat(timespec="seconds"),
        reason=args.reason,
        run_id=f"{args.command}__{now.isoformat()}__{secrets.token_hex(4)}",
        expected_serial=serial,
    )


def _login_name() -> str:
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
        screen.show(f"{'in production':<10}nothing yet")
    else:
        said = f"serial {before.serial}, by {before.approved_by} at {before.approved_at}"
        try:
            figures = _figures(store, name, before.version, trusted_keys)
        except (ManifestError, SignatureError, VersionRefusedError) as err:
            figures = f"({err})"  # all the more reason to replace it
        screen.show(f"{'in production':<10}{before.version}  {figures}  {said}")
    screen.show(f"{'asked for':<10}{version}  {_figures(store, name, version, trusted_keys)}")


def _figures(store: ObjectStore, name: str, version: str, trusted_keys: TrustedKeys) -> str:
    test = read_signed_manifest(store, name, version, trusted_keys)[0].metrics.get("test", {})
    return " ".join(f"{title} {test[key]:.4f}" for key, title in _FIGURES if key in test)


def _line(found: StoredVersion) -> str:
    manifest = found.manifest
    serials = ",".join(map(str, found.serials)) or "-"
    state = "in production" if found.is_in_production else ""
    if manifest is None:
        return f"{found.version:<26}{'':<18}{serials:<10}{state:<10}REFUSED: {found.problem}"
    test = manifest.metrics.get("test", {})
    figures = "".join(f"{test[key]:>9.4f}" if key in test else f"{'-':>9}" for key, _ in _FIGURES)
    made = manifest.created_at[:16].replace("T", " ")
    said = f"{found.gate}; {found.answer}" if found.answer else found.gate
    return f"{found.version:<26}{made:<18}{serials:<10}{state:<10}{figures}  {said}"


def _show_following(stack: Stack, pointer: Pointer, screen: Screen) -> None:
    """Wait for the scorer, which looks by itself; one that does not run follows when it starts."""
    if stack.scorer.process.pid is None:
        screen.say("scorer   does not run; it takes the version when it starts")
        return
    deadline = time.monotonic() + _FOLLOW_TIMEOUT_S
    while time.monotonic() < deadline:
        if _served_serial(stack.settings.scorer_url, pointer.pipeline) >= pointer.serial:
            screen.say(f"scorer   serves {pointer.version}, serial {pointer.serial}")
            return
        time.sleep(_POLL_S)
    log = stack.scorer.process.log_path
    screen.say(f"scorer   does not serve it after {_FOLLOW_TIMEOUT_S:.0f} s; {log} says why")


def _served_serial(scorer_url: str, pipeline: str) -> int:
    try:
        status, answer = ask("GET", f"{scorer_url}/version")
    except StoreUnavailableError:
        return 0
    models = answer["models"] if status == 200 else []
    serials = [model.get("serial") or 0 for model in models if model["pipeline"] == pipeline]
    return max(serials, default=0)
