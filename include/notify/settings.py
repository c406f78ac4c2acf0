"""Who is told, and when: read from the environment by whoever tells."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from include.errors import SettingMissingError

_WEB = ("http", "https")
_MAIL = ("smtp", "smtps")


@dataclass(frozen=True)
class AlertSettings:
    """Who is told, and when. Addresses may hold secrets, so no representation shows them.

    Attributes
    ----------
    webhook_url : str
        Slack-compatible; empty for none, as the others.
    smtp_url : str
        ``smtp://user:password@host:587`` (with STARTTLS) or ``smtps://...:465``.
    mail_from : str
    mail_to : tuple of str
    events_url : str
        Receiver of CloudEvents.
    runbook_url : str
        Where docs/runbook.md can be read.
    scorer_urls : tuple of str
        Scorers that must serve what is in production.
    max_model_age_days : float
    scorer_grace_s : float
        How long a scorer may take to follow an approval.
    """

    webhook_url: str = field(default="", repr=False)
    smtp_url: str = field(default="", repr=False)
    mail_from: str = ""
    mail_to: tuple[str, ...] = ()
    events_url: str = field(default="", repr=False)
    runbook_url: str = "docs/runbook.md"
    scorer_urls: tuple[str, ...] = ()
    max_model_age_days: float = 7.0
    scorer_grace_s: float = 300.0


def read_alert_settings(environ: Mapping[str, str]) -> AlertSettings:
    """Return the settings that `environ` names, and the defaults of those it does not.

    Parameters
    ----------
    environ : mapping of str to str
        ``NIGHTCATCH_EVENTS_URL`` and those that begin with ``NIGHTCATCH_ALERTS_``.

    Raises
    ------
    SettingMissingError
        If one makes no sense; the message names the variable, never its value.
    """
    mail_to = _listed(environ, "NIGHTCATCH_ALERTS_MAIL_TO")
    smtp_url = _address(environ, "NIGHTCATCH_ALERTS_SMTP_URL", _MAIL)
    mail_from = environ.get("NIGHTCATCH_ALERTS_MAIL_FROM", "")
    if smtp_url and not (mail_to and mail_from):
        raise SettingMissingError(
            "NIGHTCATCH_ALERTS_SMTP_URL is set: set NIGHTCATCH_ALERTS_MAIL_FROM and"
            " NIGHTCATCH_ALERTS_MAIL_TO as well"
        )
    for name, addresses in (("FROM", [mail_from] if mail_from else []), ("TO", mail_to)):
        if not all("@" in address and address.isprintable() for address in addresses):
            raise SettingMissingError(f"NIGHTCATCH_ALERTS_MAIL_{name} is no mail address")
    default = AlertSettings()
    return AlertSettings(
        webhook_url=_address(environ, "NIGHTCATCH_ALERTS_WEBHOOK_URL", _WEB),
        smtp_url=smtp_url,
        mail_from=mail_from,
        mail_to=mail_to,
        events_url=_address(environ, "NIGHTCATCH_EVENTS_URL", _WEB),
        runbook_url=environ.get("NIGHTCATCH_ALERTS_RUNBOOK_URL") or default.runbook_url,
        scorer_urls=tuple(
            _checked("NIGHTCATCH_ALERTS_SCORER_URLS", url.rstrip("/"), _WEB)
            for url in _listed(environ, "NIGHTCATCH_ALERTS_SCORER_URLS")
        ),
        max_model_age_days=_positive(
            environ, "NIGHTCATCH_ALERTS_MODEL_AGE_DAYS", default.max_model_age_days
        ),
        scorer_grace_s=_positive(
            environ, "NIGHTCATCH_ALERTS_SCORER_GRACE_S", default.scorer_grace_s
        ),
    )


def late_after(environ: Mapping[str, str]) -> timedelta:
    """Return after how long a run is late.

    Raises
    ------
    SettingMissingError
        If ``NIGHTCATCH_ALERTS_LATE_AFTER_MIN`` must be a positive number.
    """
    return timedelta(minutes=_positive(environ, "NIGHTCATCH_ALERTS_LATE_AFTER_MIN", 180.0))


def _listed(environ: Mapping[str, str], variable: str) -> tuple[str, ...]:
    parts = environ.get(variable, "").split(",")
    return tuple(part.strip() for part in parts if part.strip())


def _address(environ: Mapping[str, str], variable: str, schemes: tuple[str, ...]) -> str:
    text = environ.get(variable, "").strip()
    return _checked(variable, text, schemes) if text else ""


def _checked(variable: str, url: str, schemes: tuple[str, ...]) -> str:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in schemes and parts.hostname and parts.port != 0
        # Only mail servers are told a user by their address.
        sound = sound and (parts.username is None or schemes == _MAIL)
    except ValueError:
        sound = False
    if not sound or not url.isascii() or any(letter.isspace() for letter in url):
        raise SettingMissingError(f"{variable} is no address that begins with {schemes[0]}://")
    if not unquote(parts.netloc).isascii():
        raise SettingMissingError(f"{variable}: SMTP takes user and password in ASCII only")
    return url


def _positive(environ: Mapping[str, str], variable: str, default: float) -> float:
    text = environ.get(variable) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise SettingMissingError(f"{variable}={text} must be a positive number")
    return number
