"""A web application that serves Data Docs from the bucket, to whom its guards let in."""

import json
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from fastapi import FastAPI, Request, Response
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
from include.validation.data_docs.build import content_type
from include.validation.data_docs.history import list_runs
from include.validation.data_docs.theme import follow_theme

PACKAGED = "version.json"
MAX_PAGE_BYTES = 64 * 1024 * 1024
_DAG = re.compile(r"train_([a-z][a-z0-9_]*)")
_PART = re.compile(r"[A-Za-z0-9._-]+")
_HEADERS = {
    # Great Expectations' pages hold inline scripts, and Vega compiles its charts.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
        "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
}
_MISSING = (
    "<p>There are no Data Docs here. A run has them once its task <code>validate</code> has ended; "
    "those of old runs are deleted.</p>"
)
_NO_REPORT = (
    "<p>This run has packaged no version, so there is no report. Its tasks say how far it came.</p>"
)
_UNAVAILABLE = (
    "<p class='bad'>The Data Docs cannot be read: {}</p>"
    "<p>Nothing was changed. Look at the Airflow connection <code>nightcatch_s3</code> and at S3 "
    "itself, then load this page again.</p>"
)
# Without a style sheet from the bucket, which holds none before the first run.
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Data Docs</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark; }}
:root {{ --muted: #59636e; --line: #dde1e5; --bad: #b3261e; --link: #1c5fb0; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --muted: #a9b3c3; --line: #34405a; --bad: #ff8b80; --link: #7db4f5; }}
  body {{ background: #161d2d; color: #e8eaed; }}
}}
body {{ font: 15px/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }}
body {{ max-width: 80rem; margin: 0 auto; padding: .5rem 1.25rem 3rem; }}
h1 {{ font-size: 1.6rem; }}
h2 {{ font-size: 1.2rem; margin-top: 2rem; }}
a {{ color: var(--link); }}
.bad {{ color: var(--bad); }}
.muted, caption, th {{ color: var(--muted); font-weight: 400; }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem; }}
caption, th, td {{ text-align: left; vertical-align: top; padding: .45rem 1rem .45rem 0; }}
th, td {{ border-bottom: 1px solid var(--line); }}
</style>
{script}
</head>
<body><main><h1>Data Docs</h1>{body}</main></body></html>
"""


def docs_app(store: Callable[[], ObjectStore], guards: Sequence[Any]) -> FastAPI:
    """Return the app that serves Data Docs from `store` to whom every guard lets in.

    Parameters
    ----------
    store : callable
        Opens the bucket; called when a request needs it.
    guards : sequence of fastapi.Depends
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=list(guards))

    @app.exception_handler(ObjectMissingError)
    @app.exception_handler(ManifestError)
    def missing(request: Request, err: Exception) -> Response:
        return _answer(_MISSING + _back(request), 404)

    @app.exception_handler(StoreUnavailableError)
    @app.exception_handler(SettingMissingError)
    @app.exception_handler(VersionRefusedError)
    def unavailable(request: Request, err: Exception) -> Response:
        return _answer(_UNAVAILABLE.format(escape(str(err))), 503)

    @app.get("/")
    def index(request: Request, dag_id: str | None = None, run_id: str | None = None) -> Response:
        if dag_id is None or run_id is None:
            return _answer(list_runs(store()))
        target = run_folder(dag_id, run_id)
        store().get(f"{keys.docs_root()}{target}index.html", MAX_PAGE_BYTES)
        return RedirectResponse(f"{request.scope['root_path']}/{target}index.html")

    # The Models page beside this one verifies a report before it shows it.
    @app.get("/versions/{pipeline}/{version}/report.html")
    def report(request: Request, pipeline: str, version: str) -> Response:
        return _to_report(request, pipeline, version)

    @app.get("/reports/{dag_id}/{run_id:path}")
    def report_of_run(request: Request, dag_id: str, run_id: str) -> Response:
        try:
            return _to_report(request, *version_of_run(store(), dag_id, run_id))
        except ObjectMissingError:
            return _answer(_NO_REPORT + _back(request), 404)

    @app.get("/{path:path}")
    def page(path: str) -> Response:
        key = docs_key(path)
        body = store().get(key, MAX_PAGE_BYTES)
        return Response(body, media_type=content_type(key), headers=_HEADERS)

    return app


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
        raise ObjectMissingError(f"{path!r} is no page")
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


def _answer(body: str, status: int = 200) -> Response:
    html = _PAGE.format(body=body, script=follow_theme())
    return Response(html, status, headers=_HEADERS, media_type="text/html")
