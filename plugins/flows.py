"""Pictures of what each DAG does, for its documentation, behind Airflow's own login."""

from functools import cache
from typing import TYPE_CHECKING

from airflow.plugins_manager import AirflowPlugin

from include.web.lazy import when_asked

if TYPE_CHECKING:
    from fastapi import FastAPI

URL_PREFIX = "/flows"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, max-age=300",
}


@cache
def protected_app() -> "FastAPI":
    """Return the app that shows pictures to users who may see plugins, and to nobody else."""
    from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
    from airflow.api_fastapi.core_api.security import requires_access_view
    from fastapi import Depends, FastAPI, HTTPException, Response

    from include.errors import ObjectMissingError
    from include.web.flows import picture_of

    guard = Depends(requires_access_view(AccessView.PLUGINS))
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[guard])

    @app.get("/{name}.svg")
    def picture(name: str) -> Response:
        try:
            svg = picture_of(name)
        except ObjectMissingError as err:
            raise HTTPException(404, str(err)) from err
        return Response(svg, media_type="image/svg+xml", headers=_HEADERS)

    return app


class FlowsPlugin(AirflowPlugin):
    """The pictures in the documentation of the DAGs."""

    name = "flows"
    fastapi_apps = [{"app": when_asked(protected_app), "url_prefix": URL_PREFIX, "name": "Flows"}]  # noqa: RUF012
