"""Errors as RFC 9457 problem details: the one place that maps errors to statuses."""

import json
import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from include.errors import (
    ModelOutputError,
    ModelUnavailableError,
    NightCatchError,
    PipelineUnknownError,
    RequestRejectedError,
    RequestUnreadableError,
    StoreUnavailableError,
)
from include.services.scorer.auth.access import LOOKUP

# By Google's API, of which a client reads code, message and this name.
_LOOKUP_STATUS = {
    HTTPStatus.UNAUTHORIZED: "UNAUTHENTICATED",
    HTTPStatus.NOT_FOUND: "NOT_FOUND",
    HTTPStatus.TOO_MANY_REQUESTS: "RESOURCE_EXHAUSTED",
    HTTPStatus.INTERNAL_SERVER_ERROR: "INTERNAL",
    HTTPStatus.SERVICE_UNAVAILABLE: "UNAVAILABLE",
}
_log = logging.getLogger(__name__)
_RETRY_AFTER_S = 5
_STATUS: dict[type[NightCatchError], HTTPStatus] = {
    RequestUnreadableError: HTTPStatus.BAD_REQUEST,
    RequestRejectedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    ModelOutputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    PipelineUnknownError: HTTPStatus.NOT_FOUND,
    ModelUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
}


def problem(status: int, detail: str, errors: list[dict[str, Any]] | None = None) -> Response:
    """Return an ``application/problem+json`` response.

    Parameters
    ----------
    status : int
    detail : str
        What is wrong with this very request.
    errors : list of dict, optional
        One per fault: where it is, the rule, and its description.
    """
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        document["errors"] = errors
    if request.path.startswith("/v2"):
        document["error"] = detail  # the member that the Open Inference Protocol requires
    if request.path == LOOKUP:
        name = _LOOKUP_STATUS.get(HTTPStatus(status), "INVALID_ARGUMENT")
        document["error"] = {"code": status, "message": detail, "status": name}
    response = Response(
        json.dumps(document), status=status, content_type="application/problem+json"
    )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(_RETRY_AFTER_S)
    return response


def register(app: Flask) -> None:
    """Make `app` turn every error into a problem."""
    app.register_error_handler(NightCatchError, _handle_deliberate)
    app.register_error_handler(HTTPException, _handle_http)
    app.register_error_handler(Exception, _handle_unexpected)


def status_of(err: NightCatchError) -> HTTPStatus | None:
    """Return the status of an error that is the client's to know; None for a failure of ours."""
    return _STATUS.get(type(err))


def _handle_deliberate(err: NightCatchError) -> Response:
    status = status_of(err)
    if status is None:
        return _handle_unexpected(err)
    return problem(status, str(err))


def _handle_http(err: HTTPException) -> Response:
    response = problem(err.code or 500, _detail_of(err))
    for name, value in err.get_headers():
        if name.lower() in ("allow", "retry-after"):
            response.headers[name] = value
    return response


def _detail_of(err: HTTPException) -> str:
    if isinstance(err, RequestEntityTooLarge) and err.description == type(err).description:
        return f"The request is too large; its body may have {request.max_content_length} bytes."
    return err.description or ""


def _handle_unexpected(err: Exception) -> Response:
    _log.error("a request failed", exc_info=err)
    return problem(500, "The service failed; the operator finds the reason in its log.")
