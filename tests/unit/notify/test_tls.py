"""Mail and webhooks over TLS: real servers, whose certificates an authority of our own signed."""

import base64

import pytest

from include.errors import MessageRefusedError, ReceiverUnavailableError
from include.notify.alert import Alert
from include.notify.delivery.receivers import MailReceiver, WebhookReceiver
from include.notify.settings import AlertSettings
from tests.support.certificates import Authority
from tests.support.receivers import http_receiver, smtp_receiver

HOST = "127.0.0.1"
SECRET = "hunter2"
AUTHORITIES = "SSL_CERT_FILE"
SCHEMES = ["smtps", "smtp"]
ALERT = Alert("model_old.sites.1", "model_old", "Model old: sites", "It is.", "", "r",
              "2026-11-21T02:05:00+00:00")  # fmt: skip


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority.new(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority, monkeypatch):
    """The authority, trusted as a company has its own trusted."""
    monkeypatch.setenv(AUTHORITIES, str(authority.path))
    return authority


def send(box, scheme):
    """Mail an alert, with a password; on a busy machine, too."""
    settings = AlertSettings(
        smtp_url=f"{scheme}://nc:{SECRET}@{HOST}:{box.port}",
        mail_from="nc@example.org",
        mail_to=("a@example.org",),
    )
    MailReceiver(settings, timeout_s=60).send(ALERT)


def refusal(box, scheme, error):
    """The words of who could not mail an alert."""
    with pytest.raises(error) as caught:
        send(box, scheme)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_mail_and_password_are_sent_encrypted_to_a_server_that_is_trusted(trusted, scheme):
    with smtp_receiver(tls=trusted.server(HOST), at_once=scheme == "smtps") as box:
        send(box, scheme)

    assert base64.b64decode(box.logins[0]) == f"\0nc\0{SECRET}".encode()
    assert [mail["Subject"] for mail in box.mails] == ["[NightCatch] Model old: sites"]
    assert box.in_the_clear <= {"EHLO", "STARTTLS"}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    ("address", "is_trusted", "why"),
    [
        (HOST, False, "unable to get local issuer certificate"),
        ("127.0.0.2", True, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
    ],
    ids=["no-authority", "another-server"],
)
def test_a_server_that_cannot_show_who_it_is_is_told_nothing(
    authority, monkeypatch, scheme, address, is_trusted, why
):
    if is_trusted:
        monkeypatch.setenv(AUTHORITIES, str(authority.path))
    with smtp_receiver(tls=authority.server(address), at_once=scheme == "smtps") as box:
        said = refusal(box, scheme, ReceiverUnavailableError)

    assert said == f"{HOST} cannot be reached: its certificate is invalid ({why})"
    assert (box.logins, box.mails) == ([], [])


def test_a_server_that_knows_no_tls_is_told_nothing_by_smtps():
    with smtp_receiver() as box:
        said = refusal(box, "smtps", ReceiverUnavailableError)

    assert said == f"{HOST} cannot be reached: SSLError"
    assert (box.logins, box.mails) == ([], [])


@pytest.mark.parametrize(
    ("answer", "error"),
    [("454 later", ReceiverUnavailableError), ("502 never", MessageRefusedError)],
)
def test_a_server_that_takes_starttls_back_is_told_nothing(trusted, answer, error):
    with smtp_receiver(tls=trusted.server(HOST), STARTTLS=answer) as box:
        said = refusal(box, "smtp", error)

    assert said == f"{HOST} responded {answer[:3]} to SMTPResponseException"
    assert (box.logins, box.mails) == ([], [])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_password_that_is_refused_over_tls_is_in_no_error(trusted, scheme):
    tls = trusted.server(HOST)
    with smtp_receiver(tls=tls, at_once=scheme == "smtps", AUTH=f"535 bad {SECRET}") as box:
        said = refusal(box, scheme, MessageRefusedError)

    assert said == f"{HOST} responded 535 to SMTPAuthenticationError"
    assert len(box.logins) > 0


def test_a_webhook_is_posted_to_whom_is_trusted_and_to_nobody_else(authority, monkeypatch):
    with http_receiver(f"/{SECRET}", tls=authority.server(HOST)) as hook:
        receiver = WebhookReceiver(hook.url, timeout_s=60)
        with pytest.raises(ReceiverUnavailableError) as caught:
            receiver.send(ALERT)
        assert hook.got == []
        monkeypatch.setenv(AUTHORITIES, str(authority.path))
        receiver.send(ALERT)

    assert str(caught.value) == (
        f"{HOST} cannot be reached: its certificate is invalid "
        "(unable to get local issuer certificate)"
    )
    assert len(hook.got) == 1
