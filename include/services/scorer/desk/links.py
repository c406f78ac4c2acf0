"""Links to results: the result itself, encrypted under a key that all scorers share.

Nothing is stored: a link works at every scorer with the key, whether traffic is kept or not, and
shows what was said then, whatever version is in production by now.
"""

import base64
import hashlib
import json
import zlib

from cryptography.fernet import Fernet, InvalidToken

from include.services.scorer.desk.result import Result

KEPT_DAYS = 90
_KEPT_S = KEPT_DAYS * 24 * 3600
_MAX_CHARS = 4000  # of a path that proxies, chats and mail programs still take
_NO_TOKEN = ""


class ResultLinks:
    """Makes and reads the tokens of links.

    Parameters
    ----------
    secret : bytes
        The same for all scorers.
    """

    def __init__(self, secret: bytes) -> None:
        # Another label where the members of a result change: earlier links then lead to none.
        key = hashlib.sha256(b"nightcatch result links 1\0" + secret).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def token_of(self, result: Result) -> str:
        """Return the token of a result; empty if it would be too long for a link."""
        body = json.dumps(result.to_dict(), separators=(",", ":")).encode()
        token = self._fernet.encrypt_at_time(zlib.compress(body, 9), int(result.at.timestamp()))
        text = token.decode().rstrip("=")
        return text if len(text) <= _MAX_CHARS else _NO_TOKEN

    def read(self, token: str, now_s: float) -> Result | None:
        """Return the result of a token; None if it is none of ours, or older than `KEPT_DAYS`."""
        if not token.isascii() or len(token) > _MAX_CHARS:
            return None
        padded = (token + "=" * (-len(token) % 4)).encode()
        try:
            body = self._fernet.decrypt_at_time(padded, _KEPT_S, int(now_s))
        except InvalidToken:
            return None
        return Result.from_dict(json.loads(zlib.decompress(body)))
