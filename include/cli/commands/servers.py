"""The commands that start, stop, show and use the servers."""

import argparse
from typing import Any

from include.cli.commands.doctor import run_doctor
from include.cli.commands.load import load_source
from include.cli.commands.status import describe, production, show_status
from include.cli.commands.training_run import follow, trigger
from include.cli.installation import EmbeddedInstallation, Installation
from include.cli.screen import Screen
from include.contract.dag_ids import train_dag
from include.pipelines import get
from include.run.label_opinion import ProductionOpinion


def up(installation: EmbeddedInstallation, args: argparse.Namespace, screen: Screen) -> int:
    """Start the servers that do not run and show their addresses."""
    with installation.stack.starting(screen.say):
        pass
    return show_status(installation, screen, as_json=False)


def down(installation: EmbeddedInstallation, args: argparse.Namespace, screen: Screen) -> int:
    """Stop all servers."""
    stopped = installation.stack.down()
    screen.say(f"stopped: {', '.join(stopped)}" if stopped else "no server was running")
    return 0


def status(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Show each server and each production version; 1 unless all servers are healthy."""
    return show_status(installation, screen, as_json=args.json)


def load(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Load a source into MongoDB."""
    pipeline = get(args.pipeline)
    load_source(
        installation.mongo_url,
        pipeline,
        args.source,
        installation.data_dir,
        installation.download_dir,
        screen,
        label=args.label,
        coding=args.labels,
        ask_model=ProductionOpinion(
            lambda: installation.store, pipeline, lambda: installation.trusted_keys
        ),
        source_name=args.source_name,
    )
    return 0


def train(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Trigger the training DAG and follow it, unless `--no-wait` is set."""
    options: dict[str, Any] = {
        "effort": args.effort,
        "fpr_budget": args.fpr_budget,
        "seed": args.seed,
        "approval": args.approval,
    }
    conf = {name: value for name, value in options.items() if value is not None}
    api, dag_id = installation.airflow, train_dag(get(args.pipeline).name)
    run_id = trigger(api, dag_id, conf, screen)
    if args.wait:
        follow(api, dag_id, run_id, screen)
        found = production(installation, args.pipeline)
        screen.show(f"model of {args.pipeline}: {describe(found)}")
    return 0


def doctor(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Check this machine and the servers, and name remedies; 1 if anything is broken."""
    return run_doctor(installation, screen)
