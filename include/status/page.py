"""The page Home: a status for people, each part with a link to its own page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Request, Response

from include.contract.dag_ids import train_dag
from include.errors import ObjectMissingError
from include.notify.alert import runbook_of
from include.status import sentences
from include.status.gather import read_status
from include.status.sources import Sources
from include.web.rendering import render, static_part
from include.web.view import Links

URL_PREFIX = "/home"


@dataclass(frozen=True)
class HomeWiring:
    """What the page needs.

    Attributes
    ----------
    sources : callable
        Returns the sources of a status, restricted to some pipelines.
    mlflow_url : str
        As a browser reaches it; empty where runs are not tracked.
    runbook_url : str
        Where each kind of alert has a heading.
    """

    sources: Callable[[Sequence[str]], Sources]
    mlflow_url: str = ""
    runbook_url: str = ""


def home_app(
    wiring: HomeWiring, guards: Sequence[Any], visible: Callable[..., Sequence[str]]
) -> FastAPI:
    """Return the app that shows the status to users whom every guard admits.

    Parameters
    ----------
    wiring : HomeWiring
    guards : sequence of fastapi.Depends
    visible : callable
        A dependency of FastAPI: returns the pipelines that the user may see.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=list(guards))

    @app.exception_handler(ObjectMissingError)
    def missing(request: Request, err: Exception) -> Response:
        return Response(str(err), 404)

    app.get("/-/{name}")(static_part)

    @app.get("/")
    def home(request: Request, names: Annotated[Sequence[str], Depends(visible)]) -> Response:
        status = read_status(wiring.sources(names), datetime.now(UTC))
        root = str(request.scope.get("root_path", ""))
        ui = root.removesuffix(URL_PREFIX)
        return render(
            "home.html",
            root=root,
            links=Links(ui, wiring.mlflow_url),
            found=status,
            names=list(names),
            say=sentences,
            train_dag=train_dag,
            is_public=_is_public,
            runbook_of=partial(runbook_of, wiring.runbook_url),
        )

    return app


def _is_public(url: str) -> bool:
    """Return whether a browser may know the host: inside Compose names have no dot."""
    host = urlsplit(url).hostname or ""
    return host == "localhost" or "." in host
