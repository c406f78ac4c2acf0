"""Models inside the Airflow UI: what is in production, who approved it, and what could replace it.

Who may see plugins sees the page, and of it the pipelines whose training DAG they may see. What it
starts, it starts in the reader's name over Airflow's own API. Public keys come from the
environment, as in the DAGs; without them nothing is shown, since nothing could be verified.
"""

import os
from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

from airflow.plugins_manager import AirflowPlugin

from include.web.lazy import lazy_app

if TYPE_CHECKING:
    from datetime import datetime

    from fastapi import FastAPI

URL_PREFIX = "/models"


def waiting_runs(pipeline: str) -> "Mapping[str, datetime]":
    """Return since when each training run of a pipeline has been waiting for a person."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState
    from sqlalchemy import select

    from include.contract.dag_ids import train_dag

    query = (
        select(TaskInstance.run_id, HITLDetail.created_at)
        .join(HITLDetail, HITLDetail.ti_id == TaskInstance.id)
        .where(
            TaskInstance.dag_id == train_dag(pipeline),
            TaskInstance.state == TaskInstanceState.AWAITING_INPUT,
            HITLDetail.responded_at.is_(None),
        )
    )
    with create_session() as session:
        return dict(session.execute(query).tuples().all())


def traffic_so_far(pipeline: str) -> str | None:
    """Return the page of what was scored today (UTC), None before anything was."""
    from datetime import UTC, datetime

    from dags.support.connections import trusted_keys
    from include import pipelines
    from include.monitoring.day import day_so_far
    from include.monitoring.page import render_day
    from plugins.data_docs import open_store

    day = f"{datetime.now(UTC):%Y-%m-%d}"
    found = day_so_far(open_store(), pipelines.get(pipeline), day, trusted_keys())
    return render_day(found) if found else None


@cache
def protected_app() -> "FastAPI":
    """Return the app, for users who may view plugins, each restricted to their DAGs."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagDetails
    from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_view
    from fastapi import Depends, HTTPException

    from dags.support.connections import mlflow_url, trusted_keys
    from include import pipelines
    from include.contract.dag_ids import train_dag
    from include.tracking.experiment import runs_page
    from include.web.models import Wiring, models_app
    from plugins.data_docs import open_store

    def require_dag(pipeline: str, user: GetUserDep) -> None:
        details = DagDetails(id=train_dag(pipeline))
        if not get_auth_manager().is_authorized_dag(method="GET", details=details, user=user):
            raise HTTPException(403, "Forbidden")

    public_url = os.environ.get("NIGHTCATCH_MLFLOW_PUBLIC_URL") or mlflow_url()
    wiring = Wiring(
        store=open_store,
        trusted_keys=trusted_keys,
        pipelines={name: pipelines.get(name).title for name in pipelines.names()},
        waiting=waiting_runs,
        today=traffic_so_far,
        mlflow_url=public_url,
        runs=partial(runs_page, public_url, mlflow_url()),
        url_prefix=URL_PREFIX,
    )
    guards = [Depends(requires_access_view(AccessView.PLUGINS))]
    return models_app(wiring, guards, [Depends(require_dag)])


class ModelsPlugin(AirflowPlugin):
    """A navigation item with the models of every pipeline."""

    name = "models"
    fastapi_apps = [{"app": lazy_app(protected_app), "url_prefix": URL_PREFIX, "name": "Models"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Models",
            "href": f"{URL_PREFIX}/",
            "destination": "nav",
            "url_route": "models",
            "category": "browse",
        }
    ]
