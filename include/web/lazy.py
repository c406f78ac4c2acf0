"""A web application that is built at its first request."""

from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
AsgiApp = Callable[[Any, Receive, Send], Awaitable[None]]


def lazy_app(build: Callable[[], AsgiApp]) -> AsgiApp:
    """Return an application that passes requests on to the one that `build` returns.

    Airflow's tasks import plugins too, and must not pay for what an application imports.
    """

    async def app(scope: Any, receive: Receive, send: Send) -> None:
        await build()(scope, receive, send)

    return app
