"""Upload a file on the Labels page: a preview with its bad cells marked, then its good rows."""

import asyncio
import hashlib
from collections.abc import Callable
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

Name = Annotated[str, Query(min_length=1, max_length=255)]
Label = Annotated[Literal["", "phishing", "legitimate"], Query()]
Coding = Annotated[Literal["", "documented", "inverted"], Query()]


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
        name: Name,
        who: Annotated[str, Depends(reviewer)],
        label: Label = "",
        coding: Coding = "",
    ) -> Response:
        body = await _body(request)

        def show(upload: Upload) -> Response:
            found = upload.preview(database()[pipeline])
            columns = [*upload.pipeline.layout.required]
            return render(
                "labels/preview.html",
                upload=upload,
                found=found,
                columns=columns,
                digest=_digest(body),
                column_of=column_of,
                shown_bad=SHOWN_BAD,
            )

        return await _with_file(body, name, pipeline_named(pipeline), who, (label, coding), show)

    @router.post("/{pipeline}/upload")
    async def load(
        request: Request,
        pipeline: str,
        name: Name,
        digest: str,
        who: Annotated[str, Depends(reviewer)],
        label: Label = "",
        coding: Coding = "",
    ) -> Response:
        body = await _body(request)
        if _digest(body) != digest:
            raise DecisionRefusedError(f"{name} has changed since the preview: preview it again")

        def show(upload: Upload) -> Response:
            opened = database()
            report = upload.load(opened[pipeline])
            FeedStates(opened, pipeline).count_new("upload", report.n_inserted)
            return render("labels/loaded.html", upload=upload, report=report)

        return await _with_file(body, name, pipeline_named(pipeline), who, (label, coding), show)

    return router


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
    name: str,
    pipeline: Pipeline,
    who: str,
    stated: tuple[str, str],
    show: Callable[[Upload], Response],
) -> Response:
    """Return what `show` makes of the file, in a thread of its own."""

    def run() -> Response:
        with TemporaryDirectory(prefix="nightcatch-upload-") as folder:
            path = Path(folder) / "file"
            path.write_bytes(body)
            label, coding = (each or None for each in stated)
            upload = Upload(path, Path(name).name, pipeline, who, label, coding)  # type: ignore[arg-type]  # checked by FastAPI
            return show(upload)

    return await asyncio.to_thread(run)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


LIMITS = {"max_mb": MAX_BYTES // 1_000_000, "max_rows": MAX_ROWS}
