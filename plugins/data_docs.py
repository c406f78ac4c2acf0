"""Data Docs inside the Airflow UI: every run's validation, behind Airflow's own login.

Pages come from S3 (connection `nightcatch_s3`, bucket from `NIGHTCATCH_S3_BUCKET`), opened at the
first request. When nothing is listed, check the connection; a run without docs never validated.
"""

import os
from functools import cache
from typing import TYPE_CHECKING

from airflow.plugins_manager import AirflowPlugin

from include.web.lazy import lazy_app

if TYPE_CHECKING:
    from fastapi import FastAPI

    from include.stores.objects import ObjectStore

URL_PREFIX = "/data-docs"
CONNECTION_ID = "nightcatch_s3"


@cache
def open_store() -> "ObjectStore":
    """Return the bucket that the Airflow connection and the environment name.

    Raises
    ------
    SettingMissingError
        If Airflow has no such connection.
    """
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from airflow.sdk.exceptions import AirflowNotFoundException
    from botocore.config import Config

    from include.errors import SettingMissingError
    from include.stores.objects import ObjectStore

    # Short timeouts: a page must report an unavailable S3 within seconds.
    timeout = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})
    try:
        client = S3Hook(aws_conn_id=CONNECTION_ID, config=timeout).get_conn()
    except AirflowNotFoundException as err:
        raise SettingMissingError(f"Airflow has no connection {CONNECTION_ID}") from err
    return ObjectStore(client, os.environ.get("NIGHTCATCH_S3_BUCKET", "nightcatch"))


@cache
def protected_app() -> "FastAPI":
    """Return the app, for users who may view plugins only."""
    from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
    from airflow.api_fastapi.core_api.security import requires_access_view
    from fastapi import Depends

    from include.validation.data_docs.serve import docs_app

    return docs_app(open_store, [Depends(requires_access_view(AccessView.PLUGINS))])


class DataDocsPlugin(AirflowPlugin):
    """A navigation item with all Data Docs, and a tab on each DAG run with its own."""

    name = "data_docs"
    fastapi_apps = [  # noqa: RUF012 - Airflow reads a plain list
        {
            "app": lazy_app(protected_app),
            "url_prefix": URL_PREFIX,
            "name": "Data Docs",
        }
    ]
    external_views = [  # noqa: RUF012
        {
            "name": "Data Docs",
            "href": f"{URL_PREFIX}/",
            "destination": "nav",
            "url_route": "data-docs",
            "category": "browse",
        },
        {
            "name": "Data Docs",
            "href": f"{URL_PREFIX}/?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "run-data-docs",
        },
    ]
