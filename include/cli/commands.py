"""The commands that start, stop, fill and show the embedded servers."""

import argparse
import time
from pathlib import Path
from typing import Any

from include.cli.approvals import approve as approve
from include.cli.approvals import rollback as rollback
from include.cli.approvals import versions as versions
from include.cli.demo import run_demo
from include.cli.doctor import run_doctor
from include.cli.lineage import reproduce as reproduce
from include.cli.lineage import trace as trace
from include.cli.load_command import load_source
from include.cli.production import production_version
from include.cli.retention_command import retain as retain
from include.cli.screen import Screen
from include.cli.training_run import airflow_api, follow, trigger
from include.cli.verify_command import verify as verify
from include.contract.dag_ids import train_dag
from include.errors import NotRunningError
from include.pipelines import get, names
from include.stack.stack import Stack

_WATCH_S = 1.0


def demo(stack: Stack, args: argparse.Namespace, data_dir: Path | None, screen: Screen) -> int:
    """Run the whole loop; with `--once` stop all, else stay and stop what was started on Ctrl-C."""
    run_demo(stack, args.pipeline, data_dir, screen)
    if args.once:
        stack.down()
        screen.say("all servers are stopped")
        return 0
    screen.show("\nCtrl-C stops the servers that this command started.")
    try:
        while True:
            for server in stack.servers:
                server.process.require_running()
            time.sleep(_WATCH_S)
    except KeyboardInterrupt:
        screen.say("stopping")
        stack.stop_started()
    return 0


def up(stack: Stack, args: argparse.Namespace, data_dir: Path | None, screen: Screen) -> int:
    """Start what does not run and show where everything is."""
    with stack.starting(screen.say):
        pass
    return status(stack, args, data_dir, screen)


def down(stack: Stack, args: argparse.Namespace, data_dir: Path | None, screen: Screen) -> int:
    """Stop all servers."""
    stopped = stack.down()
    screen.say(f"stopped: {', '.join(stopped)}" if stopped else "no server was running")
    return 0


def status(stack: Stack, args: argparse.Namespace, data_dir: Path | None, screen: Screen) -> int:
    """Show each server and the model in production; 1 unless all servers are healthy."""
    settings = stack.settings
    urls = {
        "mongo": settings.mongo_url,
        "s3": f"{settings.s3_url}  bucket {settings.bucket}",
        "airflow": f"{settings.airflow_url}  user admin, password in"
        f" {stack.secrets.airflow_passwords}",
        "scorer": settings.scorer_url,
        "mlflow": settings.mlflow_url,
    }
    health = {server.name: _health(server) for server in stack.servers}
    screen.show(f"\n{'server':<9}{'pid':>8}{'port':>8}  {'health':<9} address")
    for server in stack.servers:
        name, pid = server.name, server.process.pid or "-"
        screen.show(f"{name:<9}{pid:>8}{server.port:>8}  {health[name]:<9} {urls[name]}")
    if health["s3"] == "healthy":
        for pipeline in names():
            screen.show(f"\nmodel of {pipeline}: {_describe_model(stack, pipeline)}")
    return 0 if set(health.values()) == {"healthy"} else 1


def load(stack: Stack, args: argparse.Namespace, data_dir: Path | None, screen: Screen) -> int:
    """Load a source into the running MongoDB."""
    if not stack.mongo.is_healthy():
        raise NotRunningError("mongo does not run; start it with ./nightcatch up")
    cache_dir = stack.settings.downloads_dir
    url, pipeline = stack.settings.mongo_url, get(args.pipeline)
    load_source(
        *(url, pipeline, args.source, data_dir, cache_dir, screen),
        label=args.label,
        source_name=args.source_name,
    )
    return 0


def train(stack: Stack, args: argparse.Namespace, data_dir: Path | None, screen: Screen) -> int:
    """Trigger the training DAG and follow it unless told not to."""
    asked: dict[str, Any] = {
        "effort": args.effort,
        "fpr_budget": args.fpr_budget,
        "seed": args.seed,
        "approval": args.approval,
    }
    conf = {name: value for name, value in asked.items() if value is not None}
    api, dag_id = airflow_api(stack), train_dag(get(args.pipeline).name)
    run_id = trigger(api, dag_id, conf, screen)
    if args.wait:
        follow(api, dag_id, run_id, screen)
        screen.show(f"model of {args.pipeline}: {_describe_model(stack, args.pipeline)}")
    return 0


def doctor(stack: Stack, args: argparse.Namespace, data_dir: Path | None, screen: Screen) -> int:
    """Look for what is broken on this machine; 1 if anything is."""
    return run_doctor(stack, screen)


def _health(server: Any) -> str:
    if server.process.pid is None:
        return "stopped"
    return "healthy" if server.is_healthy() else "BROKEN"


def _describe_model(stack: Stack, pipeline: str) -> str:
    found = production_version(stack, pipeline)
    if found is None:
        return "none is in production yet; ./nightcatch train makes one"
    pointer, test = found.pointer, found.manifest.metrics.get("test", {})
    figures = f", group-disjoint accuracy {test['accuracy']:.4f}" if "accuracy" in test else ""
    return (
        f"version {pointer.version}, serial {pointer.serial},"
        f" approved by {pointer.approved_by} at {pointer.approved_at}{figures}"
    )
