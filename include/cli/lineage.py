"""What a version was made of: traced from one of its answers, and made again."""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.cli.screen import Screen
from include.pipelines import get, names
from include.stack.bucket import bucket_of, trusted_keys_of
from include.stack.environment import code_commit
from include.stack.stack import Stack

if TYPE_CHECKING:
    from include.run.trace import Trace

_SHOWN_IDS = 5


def trace(stack: Stack, args: argparse.Namespace, data_dir: Path | None, screen: Screen) -> int:
    """Show where an answer came from."""
    from include.run import trace as tracing

    pipelines = [get(name) for name in names()]
    found = tracing.trace(bucket_of(stack), pipelines, args.id, trusted_keys_of(stack))
    if args.rows and found.rows is not None:
        found.rows.to_csv(args.rows, index=False)
    document = _document(found, stack.settings.bucket)
    screen.show(json.dumps(document, indent=1) if args.json else _describe(document))
    if args.rows and found.rows is not None and not args.json:
        screen.show(f"{len(found.rows):,} rows are written to {args.rows}")
    return 0


def reproduce(stack: Stack, args: argparse.Namespace, data_dir: Path | None, screen: Screen) -> int:
    """Retrain a version; 0 when the same comes out."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in the tasks; read when scikit-learn loads
    from include.run.reproduce import reproduce as make_again

    settings = stack.settings
    store, pipeline, trusted_keys = bucket_of(stack), get(args.pipeline), trusted_keys_of(stack)
    outcome = make_again(
        store,
        pipeline,
        args.version,
        trusted_keys,
        gx_root=settings.root / "gx",
        code_commit=code_commit(settings.root),
        say=lambda text: screen.say(f"again    {text}"),
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
        "approval": {**asdict(found.approval), "signature": "verified"},
        "version": {
            "version": manifest.version,
            "created_at": manifest.created_at,
            "family": manifest.model["family"],
            "threshold": manifest.threshold,
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
    said, approval, version = document["prediction"], document["approval"], document["version"]
    libraries = (f"{name} {release}" for name, release in sorted(document["libraries"].items()))
    lines = {
        "answer": f"{said['id']} at {said['time']}: {said['prediction']},"
        f" probability {said['probability']}",
        "asked": json.dumps(said.get("inputs", said.get("url", said.get("inputs_sha256")))),
        "version": f"{version['version']} of {said['pipeline']}, {version['family']}, threshold"
        f" {version['threshold']:.4f}; signed by a trainer (verified)",
        "approved": f"serial {approval['serial']} by {approval['approved_by']} at"
        f" {approval['approved_at']}: {approval['reason']}; signed by an approver (verified)",
        "snapshot": _describe_snapshot(document["snapshot"]),
        "code": document["code_commit"] or "the commit was not known",
        "libraries": ", ".join(libraries),
        "run": document["run_id"],
        "report": document["report"],
    }
    shown = [f"{name:<11}{text}" for name, text in lines.items() if text]
    return "\n".join([*shown, *(f"{'not kept':<11}{each}" for each in document["not_kept"])])


def _describe_snapshot(snapshot: dict[str, Any]) -> str:
    if "n_rows" not in snapshot:
        return str(snapshot["digest"])
    sides = ", ".join(f"{count:,} {side}" for side, count in snapshot["by_side"].items())
    more = snapshot["n_used"] - len(snapshot["first_ids"])
    return (
        f"{snapshot['digest']} (verified): {snapshot['n_rows']:,} records, {sides}\n"
        f"{'records':<11}{', '.join(snapshot['first_ids'])}"
        f" and {more:,} more (--rows FILE writes them all)"
    )
