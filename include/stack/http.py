"""JSON over HTTP with Airflow and the scorer; never through a proxy on the loopback."""

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from include.errors import StoreUnavailableError


def request_json(
    method: str, url: str, body: Any = None, token: str | None = None, timeout_s: float = 10.0
) -> tuple[int, Any]:
    """Return the status and the decoded JSON of one response.

    Parameters
    ----------
    method : str
        HTTP method.
    url : str
    body : object, optional
        Sent as JSON.
    token : str, optional
        Bearer token.
    timeout_s : float
        Limit of connecting, and of each read and write.

    Returns
    -------
    status : int
    document : object
        None if the response is not JSON.

    Raises
    ------
    StoreUnavailableError
        If there is no response.
    """
    import httpx  # not by those who only want to know what is on this machine

    headers = {"Accept": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    try:
        with httpx.Client(trust_env=not is_loopback(url), timeout=timeout_s) as client:
            response = client.request(method, url, json=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as err:
        raise StoreUnavailableError(f"{public_url(url)} does not respond: {err}") from None
    try:
        return response.status_code, response.json()
    except ValueError:
        return response.status_code, None


def is_ok(url: str) -> bool:
    """Return whether a GET gives status 200 within a second.

    Parameters
    ----------
    url : str
    """
    try:
        return request_json("GET", url, timeout_s=1.0)[0] == 200
    except StoreUnavailableError:
        return False


def public_url(url: str) -> str:
    """Return a URL without what may be secret: user, password and query.

    Parameters
    ----------
    url : str
    """
    import httpx

    try:
        return str(httpx.URL(url).copy_with(userinfo=b"", query=None, fragment=None))
    except httpx.InvalidURL:
        return "an invalid URL"


def is_loopback(url: str) -> bool:
    """Return whether a URL's host is this machine, which no proxy can reach.

    Parameters
    ----------
    url : str
    """
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
