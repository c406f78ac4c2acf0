"""JSON over HTTP with the stack's own servers; never through a proxy, never beyond the loopback."""

import json
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from include.errors import StoreUnavailableError


def ask(
    method: str, url: str, body: Any = None, token: str | None = None, timeout_s: float = 10.0
) -> tuple[int, Any]:
    """Return the status and the decoded JSON answer of one request.

    Parameters
    ----------
    method : str
        HTTP method.
    url : str
        Address on the loopback.
    body : object, optional
        Sent as JSON.
    token : str, optional
        Bearer token.
    timeout_s : float
        Longest wait in seconds.

    Returns
    -------
    status : int
    answer : object
        None if the answer is not JSON.

    Raises
    ------
    StoreUnavailableError
        If nobody answers.
    """
    parts = urlsplit(url)
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    connection = HTTPConnection(parts.netloc, timeout=timeout_s)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        connection.request(method, target, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return response.status, _decoded(response.read())
    except (OSError, HTTPException) as err:
        raise StoreUnavailableError(f"{url} does not answer: {err}") from err
    finally:
        connection.close()


def answers(url: str) -> bool:
    """Tell whether a GET of the address is answered with status 200 within a second.

    Parameters
    ----------
    url : str
        Address on the loopback.

    Returns
    -------
    bool
    """
    try:
        return ask("GET", url, timeout_s=1.0)[0] == 200
    except StoreUnavailableError:
        return False


def _decoded(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None
