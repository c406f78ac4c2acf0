"""How feeds do, for a Prometheus that has the token."""

import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Response
from pymongo.database import Database

from include.errors import NightCatchError
from include.ingest.feeds.health import read_health
from include.ingest.feeds.metrics import CONTENT_TYPE, feed_metrics
from include.ingest.feeds.settings import Feeds
from include.ingest.labels.inserts import Document


def feed_metrics_app(
    token: str,
    database: Callable[[], Database[Document]],
    declared: Callable[[], Mapping[str, Feeds]],
) -> FastAPI:
    """Return the app that shows the figures of every pipeline's feeds; no record is among them.

    Parameters
    ----------
    token : str
        What a request must send as ``Authorization: Bearer``; empty refuses everybody.
    database : callable
        Opens MongoDB; called when a request needs it.
    declared : callable
        Reads the feeds of each pipeline.
    """

    def require_token(authorization: Annotated[str, Header()] = "") -> None:
        scheme, _, given = authorization.partition(" ")
        is_same = hmac.compare_digest(given.strip().encode(), token.encode())
        if not token or scheme.lower() != "bearer" or not is_same:
            raise HTTPException(
                401, "the token is missing or wrong", {"WWW-Authenticate": "Bearer"}
            )

    guards = [Depends(require_token)]
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=guards)

    @app.get("/")
    def metrics() -> Response:
        now = datetime.now(UTC)
        try:
            opened = database()
            health = [
                each
                for name, feeds in declared().items()
                for each in read_health(opened, name, feeds, now)
            ]
        except NightCatchError as err:
            raise HTTPException(503, str(err)) from err
        return Response(feed_metrics(health), media_type=CONTENT_TYPE)

    return app
