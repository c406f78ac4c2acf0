"""Browse, NightCatch inside the Airflow UI: what runs, what was found, and what waits for a person.

The same as `./nightcatch status`. Who may see plugins sees the page, and of it the pipelines whose
training DAG they may see. A part that cannot be read says why; the others are shown.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

from include.web.lazy import lazy_app

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy.orm import Session

    from include.status.figures import Schedule, ServerStatus
    from include.status.sources import Sources

URL_PREFIX = "/home"
_WAIT_S = 3.0


def schedule_of(pipeline: str) -> "Schedule":
    """Return what Airflow's database has of a pipeline's training DAG.

    Raises
    ------
    StoreUnavailableError
        If the database cannot be read.
    """
    from airflow.models.dag import DagModel
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    from include.contract.dag_ids import train_dag
    from include.status.figures import Run, Schedule
    from plugins.models import waiting_runs
    from plugins.run_notes import failures_of

    dag_id = train_dag(pipeline)
    newest = select(DagRun).where(DagRun.dag_id == dag_id).order_by(DagRun.run_after.desc())
    with open_session() as session:
        dag, found = session.get(DagModel, dag_id), session.scalar(newest.limit(1))
        last = None
        if found is not None:
            moments = (_text(found.start_date), _text(found.end_date))
            failures = failures_of(session, dag_id, found.run_id)
            last = Run(found.run_id, str(found.state), *moments, failures)
        paused = dag is None or bool(dag.is_paused)
        next_at = "" if paused or dag is None else _text(dag.next_dagrun_create_after)
        waiting = {run: _text(since) for run, since in waiting_runs(pipeline).items()}
    return Schedule(last, next_at, paused, waiting)


def paused_dags() -> list[str]:
    """Return the ids of our DAGs that have a schedule and are paused; errors as above."""
    from airflow.models.dag import DagModel, DagTag
    from sqlalchemy import select

    query = (
        select(DagModel.dag_id)
        .join(DagTag, DagTag.dag_id == DagModel.dag_id)
        .where(
            DagTag.name == "nightcatch",
            DagModel.is_paused.is_(True),
            DagModel.is_stale.is_(False),
            DagModel.next_dagrun_create_after.is_not(None),
        )
    )
    with open_session() as session:
        return list(session.scalars(query))


@contextmanager
def open_session() -> "Iterator[Session]":
    """Open Airflow's database.

    Raises
    ------
    StoreUnavailableError
        If it cannot be read.
    """
    from airflow.utils.session import create_session
    from sqlalchemy.exc import SQLAlchemyError

    from include.errors import StoreUnavailableError

    try:
        with create_session() as session:
            yield session
    except SQLAlchemyError as err:
        raise StoreUnavailableError(f"Airflow's database cannot be read: {err}") from err


def _text(moment: Any) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def servers() -> "list[ServerStatus]":
    """Return the status of MongoDB, S3, Airflow and MLflow."""
    from airflow.api.common.airflow_health import get_airflow_health

    from dags.support.connections import mlflow_url
    from include.contract.keys import versions_prefix
    from include.errors import SettingMissingError, StoreUnavailableError
    from include.pipelines import names
    from include.status.sources import probed
    from plugins.data_docs import open_store
    from plugins.labels import open_database

    def mongo() -> str:
        database = open_database()
        database.command("ping")
        return ", ".join(f"{host}:{port}" for host, port in sorted(database.client.nodes))

    def s3() -> str:
        store = open_store()
        next(iter(store.keys_under(versions_prefix(names()[0]))), None)
        return f"bucket {store.bucket}"

    def airflow() -> str:
        ill = [
            name
            for name, state in get_airflow_health().items()
            if state["status"] not in ("healthy", None)
        ]
        if ill:
            raise StoreUnavailableError(f"{', '.join(ill)}: no heartbeat; see its log")
        return "scheduler, DAG processor and triggerer have a heartbeat"

    def mlflow() -> str:
        if not (url := mlflow_url()):
            raise SettingMissingError("NIGHTCATCH_MLFLOW_URL is empty: runs are not tracked")
        require_ok(f"{url.rstrip('/')}/health")
        return os.environ.get("NIGHTCATCH_MLFLOW_PUBLIC_URL") or url

    probes = {"mongo": mongo, "s3": s3, "airflow": airflow, "mlflow": mlflow}
    return [probed(name, probe) for name, probe in probes.items()]


def require_ok(url: str) -> None:
    """Return when a GET gives status 200.

    Raises
    ------
    StoreUnavailableError
    """
    import httpx

    from include.errors import StoreUnavailableError

    try:
        status = httpx.get(url, timeout=_WAIT_S, trust_env=False).status_code
    except httpx.HTTPError as err:
        raise StoreUnavailableError(f"does not respond: {err}") from err
    if status != 200:
        raise StoreUnavailableError(f"responds with status {status}")


def sources_of(pipelines: Sequence[str]) -> "Sources":
    """Return what a status is read from inside Airflow."""
    from airflow.configuration import conf

    from dags.support.connections import trusted_keys
    from include.notify.settings import read_alert_settings
    from include.status.sources import Sources
    from plugins.data_docs import open_store
    from plugins.labels import open_database

    settings = read_alert_settings(os.environ)
    return Sources(
        pipelines=pipelines,
        servers=servers,
        store=open_store,
        trusted_keys=trusted_keys,
        database=lambda: nullcontext(open_database()),
        schedule=schedule_of,
        paused=paused_dags,
        scorer_urls=settings.scorer_urls,
        max_model_age_days=settings.max_model_age_days,
        disk_dir=Path(conf.get("logging", "base_log_folder")),
    )


@cache
def protected_app() -> "FastAPI":
    """Return the app, for users who may view plugins, each restricted to their DAGs."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagDetails
    from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_view
    from fastapi import Depends

    from dags.support.connections import mlflow_url
    from include import pipelines
    from include.contract.dag_ids import train_dag
    from include.notify.settings import read_alert_settings
    from include.status.page import HomeWiring, home_app
    from include.tracking.experiment import experiments_page

    def visible(user: GetUserDep) -> list[str]:
        may = get_auth_manager().is_authorized_dag
        return [
            name
            for name in pipelines.names()
            if may(method="GET", details=DagDetails(id=train_dag(name)), user=user)
        ]

    public = os.environ.get("NIGHTCATCH_MLFLOW_PUBLIC_URL") or mlflow_url()
    runbook = read_alert_settings(os.environ).runbook_url
    tracked = experiments_page(public) if public else ""
    wiring = HomeWiring(sources=sources_of, mlflow_url=tracked, runbook_url=runbook)
    return home_app(wiring, [Depends(requires_access_view(AccessView.PLUGINS))], visible)


class HomePlugin(AirflowPlugin):
    """A navigation item with everything at a glance."""

    # Airflow lists pages by the names of their plugins: capitals come first.
    name = "NightCatch"
    fastapi_apps = [{"app": lazy_app(protected_app), "url_prefix": URL_PREFIX, "name": "Home"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "NightCatch",
            "href": f"{URL_PREFIX}/",
            "destination": "nav",
            "url_route": "home",
            "category": "browse",
        }
    ]
