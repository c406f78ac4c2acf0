"""Show what runs, what is in production and what waits for a person."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pymongo
from pymongo.database import Database

from include.cli.installation import EmbeddedInstallation, Installation
from include.cli.screen import Screen
from include.contract.dag_ids import train_dag
from include.contract.keys import versions_prefix
from include.errors import NotRunningError, SettingMissingError, StoreUnavailableError
from include.notify.settings import read_alert_settings
from include.pipelines import names
from include.registry.production import ProductionVersion, production_version
from include.stack.http import public_url, request_json
from include.stack.ports import HOST
from include.status.figures import ServerStatus, Status
from include.status.gather import read_status
from include.status.sentences import lines_of
from include.status.sources import Sources, probed
from include.stores.documents import DATABASE
from include.stores.objects import ObjectStore

_TIMEOUT_S = 5.0


def show_status(installation: Installation, screen: Screen, *, as_json: bool) -> int:
    """Show what runs, what is in production and what waits; return 1 unless all are healthy."""
    status = read_status(_sources(installation), datetime.now(UTC))
    if as_json:
        screen.show(json.dumps(asdict(status), indent=1))
    else:
        _show(status, screen)
    return 0 if status.is_healthy else 1


def _sources(installation: Installation) -> Sources:
    def servers() -> list[ServerStatus]:
        if isinstance(installation, EmbeddedInstallation):
            return _embedded_servers(installation)
        return _configured_servers(installation)

    @contextmanager
    def database() -> Iterator[Database[dict[str, Any]]]:
        wait_ms = int(_TIMEOUT_S * 1000)
        with pymongo.MongoClient[dict[str, Any]](
            installation.mongo_url, serverSelectionTimeoutMS=wait_ms
        ) as client:
            yield client[DATABASE]

    scorer_url = installation.scorer_url
    return Sources(
        pipelines=names(),
        servers=servers,
        store=lambda: _store(installation),
        trusted_keys=lambda: installation.trusted_keys,
        database=database,
        schedule=lambda name: installation.airflow.schedule(train_dag(name)),
        paused=lambda: installation.airflow.paused(),
        scorer_urls=[public_url(scorer_url)] if scorer_url else [],
        max_model_age_days=read_alert_settings(os.environ).max_model_age_days,
        disk_dir=_disk_dir(installation),
    )


def _store(installation: Installation) -> ObjectStore:
    """Return the bucket without a trial write, which `installation.store` makes each time."""
    if isinstance(installation, EmbeddedInstallation) and installation.stack.s3.process.pid is None:
        raise NotRunningError("s3 does not run; start it with ./nightcatch up")
    return installation.open_store()


def _disk_dir(installation: Installation) -> Path:
    if isinstance(installation, EmbeddedInstallation):
        return installation.stack.settings.state_dir
    return Path.home()


def _show(status: Status, screen: Screen) -> None:
    servers = status.servers.value or ()
    screen.table(
        ("server", "health", "address"),
        [(each.name, each.health, each.address) for each in servers],
    )
    screen.show()
    for title, sentence in lines_of(status):
        screen.show(f"{title:<16}{sentence}")


def _embedded_servers(installation: EmbeddedInstallation) -> list[ServerStatus]:
    stack = installation.stack
    settings = stack.settings
    addresses = {
        "mongo": f"mongodb://{HOST}:{settings.mongo_port}  passwords in {settings.secrets_dir}",
        "s3": f"{settings.s3_url}  bucket {settings.bucket}",
        "airflow": f"{settings.airflow_url}  user admin, password in"
        f" {stack.secrets.airflow_passwords}",
        "scorer": settings.scorer_url,
        "mlflow": settings.mlflow_public_url,
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
    return [probed(name, probe) for name, probe in probes.items()]


def production(installation: Installation, pipeline: str) -> ProductionVersion | None:
    """Return the verified production version of a pipeline, if it has one."""
    return production_version(installation.store, pipeline, installation.trusted_keys)


def describe(found: ProductionVersion | None) -> str:
    """Return a production version in one line."""
    if found is None:
        return "none is in production yet; ./nightcatch train makes one"
    pointer, test = found.pointer, found.manifest.metrics.get("test", {})
    figures = ""
    if {"recall", "fpr"} <= test.keys():
        figures = f"; group-disjoint recall {test['recall']:.1%}, false positives {test['fpr']:.2%}"
    return (
        f"version {pointer.version}, serial {pointer.serial},"
        f" approved by {pointer.decided_by} at {pointer.approved_at}{figures}"
    )
