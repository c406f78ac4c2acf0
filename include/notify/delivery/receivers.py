"""Receivers of alerts: the log, a webhook and mail."""

import json
import logging
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol, TypeVar

from include.notify.alert import Alert, parse_alert
from include.notify.delivery.mail import send_mail
from include.notify.delivery.post import post
from include.notify.delivery.timeout import within
from include.notify.settings import AlertSettings

TIMEOUT_S = 8.0
_log = logging.getLogger(__name__)


class Message(Protocol):
    """An alert or an event."""

    @property
    def id(self) -> str:
        """Equal for the same message sent twice."""
        ...

    def to_json(self) -> bytes:
        """Return the bytes that its receiver can parse."""
        ...


M = TypeVar("M", bound=Message)


class Receiver(Protocol[M]):
    """A receiver of messages of one type."""

    @property
    def name(self) -> str:
        """Its name in the log and in the bucket."""
        ...

    def parse(self, body: bytes) -> M:
        """Return the message that its `to_json` wrote."""
        ...

    def send(self, message: M) -> None:
        """Send the message, within the timeout.

        Raises
        ------
        ReceiverUnavailableError, MessageRefusedError
        """
        ...


class LogReceiver:
    """The log of this process."""

    name = "log"

    def parse(self, body: bytes) -> Alert:
        """Return the alert."""
        return parse_alert(body)

    def send(self, message: Alert) -> None:
        """Write a line to the log."""
        _log.warning("ALERT %s: %s See %s", message.title, message.sentence, message.runbook)


class WebhookReceiver:
    """A webhook with Slack's JSON: Slack, Mattermost, Rocket.Chat, Discord (``/slack``).

    Parameters
    ----------
    url : str
        A secret.
    timeout_s : float
    """

    name = "webhook"

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url
        self._timeout_s = timeout_s

    def parse(self, body: bytes) -> Alert:
        """Return the alert."""
        return parse_alert(body)

    def send(self, message: Alert) -> None:
        """Post the alert to the webhook."""
        body = json.dumps({"text": slack_text(message)}).encode()
        headers = {"Content-Type": "application/json"}
        within(self._timeout_s, lambda: post(self._url, body, headers, self._timeout_s))


class MailReceiver:
    """Mail to all recipients.

    Parameters
    ----------
    settings : AlertSettings
    timeout_s : float
    """

    name = "mail"

    def __init__(self, settings: AlertSettings, timeout_s: float = TIMEOUT_S) -> None:
        self._settings = settings
        self._timeout_s = timeout_s

    def parse(self, body: bytes) -> Alert:
        """Return the alert."""
        return parse_alert(body)

    def send(self, message: Alert) -> None:
        """Send the alert as a mail."""
        mail = EmailMessage()
        mail["Subject"] = f"[NightCatch] {message.title}"
        mail["From"] = self._settings.mail_from
        mail["To"] = ", ".join(self._settings.mail_to)
        mail["Date"] = format_datetime(datetime.fromisoformat(message.at))
        mail.set_content("\n".join(_lines(message)) + "\n")
        url = self._settings.smtp_url
        within(self._timeout_s, lambda: send_mail(url, mail, self._timeout_s))


def alert_receivers(settings: AlertSettings) -> list[Receiver[Alert]]:
    """Return the configured receivers of alerts."""
    receivers: list[Receiver[Alert]] = [LogReceiver()]
    if settings.webhook_url:
        receivers.append(WebhookReceiver(settings.webhook_url))
    if settings.smtp_url:
        receivers.append(MailReceiver(settings))
    return receivers


def slack_text(alert: Alert) -> str:
    """Return an alert in Slack's markup, its text escaped."""
    title, *lines = _lines(alert)
    return f"*{_escaped(title)}*\n" + "\n".join(map(_escaped, lines))


def _lines(alert: Alert) -> list[str]:
    details = [f"Details: {alert.link}"] if alert.link else []
    return [alert.title, alert.sentence, *details, f"What to do: {alert.runbook}"]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
