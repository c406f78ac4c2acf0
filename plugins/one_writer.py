"""Requests that write take turns where Airflow keeps its records in SQLite: the embedded stack.

Airflow's API server writes its audit log on the event loop. Where another request has written and
not yet committed, for which it needs that loop, both wait until SQLite gives up: nobody is answered
meanwhile, and then the trigger, the approval or the note is refused (500). PostgreSQL has no such
lock, and nothing is done there.
"""

import asyncio
from typing import Any

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

from include.web.lazy import AsgiApp, Receive, Send

_READING = {"GET", "HEAD", "OPTIONS"}


class OneWriter:
    """Lets one request at a time through that may write; an ASGI middleware.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["method"] in _READING:
            await self._app(scope, receive, send)
            return
        async with self._turn:
            await self._app(scope, receive, send)


def needs_turns(connection: str) -> bool:
    """Return whether a database of that address allows one writer only."""
    return connection.startswith("sqlite")


class OneWriterPlugin(AirflowPlugin):
    """The middleware, in front of every route of the API server."""

    name = "one_writer"
    fastapi_root_middlewares = (
        [{"middleware": OneWriter, "name": "One writer"}]
        if needs_turns(conf.get("database", "sql_alchemy_conn"))
        else []
    )
