"""Settings of alerts and events, read from the environment; no representation shows a secret."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Self
from urllib.parse import unquote, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    model_validator,
)

from include.config.reading import read_environment

_OWN = re.compile("NIGHTCATCH_ALERTS_")
_CONFIG = ConfigDict(frozen=True, hide_input_in_errors=True, populate_by_name=True)


def _address(*schemes: str) -> Callable[[str], str]:
    def check(url: str) -> str:
        parts = urlsplit(url)
        valid = parts.scheme in schemes and parts.hostname and parts.port != 0
        # Only mail servers take a user from their address.
        valid = valid and (parts.username is None or "smtp" in schemes)
        if not valid or not url.isascii() or any(letter.isspace() for letter in url):
            raise ValueError(f"must be an address that begins with {schemes[0]}://")
        if not unquote(parts.netloc).isascii():
            raise ValueError("SMTP takes user and password in ASCII only")
        return url

    return check


def _mail_address(text: str) -> str:
    if "@" not in text or not text.isprintable():
        raise ValueError("must be a mail address")
    return text


def _parts(value: object) -> object:
    if not isinstance(value, str):
        return value
    return [part.strip().rstrip("/") for part in value.split(",") if part.strip()]


_Web = Annotated[str, BeforeValidator(str.strip), AfterValidator(_address("http", "https"))]
_Smtp = Annotated[str, BeforeValidator(str.strip), AfterValidator(_address("smtp", "smtps"))]
_Mail = Annotated[str, AfterValidator(_mail_address)]
_Positive = Annotated[PositiveFloat, Field(allow_inf_nan=False)]


class AlertSettings(BaseModel):
    """Receivers of alerts and events, and the limits of the checks; empty means none."""

    model_config = _CONFIG

    webhook_url: _Web = Field(
        "",
        alias="NIGHTCATCH_ALERTS_WEBHOOK_URL",
        description="a Slack-compatible webhook that receives alerts",
        repr=False,
    )
    smtp_url: _Smtp = Field(
        "",
        alias="NIGHTCATCH_ALERTS_SMTP_URL",
        description="a mail server, `smtp://user:password@host:587` (STARTTLS) or `smtps://`",
        repr=False,
    )
    mail_from: _Mail = Field(
        "", alias="NIGHTCATCH_ALERTS_MAIL_FROM", description="sender of the mails; needed with SMTP"
    )
    mail_to: Annotated[tuple[_Mail, ...], BeforeValidator(_parts)] = Field(
        (),
        alias="NIGHTCATCH_ALERTS_MAIL_TO",
        description="recipients, separated by commas; needed with SMTP",
    )
    events_url: _Web = Field(
        "",
        alias="NIGHTCATCH_EVENTS_URL",
        description="receives a CloudEvent for each promotion, rejection and rollback",
        repr=False,
    )
    runbook_url: str = Field(
        "docs/runbook.md",
        alias="NIGHTCATCH_ALERTS_RUNBOOK_URL",
        description="address of the runbook, which alerts link to",
    )
    scorer_urls: Annotated[tuple[_Web, ...], BeforeValidator(_parts)] = Field(
        (),
        alias="NIGHTCATCH_ALERTS_SCORER_URLS",
        description="scorers that must serve the production version, separated by commas",
    )
    max_model_age_days: _Positive = Field(
        7.0,
        alias="NIGHTCATCH_ALERTS_MODEL_AGE_DAYS",
        description="days after which a production version raises an alert",
    )
    scorer_grace_s: _Positive = Field(
        300.0,
        alias="NIGHTCATCH_ALERTS_SCORER_GRACE_S",
        description="seconds that a scorer may take to follow an approval",
    )

    @model_validator(mode="after")
    def _check_mail(self) -> Self:
        if self.smtp_url and not (self.mail_to and self.mail_from):
            raise ValueError(
                "NIGHTCATCH_ALERTS_SMTP_URL is set: set NIGHTCATCH_ALERTS_MAIL_FROM and"
                " NIGHTCATCH_ALERTS_MAIL_TO as well"
            )
        return self


class DeadlineSettings(BaseModel):
    """The deadline of a training run; read when DAGs are parsed, so apart from the receivers."""

    model_config = _CONFIG

    late_after_min: _Positive = Field(
        180.0,
        alias="NIGHTCATCH_ALERTS_LATE_AFTER_MIN",
        description="minutes after which a training run is late",
    )


def read_alert_settings(environ: Mapping[str, str]) -> AlertSettings:
    """Return the settings of alerts and events.

    Raises
    ------
    SettingMissingError
        If variables are wrong or unknown: each is named, and no value is shown.
    """
    return read_environment(AlertSettings, environ, own=_OWN, others=(DeadlineSettings,))


def late_after(environ: Mapping[str, str]) -> timedelta:
    """Return after how long a run is late.

    Raises
    ------
    SettingMissingError
        If ``NIGHTCATCH_ALERTS_LATE_AFTER_MIN`` is not a positive number.
    """
    return timedelta(minutes=read_environment(DeadlineSettings, environ).late_after_min)
