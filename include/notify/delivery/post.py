"""POST to an address that is a secret: errors name its host only."""

from collections.abc import Mapping
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from include.errors import MessageRefusedError, ReceiverUnavailableError
from include.notify.delivery.text import why

# Temporary 4xx statuses: request timeout, too early, too many requests.
_TEMPORARY = {408, 425, 429}


class _NoRedirect(HTTPRedirectHandler):
    """Redirects are not followed: messages go to the configured address only."""

    def redirect_request(self, *_: object) -> None:
        return None


def post(url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> None:
    """Post `body`.

    urllib and not httpx, which logs the whole URL of each request.

    Raises
    ------
    ReceiverUnavailableError
        If there is no response, or a temporary error status.
    MessageRefusedError
        If the status is any other error.
    """
    request = Request(url, body, dict(headers), method="POST")  # noqa: S310 # validated by the settings
    host = urlsplit(url).hostname
    try:
        with build_opener(_NoRedirect).open(request, timeout=timeout_s):
            return
    except HTTPError as err:
        err.close()
        status = err.code
    except (OSError, HTTPException) as err:
        # Not `from err`: its message may contain the address.
        raise ReceiverUnavailableError(f"{host} cannot be reached: {why(err)}") from None
    if status >= 500 or status in _TEMPORARY:
        raise ReceiverUnavailableError(f"{host} responded {status}")
    raise MessageRefusedError(f"{host} responded {status}")
