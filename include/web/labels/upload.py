"""Upload a file on the Labels page: a preview with its bad cells marked, then its good rows."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pymongo.database import Database

from include.errors import DecisionRefusedError
from include.ingest.feeds.state import FeedStates
from include.ingest.labels.inserts import Document
from include.ingest.upload import MAX_BYTES, MAX_ROWS, SHOWN_BAD, Upload, column_of
from include.pipelines import Pipeline
from include.web.rendering import render

LIMITS = {"max_mb": MAX_BYTES // 1_000_000, "max_rows": MAX_ROWS}


@dataclass(frozen=True)
class _Stated:
    """What the person says of a file; parameters of the request."""

    name: Annotated[str, Query(min_length=1, max_length=255)]
    label: Literal["", "phishing", "legitimate"] = ""
    coding: Literal["", "documented", "inverted"] = ""


def upload_routes(
    database: Callable[[], Database[Document]],
    pipeline_named: Callable[[str], Pipeline],
    reviewer: Callable[..., str],
    guards: list[Any],
) -> APIRouter:
    """Return the routes that take a file as the body of a request.

    Parameters
    ----------
    database : callable
    pipeline_named : callable (str) -> Pipeline
    reviewer : callable
        A dependency: the name of who asks, refused unless they may.
    guards : list of fastapi.Depends
    """
    router = APIRouter(dependencies=guards)

    @router.post("/{pipeline}/upload/preview")
    async def preview(
        request: Request,
        pipeline: str,
        stated: Annotated[_Stated, Depends()],
        who: Annotated[str, Depends(reviewer)],
    ) -> Response:
        body = await _body(request)

        def show(upload: Upload) -> Response:
            return _preview(upload, database(), pipeline, _digest(body))

        return await _with_file(body, stated, pipeline_named(pipeline), who, show)

    @router.post("/{pipeline}/upload")
    async def load(
        request: Request,
        pipeline: str,
        stated: Annotated[_Stated, Depends()],
        digest: str,
        who: Annotated[str, Depends(reviewer)],
    ) -> Response:
        body = await _body(request)
        if _digest(body) != digest:
            raise DecisionRefusedError(
                f"{stated.name} has changed since the preview: preview it again"
            )

        def show(upload: Upload) -> Response:
            return _load(upload, database(), pipeline)

        return await _with_file(body, stated, pipeline_named(pipeline), who, show)

    return router


def _preview(upload: Upload, database: Database[Document], pipeline: str, digest: str) -> Response:
    return render(
        "labels/preview.html",
        upload=upload,
        found=upload.preview(database[pipeline]),
        digest=digest,
        shown_bad=SHOWN_BAD,
        **_shown(upload),
    )


def _shown(upload: Upload) -> dict[str, Any]:
    """Return what both templates show bad lines by; turned labels would be turned again."""
    return {
        "columns": upload.pipeline.layout.required,
        "column_of": column_of,
        "can_fix": upload.coding != "inverted",
    }


def _load(upload: Upload, database: Database[Document], pipeline: str) -> Response:
    report = upload.load(database[pipeline])
    FeedStates(database, pipeline).count_new("upload", report.n_inserted)
    return render("labels/loaded.html", upload=upload, report=report, **_shown(upload))


async def _body(request: Request) -> bytes:
    """Return the body, which is not read beyond its limit.

    Raises
    ------
    HTTPException
        413 if it is larger.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            limit = f"larger than {MAX_BYTES // 1_000_000} MB"
            raise HTTPException(413, f"{limit}: load it by the DAG load_records")
    return bytes(body)


async def _with_file(
    body: bytes,
    stated: _Stated,
    pipeline: Pipeline,
    who: str,
    show: Callable[[Upload], Response],
) -> Response:
    """Return what `show` makes of the file, in a thread of its own."""

    def run() -> Response:
        with TemporaryDirectory(prefix="nightcatch-upload-") as folder:
            path = Path(folder) / "file"
            path.write_bytes(body)
            name = Path(stated.name).name
            upload = Upload(path, name, pipeline, who, stated.label or None, stated.coding or None)
            return show(upload)

    return await asyncio.to_thread(run)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
