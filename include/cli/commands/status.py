"""Show the health of each server, and each production version."""

import json
from dataclasses import asdict, dataclass
from typing import Any

import pymongo
from pymongo.errors import PyMongoError

from include.cli.installation import EmbeddedInstallation, Installation
from include.cli.production import ProductionVersion, production_version
from include.cli.screen import Screen
from include.contract.keys import versions_prefix
from include.errors import NightCatchError, SettingMissingError, StoreUnavailableError
from include.pipelines import names
from include.stack.http import public_url, request_json
from include.stack.ports import HOST

_TIMEOUT_S = 5.0


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


def show_status(installation: Installation, screen: Screen, *, as_json: bool) -> int:
    """Show servers and production versions; return 1 unless all are healthy."""
    servers = (
        _embedded_servers(installation)
        if isinstance(installation, EmbeddedInstallation)
        else _configured_servers(installation)
    )
    health = {server.name: server.health for server in servers}
    models = {}
    if health["s3"] == "healthy":
        models = {name: production(installation, name) for name in names()}
    if as_json:
        document = {
            "servers": [asdict(each) for each in servers],
            "production": {name: _model_document(found) for name, found in models.items()},
        }
        screen.show(json.dumps(document, indent=1))
    else:
        rows = [(each.name, each.health, each.address) for each in servers]
        screen.table(("server", "health", "address"), rows)
        for name, found in models.items():
            screen.show(f"\nmodel of {name}: {describe(found)}")
    return 0 if set(health.values()) <= {"healthy", "not configured"} else 1


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
    return [_probed(name, probe) for name, probe in probes.items()]


def _probed(name: str, probe: Any) -> ServerStatus:
    try:
        return ServerStatus(name, "healthy", probe())
    except SettingMissingError as err:
        return ServerStatus(name, "not configured", str(err))
    except (NightCatchError, PyMongoError) as err:
        return ServerStatus(name, "BROKEN", str(err).partition("\n")[0])


def production(installation: Installation, pipeline: str) -> ProductionVersion | None:
    """Return the verified production version of a pipeline, if it has one."""
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
        f" approved by {pointer.approved_by} at {pointer.approved_at}{figures}"
    )
