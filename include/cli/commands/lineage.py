"""Trace a prediction to its version and records; reproduce a version."""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.cli.installation import Installation
from include.cli.screen import Screen
from include.errors import StoreUnavailableError
from include.pipelines import get, names
from include.stack.environment import code_commit
from include.stack.http import request_json

if TYPE_CHECKING:
    from include.run.lineage.trace import Trace

_ROOT = Path(__file__).resolve().parents[3]
_SHOWN_IDS = 5


def trace(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Show version, approval, snapshot and records behind a prediction."""
    from include.run.lineage import trace as tracing

    pipelines = [get(name) for name in names()]
    found = tracing.trace(installation.store, pipelines, args.id, installation.trusted_keys)
    if args.rows and found.rows is not None:
        found.rows.to_csv(args.rows, index=False)
    document = _document(found, installation.store.bucket)
    screen.show(json.dumps(document, indent=1) if args.json else _describe(document))
    if args.rows and found.rows is not None and not args.json:
        screen.show(f"{len(found.rows):,} rows are written to {args.rows}")
    return 0


def reproduce(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Retrain a version; 0 if the result is identical."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in the tasks; read when scikit-learn loads
    from include.run.lineage.reproduce import reproduce as make_again

    outcome = make_again(
        installation.store,
        get(args.pipeline),
        args.version,
        installation.trusted_keys,
        gx_root=_ROOT / "gx",
        code_commit=code_commit(_ROOT),
        say=lambda text: screen.say(f"retrain  {text}"),
    )
    for each in outcome.comparisons:
        screen.show(f"{'same' if each.is_same else 'DIFFERS':<9}{each.name:<24}{each}")
    for sentence in outcome.remarks:
        screen.show(f"{'note':<9}{sentence}")
    screen.show("identical" if outcome.is_identical else "NOT identical")
    return 0 if outcome.is_identical else 1


def _document(found: "Trace", bucket: str) -> dict[str, Any]:
    manifest = found.manifest
    rows: dict[str, Any] = {}
    if found.rows is not None:
        used = found.rows[found.rows["side"] != "quarantined"]["_id"]
        rows = {
            "n_rows": len(found.rows),
            "by_side": found.rows["side"].value_counts().sort_index().to_dict(),
            "n_used": len(used),
            "first_ids": used.head(_SHOWN_IDS).tolist(),
        }
    return {
        "prediction": found.prediction,
        "approval": {
            **asdict(found.approval),
            "approved_by": found.approval.decided_by,
            "signature": "verified",
        },
        "version": {
            "version": manifest.version,
            "created_at": manifest.created_at,
            "family": manifest.model["family"],
            "thresholds": vars(manifest.thresholds),
            "signature": "verified",
        },
        "snapshot": {"digest": manifest.snapshot["digest"], **rows},
        "code_commit": manifest.code_commit,
        "libraries": dict(manifest.libraries),
        "run_id": manifest.model.get("run_id", ""),
        "report": f"s3://{bucket}/{found.report}" if found.report else None,
        "not_kept": list(found.not_kept),
    }


def _describe(document: dict[str, Any]) -> str:
    prediction, approval = document["prediction"], document["approval"]
    version = document["version"]
    kept = (prediction.get(name) for name in ("inputs", "redacted_inputs", "inputs_hmac"))
    libraries = (f"{name} {release}" for name, release in sorted(document["libraries"].items()))
    lines = {
        "prediction": f"{prediction['id']} at {prediction['time']}: {prediction['prediction']},"
        f" probability {prediction['probability']}",
        "input": json.dumps(next((value for value in kept if value is not None), None)),
        "version": f"{version['version']} of {prediction['pipeline']}, {version['family']},"
        f" {_describe_thresholds(version['thresholds'])}; signed by a trainer (verified)",
        "approved": f"serial {approval['serial']} by {approval['approved_by']} at"
        f" {approval['approved_at']}: {approval['reason']}; signed by an approver (verified)",
        "snapshot": _describe_snapshot(document["snapshot"]),
        "code": document["code_commit"] or "the commit was not known",
        "libraries": ", ".join(libraries),
        "run": document["run_id"],
        "report": document["report"],
    }
    shown = [f"{name:<12}{text}" for name, text in lines.items() if text]
    return "\n".join([*shown, *(f"{'not kept':<12}{each}" for each in document["not_kept"])])


def _describe_thresholds(thresholds: dict[str, float]) -> str:
    return ", ".join(f"{name} from {value:.4f} on" for name, value in thresholds.items())


def _describe_snapshot(snapshot: dict[str, Any]) -> str:
    if "n_rows" not in snapshot:
        return str(snapshot["digest"])
    sides = ", ".join(f"{count:,} {side}" for side, count in snapshot["by_side"].items())
    more = snapshot["n_used"] - len(snapshot["first_ids"])
    return (
        f"{snapshot['digest']} (verified): {snapshot['n_rows']:,} records, {sides}\n"
        f"{'records':<12}{', '.join(snapshot['first_ids'])}"
        f" and {more:,} more (--rows FILE writes them all)"
    )


def verify(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Verify the chain of a version's run and the history; 0 when every check passes."""
    from include.run.lineage.verify_chain import verify_chain

    store, trusted_keys = installation.store, installation.trusted_keys
    witnessed = _witnessed(installation.scorer_url, args.pipeline)
    checks = verify_chain(store, args.pipeline, args.version, trusted_keys, witnessed)
    if args.json:
        screen.show(json.dumps([asdict(check) for check in checks], indent=1))
    else:
        for check in checks:
            screen.show(f"{'ok' if check.passed else 'FAILED':<9}{check.name:<28}{check.detail}")
    return 0 if all(check.passed for check in checks) else 1


def _witnessed(scorer_url: str | None, pipeline: str) -> tuple[int, str] | None:
    """Return serial and digest of the approval that a scorer serves; None if none can be asked."""
    if scorer_url is None:
        return None
    try:
        status, answer = request_json("GET", f"{scorer_url}/version")
    except StoreUnavailableError:
        return None
    for model in answer["models"] if status == 200 else ():
        if model["pipeline"] == pipeline and model.get("approval_sha256"):
            return model["serial"], model["approval_sha256"]
    return None
