"""The routes of the Labels page. They know nothing of Airflow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel, Field
from pymongo.database import Database
from pymongo.errors import OperationFailure

from include.errors import (
    DataRejectedError,
    DecisionRefusedError,
    FeedSettingsError,
    NightCatchError,
    ObjectMissingError,
    RequestRejectedError,
    SettingMissingError,
    StoreUnavailableError,
)
from include.ingest.feeds.health import read_health
from include.ingest.feeds.state import FeedStates
from include.ingest.labels.inserts import Document
from include.ingest.review.context import Context
from include.ingest.review.decisions import Decision, ReviewDesk
from include.ingest.review.entries import Chosen, Held, Verdict, held_of
from include.ingest.review.queue import ReviewQueue
from include.pipelines import Pipeline
from include.web.labels.entry import AskModel, read_entry, title_of, url_parts
from include.web.labels.upload import LIMITS, upload_routes
from include.web.rendering import render, static_part

ENTRIES_PER_PAGE = 25
MAX_AT_ONCE = 500
_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (ObjectMissingError, 404),
    (FeedSettingsError, 404),
    (DecisionRefusedError, 409),
    (DataRejectedError, 422),
    (RequestRejectedError, 403),
    (SettingMissingError, 503),
    (StoreUnavailableError, 503),
    (OperationFailure, 503),
)
Reason = Annotated[str, Field(min_length=3, max_length=500)]
View = Literal["waiting", "decided"]


@dataclass(frozen=True)
class Wiring:
    """What the page needs.

    Attributes
    ----------
    database : callable
        Opens MongoDB; called when a request needs it.
    pipelines : mapping of str to Pipeline
    ask_model : callable
        What the production version thinks of a record.
    may_decide : callable
        A dependency of FastAPI: whether who asks may decide, as a bool.
    reviewer : callable
        A dependency of FastAPI: the name of who asks, refused unless they may decide.
    url_prefix : str
        Where the page is mounted.
    """

    database: Callable[[], Database[Document]]
    pipelines: Mapping[str, Pipeline]
    ask_model: AskModel
    may_decide: Callable[..., bool]
    reviewer: Callable[..., str]
    url_prefix: str = "/labels"

    def pipeline(self, name: str) -> Pipeline:
        """Return the pipeline of that name.

        Raises
        ------
        ObjectMissingError
            If there is none.
        """
        if name not in self.pipelines:
            raise ObjectMissingError(f"there is no pipeline {name!r}")
        return self.pipelines[name]


class _One(BaseModel):
    id: str
    verdict: Verdict
    reason: Reason
    seen: str


class _Many(BaseModel):
    feed: Annotated[str, Field(min_length=1)]
    held_for: Annotated[str, Field(min_length=1)]
    verdict: Literal["phishing", "legitimate", "confirm", "reject"]
    reason: Reason


class _Accept(BaseModel):
    feed: str
    reason: Reason


def labels_app(wiring: Wiring, guards: Sequence[Any]) -> FastAPI:
    """Return the app for users whom every guard admits.

    Parameters
    ----------
    wiring : Wiring
    guards : sequence of fastapi.Depends
        Of every page.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=list(guards))
    for error, status in _STATUS:
        app.add_exception_handler(error, _refusal(wiring, status))

    @app.get("/")
    def index(request: Request) -> Response:
        database = wiring.database()

        def work(name: str) -> tuple[int, int]:
            n_waiting = ReviewQueue(database, name).count(Chosen())
            return n_waiting, sum(feed.enabled for feed in wiring.pipelines[name].feeds.feeds)

        return RedirectResponse(f"{request.scope['root_path']}/{max(wiring.pipelines, key=work)}")

    app.get("/-/{name}")(static_part)
    app.include_router(_pages(wiring))
    app.include_router(_decisions(wiring))
    own = [Depends(require_own_page)]
    app.include_router(upload_routes(wiring.database, wiring.pipeline, wiring.reviewer, own))
    return app


def require_own_page(
    x_nightcatch: Annotated[str, Header()] = "", sec_fetch_site: Annotated[str, Header()] = ""
) -> None:
    """Refuse what a page of another origin sent: it may not set this header.

    Raises
    ------
    RequestRejectedError
    """
    if x_nightcatch != "labels" or sec_fetch_site not in ("", "same-origin"):
        raise RequestRejectedError("this request was not sent by the Labels page")


def _pages(wiring: Wiring) -> APIRouter:
    router = APIRouter()

    @router.get("/{pipeline}")
    def review(
        request: Request,
        pipeline: str,
        may_decide: Annotated[bool, Depends(wiring.may_decide)],
        state: View = "waiting",
        feed: str = "",
        reason: str = "",
        entry: str = "",
        done: str = "",
        page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    ) -> Response:
        asked, database = wiring.pipeline(pipeline), wiring.database()
        desk, chosen = ReviewDesk(database, asked), Chosen(state, feed, reason)
        rows = desk.queue.find(chosen, ENTRIES_PER_PAGE, (page - 1) * ENTRIES_PER_PAGE)
        opened = _opened(desk, rows, entry) if state == "waiting" else None
        is_record = opened is not None and opened.kind == "record"
        context = Context(database, asked)
        shown = {
            "chosen": chosen,
            "groups": desk.queue.groups(state),
            "n_chosen": desk.queue.count(chosen),
            "rows": [(row, title_of(row, asked)) for row in rows],
            "opened": opened,
            "entry": read_entry(opened, asked, context, wiring.ask_model)
            if opened and is_record
            else None,
            "done": held_of(desk.queue.read(done)) if done else None,
            "page": page,
            "per_page": ENTRIES_PER_PAGE,
            "max_at_once": MAX_AT_ONCE,
        }
        return _page(request, wiring, asked, "labels/review.html", may_decide=may_decide, **shown)

    _add_other_views(router, wiring)
    return router


def _add_other_views(router: APIRouter, wiring: Wiring) -> None:
    @router.get("/{pipeline}/feeds")
    def feeds(request: Request, pipeline: str) -> Response:
        asked, database = wiring.pipeline(pipeline), wiring.database()
        declared, now = asked.feeds, datetime.now(UTC)
        health = read_health(database, asked.name, declared, now)
        n_pending = FeedStates(database, asked.name).pending()
        shown = {"health": health, "n_pending": n_pending, "declared": declared, "now": now}
        return _page(request, wiring, asked, "labels/feeds.html", **shown)

    @router.get("/{pipeline}/upload")
    def upload(
        request: Request, pipeline: str, may_decide: Annotated[bool, Depends(wiring.may_decide)]
    ) -> Response:
        asked = wiring.pipeline(pipeline)
        return _page(request, wiring, asked, "labels/upload.html", may_decide=may_decide, **LIMITS)


def _opened(desk: ReviewDesk, rows: Sequence[Held], entry: str) -> Held | None:
    """Return the entry that was asked for, or the first of the page."""
    found = next((row for row in rows if row.id == entry), None)
    if found is None and entry:
        found = held_of(desk.queue.read(entry))
    return found or next(iter(rows), None)


def _decisions(wiring: Wiring) -> APIRouter:
    router = APIRouter(dependencies=[Depends(require_own_page)])

    @router.post("/{pipeline}/decide")
    def decide(
        pipeline: str, asked: _One, who: Annotated[str, Depends(wiring.reviewer)]
    ) -> JSONResponse:
        desk = ReviewDesk(wiring.database(), wiring.pipeline(pipeline))
        decision = Decision(asked.verdict, who, asked.reason, datetime.now(UTC))
        done = desk.decide(asked.id, decision, seen=asked.seen)
        return JSONResponse({"id": done.id, "state": done.state})

    @router.post("/{pipeline}/decide-all")
    def decide_all(
        pipeline: str, asked: _Many, who: Annotated[str, Depends(wiring.reviewer)]
    ) -> JSONResponse:
        desk = ReviewDesk(wiring.database(), wiring.pipeline(pipeline))
        decision = Decision(asked.verdict, who, asked.reason, datetime.now(UTC))
        chosen = Chosen("waiting", asked.feed, asked.held_for)
        return JSONResponse({"n_decided": desk.decide_all(chosen, decision, MAX_AT_ONCE)})

    @router.post("/{pipeline}/accept")
    def accept(
        pipeline: str, asked: _Accept, who: Annotated[str, Depends(wiring.reviewer)]
    ) -> JSONResponse:
        feed = wiring.pipeline(pipeline).feeds.named(asked.feed)
        states = FeedStates(wiring.database(), pipeline)
        states.accept(feed.name, by=who, reason=asked.reason, now=datetime.now(UTC))
        return JSONResponse({"feed": feed.name})

    return router


def _page(
    request: Request, wiring: Wiring, pipeline: Pipeline | None, template: str, **shown: Any
) -> Response:
    if pipeline:
        shown["pipeline"] = pipeline.name
    root = str(request.scope.get("root_path", ""))
    return render(
        template,
        root=root,
        ui=root.removesuffix(wiring.url_prefix),
        pipelines=wiring.pipelines,
        url_parts=url_parts,
        asked=pipeline,
        **shown,
    )


def _refusal(wiring: Wiring, status: int) -> Callable[[Request, Exception], Response]:
    """Return the handler of errors: a page with the message, or JSON for the page's own script."""

    def say(request: Request, err: Exception) -> Response:
        sentence = str(err)
        if not isinstance(err, NightCatchError):
            sentence = f"MongoDB refuses this: {err}. Give Airflow nightcatch_mongo_loader"
        if request.method == "POST":
            return JSONResponse({"detail": sentence}, status)
        shown = {"code": status, "sentence": sentence}
        return _page(request, wiring, None, "labels/sentence.html", status=status, **shown)

    return say
