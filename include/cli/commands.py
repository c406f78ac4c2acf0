"""The commands of ``./nightcatch``: of the embedded servers, and of any installation."""

import argparse
import json
import time
from dataclasses import asdict, dataclass
from typing import Any

import pymongo
from pymongo.errors import PyMongoError

from include.cli.approvals import approve as approve
from include.cli.approvals import rollback as rollback
from include.cli.approvals import versions as versions
from include.cli.check import check as check
from include.cli.demo import run_demo
from include.cli.doctor import run_doctor
from include.cli.installation import EmbeddedInstallation, Installation
from include.cli.lineage import reproduce as reproduce
from include.cli.lineage import trace as trace
from include.cli.load_command import load_source
from include.cli.production import ProductionVersion, production_version
from include.cli.retention_command import retain as retain
from include.cli.screen import Screen
from include.cli.training_run import follow, trigger
from include.cli.verify_command import verify as verify
from include.contract.dag_ids import train_dag
from include.contract.keys import versions_prefix
from include.errors import NightCatchError, SettingMissingError, StoreUnavailableError
from include.pipelines import get, names
from include.stack.http import public_url, request_json

_WATCH_S = 1.0
_TIMEOUT_S = 5.0


def demo(installation: EmbeddedInstallation, args: argparse.Namespace, screen: Screen) -> int:
    """Run the whole loop; with `--once` stop all, else stay and stop what was started on Ctrl-C."""
    stack = installation.stack
    run_demo(installation, args.pipeline, screen)
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


def up(installation: EmbeddedInstallation, args: argparse.Namespace, screen: Screen) -> int:
    """Start the servers that do not run and show their addresses."""
    with installation.stack.starting(screen.say):
        pass
    return _show_status(installation, screen, as_json=False)


def down(installation: EmbeddedInstallation, args: argparse.Namespace, screen: Screen) -> int:
    """Stop all servers."""
    stopped = installation.stack.down()
    screen.say(f"stopped: {', '.join(stopped)}" if stopped else "no server was running")
    return 0


def status(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Show each server and each production version; 1 unless all servers are healthy."""
    return _show_status(installation, screen, as_json=args.json)


def load(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Load a source into MongoDB."""
    load_source(
        installation.mongo_url,
        get(args.pipeline),
        args.source,
        installation.data_dir,
        installation.download_dir,
        screen,
        label=args.label,
        coding=args.labels,
        source_name=args.source_name,
    )
    return 0


def train(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Trigger the training DAG and follow it unless told not to."""
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
        found = _production(installation, args.pipeline)
        screen.show(f"model of {args.pipeline}: {_describe(found)}")
    return 0


def doctor(installation: Installation, args: argparse.Namespace, screen: Screen) -> int:
    """Check this machine and the servers, and name remedies; 1 if anything is broken."""
    return run_doctor(installation, screen)


@dataclass(frozen=True)
class ServerStatus:
    """A server as `status` shows it.

    Attributes
    ----------
    name, health, address : str
        The health is "healthy", "stopped", "not configured" or a fault.
    """

    name: str
    health: str
    address: str


def _show_status(installation: Installation, screen: Screen, *, as_json: bool) -> int:
    servers = (
        _embedded_servers(installation)
        if isinstance(installation, EmbeddedInstallation)
        else _configured_servers(installation)
    )
    health = {server.name: server.health for server in servers}
    models = {}
    if health["s3"] == "healthy":
        models = {name: _production(installation, name) for name in names()}
    if as_json:
        production = {name: _model_document(found) for name, found in models.items()}
        document = {"servers": [asdict(each) for each in servers], "production": production}
        screen.show(json.dumps(document, indent=1))
    else:
        rows = [(each.name, each.health, each.address) for each in servers]
        screen.table(("server", "health", "address"), rows)
        for name, found in models.items():
            screen.show(f"\nmodel of {name}: {_describe(found)}")
    return 0 if set(health.values()) <= {"healthy", "not configured"} else 1


def _embedded_servers(installation: EmbeddedInstallation) -> list[ServerStatus]:
    stack = installation.stack
    settings = stack.settings
    addresses = {
        "mongo": settings.mongo_url,
        "s3": f"{settings.s3_url}  bucket {settings.bucket}",
        "airflow": f"{settings.airflow_url}  user admin, password in"
        f" {stack.secrets.airflow_passwords}",
        "scorer": settings.scorer_url,
        "mlflow": settings.mlflow_url,
    }
    return [
        ServerStatus(server.name, _health(server), addresses[server.name])
        for server in stack.servers
    ]


def _health(server: Any) -> str:
    if server.process.pid is None:
        return "stopped"
    return "healthy" if server.is_healthy() else "BROKEN"


def _configured_servers(installation: Installation) -> list[ServerStatus]:
    def mongo() -> str:
        with pymongo.MongoClient[Any](
            installation.mongo_url, serverSelectionTimeoutMS=int(_TIMEOUT_S * 1000)
        ) as client:
            client.admin.command("ping")
            return ", ".join(f"{host}:{port}" for host, port in sorted(client.nodes))

    def bucket() -> str:
        next(iter(installation.store.keys_under(versions_prefix(names()[0]))), None)
        return f"bucket {installation.store.bucket}"

    def airflow() -> str:
        return installation.airflow.check()

    def scorer() -> str:
        if (url := installation.scorer_url) is None:
            raise SettingMissingError("NIGHTCATCH_SCORER_URL is not set")
        status, _ = request_json("GET", f"{url}/health/ready", timeout_s=_TIMEOUT_S)
        if status != 200:
            raise StoreUnavailableError(f"{public_url(url)} is not ready: status {status}")
        return public_url(url)

    probes = {"mongo": mongo, "s3": bucket, "airflow": airflow, "scorer": scorer}
    return [_probed(name, probe) for name, probe in probes.items()]


def _probed(name: str, probe: Any) -> ServerStatus:
    try:
        return ServerStatus(name, "healthy", probe())
    except SettingMissingError as err:
        return ServerStatus(name, "not configured", str(err))
    except (NightCatchError, PyMongoError) as err:
        return ServerStatus(name, "BROKEN", str(err).partition("\n")[0])


def _production(installation: Installation, pipeline: str) -> ProductionVersion | None:
    return production_version(installation.store, pipeline, installation.trusted_keys)


def _model_document(found: ProductionVersion | None) -> dict[str, Any] | None:
    if found is None:
        return None
    pointer, test = found.pointer, found.manifest.metrics.get("test", {})
    return {
        "version": pointer.version,
        "serial": pointer.serial,
        "approved_by": pointer.approved_by,
        "approved_at": pointer.approved_at,
        "test": {name: test[name] for name in ("recall", "fpr", "roc_auc") if name in test},
    }


def _describe(found: ProductionVersion | None) -> str:
    if found is None:
        return "none is in production yet; ./nightcatch train makes one"
    pointer, test = found.pointer, found.manifest.metrics.get("test", {})
    figures = ""
    if {"recall", "fpr"} <= test.keys():
        figures = f"; group-disjoint recall {test['recall']:.1%}, false positives {test['fpr']:.2%}"
    return (
        f"version {pointer.version}, serial {pointer.serial},"
        f" approved by {pointer.approved_by} at {pointer.approved_at}{figures}"
    )
