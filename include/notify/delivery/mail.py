"""Send a mail by SMTP: encrypted if the server supports it, and always with a password."""

import logging
import smtplib
import ssl
from contextlib import closing, suppress
from email.message import EmailMessage
from urllib.parse import SplitResult, unquote, urlsplit

from include.errors import MessageRefusedError, ReceiverUnavailableError
from include.notify.delivery.text import why

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_PORTS = {"smtp": 587, "smtps": 465}
_log = logging.getLogger(__name__)


def send_mail(smtp_url: str, message: EmailMessage, timeout_s: float) -> None:
    """Send a mail to at least one recipient.

    Parameters
    ----------
    smtp_url : str
        ``smtp://`` (STARTTLS) or ``smtps://``, with user and password if the server needs them,
        each percent-encoded.
    message : EmailMessage
    timeout_s : float

    Raises
    ------
    ReceiverUnavailableError
        If the server is unavailable, has an invalid certificate, or responds with 4xx.
    MessageRefusedError
        If it rejects the password, the sender or a recipient (5xx), or cannot encrypt.
    """
    parts = urlsplit(smtp_url)
    try:
        with closing(_connected(parts, timeout_s)) as server:
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            refused = server.send_message(message)
            with suppress(OSError):  # the mail is accepted
                server.quit()
    except smtplib.SMTPRecipientsRefused as err:
        codes = sorted({code for code, _ in err.recipients.values()})
        _fail(parts, min(codes), "a recipient")
    except smtplib.SMTPResponseException as err:
        _fail(parts, err.smtp_code, type(err).__name__)
    except smtplib.SMTPNotSupportedError as err:
        raise MessageRefusedError(f"{parts.hostname} cannot: {err}") from None
    except (OSError, ValueError) as err:
        raise ReceiverUnavailableError(f"{parts.hostname} cannot be reached: {why(err)}") from None
    if refused:
        _log.error("%s accepted the mail, but rejected %d recipients", parts.hostname, len(refused))


def _connected(parts: SplitResult, timeout_s: float) -> smtplib.SMTP:
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    secure = ssl.create_default_context()
    if parts.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=timeout_s, context=secure)
    server = smtplib.SMTP(host, port, timeout=timeout_s)
    try:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=secure)
        elif parts.username and host not in _LOOPBACK:
            raise smtplib.SMTPNotSupportedError("no STARTTLS, and a password is not sent without")
    except BaseException:
        server.close()
        raise
    return server


def _fail(parts: SplitResult, code: int, what: str) -> None:
    """Raise by status: 4xx is temporary, 5xx final; the server's text may repeat a secret."""
    if code >= 500:
        raise MessageRefusedError(f"{parts.hostname} responded {code} to {what}") from None
    raise ReceiverUnavailableError(f"{parts.hostname} responded {code} to {what}") from None
