"""The Models page: which version is in production, how it came to be, and what could replace it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.responses import RedirectResponse

from include.contract import keys
from include.contract.dag_ids import train_dag
from include.errors import (
    ManifestError,
    NightCatchError,
    ObjectMissingError,
    SettingMissingError,
    SignatureError,
    StoreUnavailableError,
    VersionRefusedError,
)
from include.registry.follow.verify import TrustedKeys
from include.registry.overview import (
    MAX_HISTORY,
    read_ledger,
    read_one,
    read_overview,
    read_report,
)
from include.registry.versions import read_version, version_names
from include.stores.objects import ObjectStore
from include.web.compare import WIDTH as BAR_WIDTH
from include.web.compare import compare, default_pair
from include.web.labels.entry import url_parts
from include.web.plot import FIGURES, HEIGHT, LEFT, RIGHT, WIDTH, plots
from include.web.rendering import COMMON_HEADERS, render, static_part
from include.web.traffic import traffic_pages
from include.web.view import (
    Links,
    approval_rows,
    form_values,
    needs_despite,
    version_row,
)

HISTORY_SHOWN = 20
MAX_CHOICES = 200
# A report needs no script, no network and no origin, so it gets none of them.
_REPORT_HEADERS = {
    **COMMON_HEADERS,
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    ),
}
_STATUS: tuple[tuple[type[NightCatchError], int], ...] = (
    (ObjectMissingError, 404),
    (ManifestError, 409),
    (SignatureError, 409),
    (VersionRefusedError, 409),
    (SettingMissingError, 503),
    (StoreUnavailableError, 503),
)


@dataclass(frozen=True)
class Wiring:
    """What the page needs.

    Attributes
    ----------
    store, trust : callable
        Called when a request needs them.
    pipelines : mapping of str to str
        Title by name.
    waiting : callable
        Returns since when each training run of a pipeline has been waiting for a person.
    today : callable
        Returns the page of a pipeline's traffic so far; None before anything was scored.
    runs : callable
        Returns the address of a pipeline's runs in MLflow.
    mlflow_url : str
        As a browser reaches it; empty where runs are not tracked.
    url_prefix : str
        Where the page is mounted.
    """

    store: Callable[[], ObjectStore]
    trusted_keys: Callable[[], TrustedKeys]
    pipelines: Mapping[str, str]
    waiting: Callable[[str], Mapping[str, datetime]]
    today: Callable[[str], str | None]
    runs: Callable[[str], str]
    mlflow_url: str = ""
    url_prefix: str = "/models"


def models_app(
    wiring: Wiring, guards: Sequence[Any], pipeline_guards: Sequence[Any] = ()
) -> FastAPI:
    """Return the app that shows models to users whom every guard admits.

    Parameters
    ----------
    wiring : Wiring
    guards : sequence of fastapi.Depends
        Of every page.
    pipeline_guards : sequence of fastapi.Depends
        Of every page of a pipeline, which is the path's first part.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=list(guards))
    for error, status in _STATUS:
        app.add_exception_handler(error, _refusal(wiring, status))
    of_pipeline = list(pipeline_guards)

    @app.get("/")
    def index(request: Request) -> Response:
        return RedirectResponse(f"{request.scope['root_path']}/{next(iter(wiring.pipelines))}")

    # No pipeline's name begins with a hyphen.
    app.get("/-/{name}")(static_part)
    # Before the versions: none is called runs or traffic.
    app.get("/{pipeline}/runs", dependencies=of_pipeline)(partial(_tracked_runs, wiring))
    places = wiring.store, wiring.pipelines, wiring.today
    app.include_router(traffic_pages(*places, _REPORT_HEADERS, of_pipeline))

    @app.get("/{pipeline}", dependencies=of_pipeline)
    def versions(
        request: Request,
        pipeline: str,
        page: int = Query(1, ge=1, le=10_000),
        history: int = Query(HISTORY_SHOWN, ge=1, le=MAX_HISTORY),
    ) -> Response:
        _check_names(wiring, pipeline)
        shown = _of_pipeline(request, wiring, pipeline, page, history)
        return _page(request, wiring, "pipeline.html", **shown)

    app.include_router(_version_pages(wiring, of_pipeline))
    return app


def _version_pages(wiring: Wiring, guards: Sequence[Any]) -> APIRouter:
    """Return the routes of two versions side by side, of one, and of its report."""
    router = APIRouter(dependencies=list(guards))

    @router.get("/{pipeline}/compare")
    def side_by_side(request: Request, pipeline: str, new: str = "", old: str = "") -> Response:
        _check_names(wiring, pipeline)
        shown = _of_two(request, wiring, pipeline, new, old)
        return _page(request, wiring, "compare.html", **shown)

    @router.get("/{pipeline}/{version}")
    def version(request: Request, pipeline: str, version: str) -> Response:
        _check_names(wiring, pipeline, version)
        shown = _of_version(request, wiring, pipeline, version)
        return _page(request, wiring, "version.html", **shown)

    @router.get("/{pipeline}/{version}/report.html")
    def report(pipeline: str, version: str) -> Response:
        _check_names(wiring, pipeline, version)
        body = read_report(wiring.store(), pipeline, version, wiring.trusted_keys())
        return Response(body, media_type="text/html; charset=utf-8", headers=_REPORT_HEADERS)

    return router


def _tracked_runs(wiring: Wiring, pipeline: str) -> Response:
    _check_names(wiring, pipeline)
    if not wiring.mlflow_url:
        raise ObjectMissingError("runs are not tracked: NIGHTCATCH_MLFLOW_URL is empty")
    return RedirectResponse(wiring.runs(pipeline))


def _of_pipeline(
    request: Request, wiring: Wiring, pipeline: str, page: int, n_history: int
) -> dict[str, Any]:
    overview = read_overview(wiring.store(), pipeline, wiring.trusted_keys(), page)
    waiting = wiring.waiting(pipeline)
    rows = [version_row(kept, waiting) for kept in overview.versions]
    made_by = {row.kept.version: row.run_id for row in rows if row.run_id}
    in_production = overview.ledger.in_production
    current = in_production and next(
        (row for row in rows if row.kept.version == in_production.version), None
    )
    approvals = approval_rows(overview.ledger, _links(request, wiring), made_by)
    return {
        "pipeline": pipeline,
        "title": wiring.pipelines[pipeline],
        "overview": overview,
        "rows": rows,
        "current": current,
        "asking": [row for row in rows if row.waits_since],
        "asking_elsewhere": sorted(waiting.keys() - set(made_by.values())),
        "approvals": approvals[:n_history],
        "n_approvals": len(approvals),
        "plots": plots(overview.versions),
    }


def _of_version(request: Request, wiring: Wiring, pipeline: str, version: str) -> dict[str, Any]:
    kept, ledger = read_one(wiring.store(), pipeline, version, wiring.trusted_keys())
    row = version_row(kept, wiring.waiting(pipeline))
    made_by = {version: row.run_id}
    approvals = approval_rows(ledger, _links(request, wiring), made_by)
    return {
        "pipeline": pipeline,
        "title": wiring.pipelines[pipeline],
        "row": row,
        "kept": kept,
        "ledger": ledger,
        "approvals": [each for each in approvals if each.pointer.version == version],
        "form_values": form_values(kept, pipeline),
        "needs_despite": needs_despite(kept),
    }


def _of_two(request: Request, wiring: Wiring, pipeline: str, new: str, old: str) -> dict[str, Any]:
    store, trusted = wiring.store(), wiring.trusted_keys()
    names = version_names(store, pipeline)[::-1]
    if not names:
        raise ObjectMissingError(
            f"no version of {pipeline} is kept yet: there is nothing to compare"
        )
    ledger = read_ledger(store, pipeline, trusted)
    usual = default_pair(ledger, new or names[0])
    new, old = new or usual[0], old or usual[1]
    for version in (new, old):
        if version not in names:
            raise ObjectMissingError(f"{pipeline}: there is no version {version}")
    kept = [read_version(store, pipeline, each, ledger.approvals, trusted) for each in (new, old)]
    waiting = wiring.waiting(pipeline)
    rows = [version_row(each, waiting) for each in kept]
    return {
        "pipeline": pipeline,
        "title": wiring.pipelines[pipeline],
        "names": names[:MAX_CHOICES],
        "new": rows[0],
        "old": rows[1],
        "ledger": ledger,
        "compared": compare(store, kept[0], kept[1], trusted) if new != old else None,
        "forms": [(form_values(each, pipeline), needs_despite(each)) for each in kept],
        "bar_width": BAR_WIDTH,
        "url_parts": url_parts,
    }


def _check_names(wiring: Wiring, pipeline: str, version: str | None = None) -> None:
    """Return when the names can be names, so that no key is ever made of others."""
    if pipeline not in wiring.pipelines:
        raise ObjectMissingError(f"there is no pipeline {pipeline!r}")
    if version is not None and not keys.is_version_name(version):
        raise ObjectMissingError(f"{version!r} is not a version")


def _links(request: Request, wiring: Wiring) -> Links:
    root = str(request.scope.get("root_path", ""))
    return Links(root.removesuffix(wiring.url_prefix), wiring.mlflow_url)


def _page(
    request: Request, wiring: Wiring, template: str, status: int = 200, **shown: Any
) -> Response:
    return render(
        template,
        status,
        root=request.scope.get("root_path", ""),
        links=_links(request, wiring),
        pipelines=wiring.pipelines,
        figures=FIGURES,
        size={"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT},
        train_dag=train_dag,
        **shown,
    )


def _refusal(wiring: Wiring, status: int) -> Callable[[Request, Exception], Response]:
    """Return the handler of errors: a page with the message."""

    def say(request: Request, err: Exception) -> Response:
        return _page(request, wiring, "sentence.html", status, code=status, sentence=str(err))

    return say
