"""One POST to an address that is a secret: no error names more of it than its host."""

from collections.abc import Mapping
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from include.errors import MessageRefusedError, ReceiverUnavailableError
from include.notify.delivery.text import why

# Answers that say "later": too many requests, and a request that took too long.
_LATER = {408, 425, 429}


class _NoRedirect(HTTPRedirectHandler):
    """A message goes to the address that was configured, and to no other."""

    def redirect_request(self, *_: object) -> None:
        return None


def post(url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> None:
    """Return when the receiver took `body`.

    urllib, because it logs nothing, whatever the level: others log addresses when they debug.

    Raises
    ------
    ReceiverUnavailableError
        If nobody answers, or the answer says later.
    MessageRefusedError
        If the answer is no.
    """
    request = Request(url, body, dict(headers), method="POST")  # noqa: S310 # settings checked it
    host = urlsplit(url).hostname
    try:
        with build_opener(_NoRedirect).open(request, timeout=timeout_s):
            return
    except HTTPError as err:
        err.close()
        status = err.code
    except (OSError, HTTPException) as err:
        # Not `from err`: its words may hold the address.
        raise ReceiverUnavailableError(f"{host} cannot be reached: {why(err)}") from None
    if status >= 500 or status in _LATER:
        raise ReceiverUnavailableError(f"{host} answered {status}")
    raise MessageRefusedError(f"{host} answered {status}")
