"""A web application that is built when it is first asked."""

from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
AsgiApp = Callable[[Any, Receive, Send], Awaitable[None]]


def when_asked(build: Callable[[], AsgiApp]) -> AsgiApp:
    """Return an application that answers as the one which `build` returns at each request.

    Airflow's tasks import plugins too: they never pay for what an application imports.
    """

    async def answer(scope: Any, receive: Receive, send: Send) -> None:
        await build()(scope, receive, send)

    return answer
