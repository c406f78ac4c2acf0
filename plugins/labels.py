"""Labels inside the Airflow UI: what waits for a decision, feeds, and files to upload.

Who may see plugins and the DAG `collect_labels` sees the page; who may also trigger that DAG
decides and uploads. MongoDB is the connection `nightcatch_mongo_loader`, opened when it is needed.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

from include.web.lazy import lazy_app

if TYPE_CHECKING:
    from fastapi import FastAPI
    from pymongo.database import Database

URL_PREFIX = "/labels"
DAG_ID = "collect_labels"
_TIMEOUT_MS = 5_000


@cache
def open_database() -> "Database[dict[str, Any]]":
    """Return the database that Airflow's connection names, with a short timeout.

    Raises
    ------
    SettingMissingError
        If Airflow has no such connection.
    """
    from airflow.providers.mongo.hooks.mongo import MongoHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    from dags.support.connections import loader_connection
    from include.errors import SettingMissingError
    from include.stores.documents import DATABASE

    try:
        hook = MongoHook(mongo_conn_id=loader_connection())
    except AirflowNotFoundException as err:
        raise SettingMissingError("Airflow has no connection nightcatch_mongo_loader") from err
    hook.extras["serverSelectionTimeoutMS"] = _TIMEOUT_MS
    return hook.get_conn()[hook.connection.schema or DATABASE]


@cache
def protected_app() -> "FastAPI":
    """Return the app, for users who may view plugins and the DAG that collects labels."""
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.api_fastapi.auth.managers.models.resource_details import (
        DagAccessEntity,
        DagDetails,
    )
    from airflow.api_fastapi.core_api.security import GetUserDep
    from fastapi import HTTPException

    from dags.support.connections import trusted_keys
    from include import pipelines
    from include.run.label_opinion import RecordOpinion
    from include.web.labels.app import Wiring, labels_app
    from plugins.data_docs import open_store

    def may_decide(user: GetUserDep) -> bool:
        return get_auth_manager().is_authorized_dag(
            method="POST",
            access_entity=DagAccessEntity.RUN,
            details=DagDetails(id=DAG_ID),
            user=user,
        )

    def reviewer(user: GetUserDep) -> str:
        if not may_decide(user):
            raise HTTPException(403, f"You may not trigger {DAG_ID}, so you may not decide")
        return user.get_name()

    wiring = Wiring(
        database=open_database,
        pipelines={name: pipelines.get(name) for name in pipelines.names()},
        ask_model=RecordOpinion(open_store, trusted_keys),
        may_decide=may_decide,
        reviewer=reviewer,
        url_prefix=URL_PREFIX,
    )
    return labels_app(wiring, _guards())


def _guards() -> list[Any]:
    """Return what each request must pass."""
    from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
    from airflow.api_fastapi.core_api.security import requires_access_dag, requires_access_view
    from fastapi import Depends

    return [
        Depends(requires_access_view(AccessView.PLUGINS)),
        Depends(requires_access_dag(method="GET", param_dag_id=DAG_ID)),
    ]


class LabelsPlugin(AirflowPlugin):
    """A navigation item with the labels of every pipeline."""

    name = "labels"
    fastapi_apps = [{"app": lazy_app(protected_app), "url_prefix": URL_PREFIX, "name": "Labels"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Labels",
            "href": f"{URL_PREFIX}/",
            "destination": "nav",
            "url_route": "labels",
            "category": "browse",
        }
    ]
