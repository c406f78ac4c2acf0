"""The receivers of alerts, each on a real server: what it is sent, and each way it can fail."""

import base64
import json
import logging

import pytest

from include.errors import MessageRefusedError, ReceiverUnavailableError
from include.notify.alert import Alert
from include.notify.delivery.receivers import (
    LogReceiver,
    MailReceiver,
    WebhookReceiver,
    alert_receivers,
)
from include.notify.settings import AlertSettings
from include.stack.ports import pick_port
from tests.support.receivers import http_receiver, silent_server, smtp_receiver

SECRET = "T0B0XXSECRET"
ALERT = Alert(
    id="gate_rejected.sites.run-1",
    kind="gate_rejected",
    title="Gate rejected: sites",
    sentence="1 of 31 rules rejected version v1: accuracy 0.9 < 0.92 & worse.",
    link="https://airflow.example/dags/train_sites/runs/run-1",
    runbook="https://git.example/runbook.md#gate-rejected",
    at="2026-11-21T02:05:00+00:00",
)


@pytest.fixture
def hook():
    with http_receiver(f"/services/{SECRET}") as posts:
        yield posts


def mail_settings(box, login=""):
    return AlertSettings(
        smtp_url=f"smtp://{login}127.0.0.1:{box.port}",
        mail_from="NightCatch <nc@example.org>",
        mail_to=("a@example.org", "b@example.org"),
    )


def test_a_webhook_gets_slacks_json(hook):
    WebhookReceiver(hook.url).send(ALERT)
    ((path, headers, body),) = hook.got

    assert path == f"/services/{SECRET}"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {
        "text": "*Gate rejected: sites*\n"
        "1 of 31 rules rejected version v1: accuracy 0.9 &lt; 0.92 &amp; worse.\n"
        "Details: https://airflow.example/dags/train_sites/runs/run-1\n"
        "What to do: https://git.example/runbook.md#gate-rejected"
    }


@pytest.mark.parametrize("status", [500, 503, 429, 408])
def test_a_webhook_that_says_later_is_unavailable(hook, status):
    hook.status = status

    with pytest.raises(ReceiverUnavailableError, match=f"127.0.0.1 responded {status}"):
        WebhookReceiver(hook.url).send(ALERT)


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_webhook_that_says_no_refuses(hook, status):
    hook.status = status

    with pytest.raises(MessageRefusedError, match=f"127.0.0.1 responded {status}"):
        WebhookReceiver(hook.url).send(ALERT)


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_message_goes_nowhere_else(hook, status):
    with http_receiver() as elsewhere:
        hook.status, hook.headers = status, {"Location": elsewhere.url}

        with pytest.raises(MessageRefusedError):
            WebhookReceiver(hook.url).send(ALERT)
        assert elsewhere.got == []


def test_no_error_and_no_log_line_holds_the_secret_of_a_webhook(hook, caplog):
    caplog.set_level(logging.DEBUG)
    away = f"http://127.0.0.1:{pick_port()}/services/{SECRET}"
    nowhere = f"https://no-such-host.invalid/services/{SECRET}"
    hook.status = 404
    said = []
    for url in (hook.url, away, nowhere):
        with pytest.raises((MessageRefusedError, ReceiverUnavailableError)) as caught:
            WebhookReceiver(url).send(ALERT)
        said += [str(caught.value), repr(caught.value.__cause__)]

    assert SECRET not in "".join(said) + caplog.text


def test_a_receiver_that_never_comes_to_an_end_is_given_up():
    with silent_server() as port:
        with pytest.raises(ReceiverUnavailableError, match="no response within 1 s"):
            WebhookReceiver(f"http://127.0.0.1:{port}/{SECRET}", timeout_s=1.0).send(ALERT)
        mail = AlertSettings(smtp_url=f"smtp://127.0.0.1:{port}", mail_from="a@b", mail_to=("c@d",))
        with pytest.raises(ReceiverUnavailableError):
            MailReceiver(mail, timeout_s=1.0).send(ALERT)


def test_mail_reaches_everybody_on_the_list():
    with smtp_receiver() as box:
        MailReceiver(mail_settings(box)).send(ALERT)
        (mail,) = box.mails

    assert mail["Subject"] == "[NightCatch] Gate rejected: sites"
    assert mail["From"] == "NightCatch <nc@example.org>"
    assert mail["To"] == "a@example.org, b@example.org"
    assert mail["Date"].datetime.isoformat() == ALERT.at
    text = mail.get_content()
    assert ALERT.sentence in text
    assert ALERT.link in text
    assert ALERT.runbook in text


def test_a_recipient_that_is_refused_costs_the_others_nothing_and_is_logged(caplog):
    with smtp_receiver(**{"rcpt TO:<b@example.org>": "550 nobody"}) as box:
        MailReceiver(mail_settings(box)).send(ALERT)

    assert len(box.mails) == 1
    assert "127.0.0.1 accepted the mail, but rejected 1 recipients" in caplog.text
    assert "b@example.org" not in caplog.text


def test_mail_that_was_taken_is_not_mailed_again_whatever_is_said_at_the_end():
    with smtp_receiver(QUIT="421 too late") as box:
        MailReceiver(mail_settings(box)).send(ALERT)

    assert len(box.mails) == 1


def test_a_mail_server_is_given_user_and_password():
    ehlo = "250-test\r\n250 AUTH PLAIN"
    with smtp_receiver(EHLO=ehlo) as box:
        MailReceiver(mail_settings(box, f"nc%40example.org:{SECRET}%2F@")).send(ALERT)
        login = base64.b64decode(box.logins[0])

    assert login == f"\0nc@example.org\0{SECRET}/".encode()
    assert len(box.mails) == 1


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"EHLO": "250-test\r\n250 AUTH PLAIN", "AUTH": f"535 bad {SECRET}"}, MessageRefusedError),
        ({"MAIL": "550 not you"}, MessageRefusedError),
        ({"RCPT": "550 nobody"}, MessageRefusedError),
        ({"RCPT": "450 later"}, ReceiverUnavailableError),
        ({"DATA": "451 later"}, ReceiverUnavailableError),
        ({"EHLO": "250-test\r\n250 AUTH CRAM-MD5", "AUTH": "334 x"}, ReceiverUnavailableError),
        ({}, MessageRefusedError),  # no AUTH, and a password is given
    ],
    ids=[
        "password",
        "sender",
        "recipient",
        "recipient-later",
        "data-later",
        "challenge",
        "no-login",
    ],
)
def test_what_a_mail_server_does_not_take_is_said_without_secrets(answers, error):
    ehlo = {"EHLO": "250-test\r\n250 AUTH PLAIN"} if answers else {}
    with smtp_receiver(**{**ehlo, **answers}) as box, pytest.raises(error) as caught:
        MailReceiver(mail_settings(box, f"nc:{SECRET}@")).send(ALERT)

    assert "127.0.0.1" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert box.mails == []


def test_a_password_is_not_sent_in_the_clear_to_another_machine():
    with smtp_receiver(EHLO="250-test\r\n250 AUTH PLAIN") as box:
        # A spelling of the loopback that is not known as one.
        url = f"smtp://nc:{SECRET}@127.1:{box.port}"
        settings = mail_settings(box).model_copy(update={"smtp_url": url})
        with pytest.raises(MessageRefusedError, match="no STARTTLS"):
            MailReceiver(settings).send(ALERT)

    assert box.logins == []


def test_a_mail_server_that_is_away_is_unavailable():
    settings = AlertSettings(
        smtp_url=f"smtp://127.0.0.1:{pick_port()}", mail_from="a@b", mail_to=("c@d",)
    )

    with pytest.raises(ReceiverUnavailableError, match="ConnectionRefusedError"):
        MailReceiver(settings).send(ALERT)


def test_the_log_is_told_in_one_line(caplog):
    LogReceiver().send(ALERT)
    (record,) = caplog.records

    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("ALERT Gate rejected: sites: 1 of 31 rules")
    assert ALERT.runbook in record.getMessage()


def test_everybody_who_is_configured_is_told_and_the_log_always():
    mail = {"smtp_url": "smtp://h", "mail_from": "a@b", "mail_to": ("c@d",)}
    all_of_them = AlertSettings(webhook_url="http://h/x", **mail)

    assert [each.name for each in alert_receivers(AlertSettings())] == ["log"]
    assert [each.name for each in alert_receivers(all_of_them)] == ["log", "webhook", "mail"]
