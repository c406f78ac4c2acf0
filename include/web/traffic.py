"""The pages about days of traffic: today so far, and those that were left in the bucket."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from include.contract import keys
from include.errors import ManifestError, ObjectMissingError
from include.stores.objects import ObjectStore

MAX_PAGE_BYTES = 16 * 1024 * 1024


def traffic_pages(
    store: Callable[[], ObjectStore],
    pipelines: Collection[str],
    today: Callable[[str], str | None],
    headers: Mapping[str, str],
    guards: Sequence[Any],
) -> APIRouter:
    """Return the routes of a pipeline's day so far, of its last watched day, and of each day.

    Parameters
    ----------
    store : callable
        Opens the bucket; called when a request needs it.
    pipelines : collection of str
    today : callable
        Returns the page of a pipeline's day so far; None before anything was scored.
    headers : mapping of str to str
        Of every page: what it may load, for instance.
    guards : sequence of fastapi.Depends
    """
    router = APIRouter(dependencies=list(guards))

    @router.get("/{pipeline}/traffic")
    def newest(request: Request, pipeline: str) -> Response:
        page = today(_known(pipeline, pipelines))
        return shown(page) if page else last(request, pipeline)

    @router.get("/{pipeline}/traffic/last")
    def last(request: Request, pipeline: str) -> Response:
        prefix = keys.monitoring_days_prefix(_known(pipeline, pipelines))
        days = [key for key in store().keys_under(prefix) if key.endswith(keys.REPORT)]
        if not days:
            raise ObjectMissingError(
                f"No traffic of {pipeline} was evaluated yet: the DAG watch_traffic evaluates each "
                "day when it is over"
            )
        day = days[-1].removeprefix(f"{prefix}date=").partition("/")[0]
        return RedirectResponse(f"{request.scope['root_path']}/{pipeline}/traffic/{day}")

    @router.get("/{pipeline}/traffic/{day}")
    def of_day(pipeline: str, day: str) -> Response:
        return shown(store().get(_page(_known(pipeline, pipelines), day), MAX_PAGE_BYTES))

    def shown(page: bytes | str) -> Response:
        return Response(page, media_type="text/html; charset=utf-8", headers=dict(headers))

    return router


def _known(pipeline: str, pipelines: Collection[str]) -> str:
    if pipeline not in pipelines:
        raise ObjectMissingError(f"there is no pipeline {pipeline!r}")
    return pipeline


def _page(pipeline: str, day: str) -> str:
    try:
        return keys.monitoring_report(pipeline, day)
    except ManifestError as err:
        raise ObjectMissingError(f"{day!r} is not a day") from err
