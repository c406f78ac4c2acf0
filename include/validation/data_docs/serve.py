"""A web application that serves Data Docs from the bucket to authorised users."""

import json
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from include.contract import keys
from include.errors import (
    ManifestError,
    ObjectMissingError,
    SettingMissingError,
    StoreUnavailableError,
    VersionRefusedError,
)
from include.stores.objects import ObjectStore
from include.validation.data_docs.assets import (
    MEDIA_TYPES,
    STATIC,
    VENDOR,
    media_type,
    read_asset,
)
from include.validation.data_docs.build import QUARANTINE_PAGE
from include.validation.data_docs.history import list_runs

PACKAGED = "version.json"
MAX_PAGE_BYTES = 64 * 1024 * 1024
_DAG = re.compile(r"train_([a-z][a-z0-9_]*)")
_PART = re.compile(r"[A-Za-z0-9._-]+")
_COMMON = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}
_HEADERS = {
    **_COMMON,
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; frame-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    ),
}
# Great Expectations' pages hold inline scripts and Vega compiles its charts. Whoever can write to
# the bucket can write such a script too, so these pages run in an origin of their own: without the
# session's cookies, without Airflow's API, and without any request but for files of `assets`.
_SANDBOX_HEADERS = {
    **_COMMON,
    "Content-Security-Policy": (
        "sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-inline' "
        "'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "font-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    ),
}
# Sandboxed pages load these without a session, and fonts from the sandbox's own origin.
_ASSET_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=3600",
}
_MISSING = (
    "<p>There are no Data Docs here. A run has them once its task <code>validate</code> has ended; "
    "those of old runs are deleted.</p>"
)
_NO_REPORT = (
    "<p>This run has packaged no version, so there is no report. See the state of its tasks.</p>"
)
_UNAVAILABLE = (
    "<p class='bad'>The Data Docs cannot be read: {}</p>"
    "<p>Nothing was changed. Look at the Airflow connection <code>nightcatch_s3</code> and at S3 "
    "itself, then load this page again.</p>"
)
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Data Docs</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{assets}/pages.css">
<script src="{assets}/theme.js"></script>
<script src="{assets}/docs.js"></script>
</head>
<body><nav aria-label="Pages"><a href="{home}">Home</a></nav>
<main><h1>Data Docs</h1>{body}</main></body></html>
"""
_SHELL = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Data Docs: {path}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{assets}/pages.css">
<script src="{assets}/theme.js"></script>
<script src="{assets}/shell.js" defer></script>
</head>
<body class="shell">
<nav aria-label="Data Docs"><a href="{home}">Home</a>
<a href="{root}/">Data Docs of all runs</a></nav>
<iframe sandbox="allow-scripts" title="Data Docs" src="{root}/{path}" data-root="{root}/"></iframe>
</body></html>
"""


def docs_app(store: Callable[[], ObjectStore], guards: Sequence[Any]) -> FastAPI:
    """Return the app that serves Data Docs to the users that every guard admits.

    The files that pages load are public: they are those of the installation, and a sandboxed page
    has no session to load them with.

    Parameters
    ----------
    store : callable
        Opens the bucket; called when a request needs it.
    guards : sequence of fastapi.Depends
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    router = APIRouter(dependencies=list(guards))
    router.include_router(_report_links(store))

    @app.exception_handler(ObjectMissingError)
    @app.exception_handler(ManifestError)
    def missing(request: Request, err: Exception) -> Response:
        return _own_page(request, _MISSING + _back(request), 404)

    @app.exception_handler(StoreUnavailableError)
    @app.exception_handler(SettingMissingError)
    @app.exception_handler(VersionRefusedError)
    def unavailable(request: Request, err: Exception) -> Response:
        return _own_page(request, _UNAVAILABLE.format(escape(str(err))), 503)

    @router.get("/")
    def index(request: Request, dag_id: str | None = None, run_id: str | None = None) -> Response:
        if dag_id is None or run_id is None:
            return _own_page(request, list_runs(store()))
        target = run_folder(dag_id, run_id)
        page = _first_page(store(), target)
        return RedirectResponse(f"{request.scope['root_path']}/show/{target}{page}")

    @app.get(f"/{VENDOR}/{{path:path}}")
    def asset(path: str) -> Response:
        return Response(read_asset(path), media_type=media_type(path), headers=_ASSET_HEADERS)

    @router.get("/show/{path:path}")
    def show(request: Request, path: str) -> Response:
        shown = docs_key(path).removeprefix(keys.docs_root())
        return _html(_SHELL, request, path=shown)

    @router.get("/{path:path}")
    def page(path: str) -> Response:
        key = docs_key(path)
        body, kind = store().get(key, MAX_PAGE_BYTES), media_type(key)
        return Response(body, media_type=kind, headers=_SANDBOX_HEADERS)

    app.include_router(router)
    return app


def _report_links(store: Callable[[], ObjectStore]) -> APIRouter:
    """Return the routes to reports: the Models page beside this one verifies and shows them."""
    router = APIRouter()

    @router.get("/versions/{pipeline}/{version}/report.html")
    def report(request: Request, pipeline: str, version: str) -> Response:
        return _to_report(request, pipeline, version)

    @router.get("/reports/{dag_id}/{run_id:path}")
    def report_of_run(request: Request, dag_id: str, run_id: str) -> Response:
        try:
            return _to_report(request, *version_of_run(store(), dag_id, run_id))
        except ObjectMissingError:
            return _own_page(request, _NO_REPORT + _back(request), 404)

    return router


def _first_page(store: ObjectStore, folder: str) -> str:
    """Return the page that says what was decided; of a run without one, the list of its pages."""
    store.get(f"{keys.docs_root()}{folder}index.html", MAX_PAGE_BYTES)
    decided = store.exists(f"{keys.docs_root()}{folder}{QUARANTINE_PAGE}")
    return QUARANTINE_PAGE if decided else "index.html"


def run_folder(dag_id: str, run_id: str) -> str:
    """Return the folder of a DAG run's Data Docs, below that of all Data Docs.

    Raises
    ------
    ObjectMissingError
        If the DAG is not one that validates records.
    """
    return keys.docs_prefix(_pipeline_of(dag_id), run_id).removeprefix(keys.docs_root())


def version_of_run(store: ObjectStore, dag_id: str, run_id: str) -> tuple[str, str]:
    """Return the pipeline of a run and the version that it packaged.

    Raises
    ------
    ObjectMissingError
        If it packaged none, or none yet.
    """
    pipeline = _pipeline_of(dag_id)
    body = store.get(keys.run_file(pipeline, run_id, PACKAGED), MAX_PAGE_BYTES)
    try:
        return pipeline, keys.version_name(json.loads(body)["version"])
    except (KeyError, TypeError, ValueError) as err:
        raise ObjectMissingError(f"{PACKAGED} of {run_id} names no version") from err


def docs_key(path: str) -> str:
    """Return the key of the page at `path`, which cannot lie outside the Data Docs.

    Raises
    ------
    ObjectMissingError
        If the path is none that a page could have.
    """
    parts = path.split("/")
    if parts[-1] == "":
        parts[-1] = "index.html"
    if not all(_PART.fullmatch(part) and part not in {".", ".."} for part in parts):
        raise ObjectMissingError(f"{path!r} is not a page")
    return keys.docs_root() + "/".join(parts)


def _pipeline_of(dag_id: str) -> str:
    named = _DAG.fullmatch(dag_id)
    if named is None:
        raise ObjectMissingError(f"{dag_id} is not a training DAG")
    return named[1]


def _to_report(request: Request, pipeline: str, version: str) -> Response:
    beside = str(request.scope["root_path"]).rpartition("/")[0]
    name = f"{keys.pipeline_name(pipeline)}/{keys.version_name(version)}/{keys.REPORT}"
    return RedirectResponse(f"{beside}/models/{name}")


def _back(request: Request) -> str:
    return f'<p><a href="{escape(request.scope["root_path"])}/">Data Docs of all runs</a></p>'


def _own_page(request: Request, body: str, status: int = 200) -> Response:
    return _html(_PAGE, request, status, body=body)


def _html(template: str, request: Request, status: int = 200, **parts: str) -> Response:
    root = escape(request.scope["root_path"])
    home = f"{root.rpartition('/')[0]}/home/"
    html = template.format(root=root, home=home, assets=f"{root}/{VENDOR}/{STATIC}", **parts)
    return Response(html, status, headers=_HEADERS, media_type=MEDIA_TYPES[".html"])
