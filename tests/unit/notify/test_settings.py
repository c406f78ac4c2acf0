"""Settings of alerts: read from the environment, refused by name and never by value."""

from datetime import timedelta

import pytest

from include.errors import SettingMissingError
from include.notify.settings import AlertSettings, late_after, read_alert_settings

PREFIX = "NIGHTCATCH_ALERTS_"
MAIL = {PREFIX + "MAIL_FROM": "nc@example.org", PREFIX + "MAIL_TO": "a@example.org, b@example.org"}
SECRET = "hunter2"


def test_nothing_is_set_by_default():
    settings = read_alert_settings({})

    assert settings == AlertSettings()
    assert (settings.webhook_url, settings.smtp_url, settings.events_url) == ("", "", "")
    assert (settings.max_model_age_days, settings.scorer_grace_s) == (7, 300)
    assert late_after({}) == timedelta(hours=3)


def test_everything_is_read():
    settings = read_alert_settings(
        {
            **MAIL,
            PREFIX + "SMTP_URL": f"smtps://nc:{SECRET}@mail.example.org",
            PREFIX + "WEBHOOK_URL": f"https://hooks.example.org/{SECRET}",
            PREFIX + "SCORER_URLS": "http://a:8000/, http://b:8000",
            PREFIX + "MODEL_AGE_DAYS": "2.5",
            PREFIX + "SCORER_GRACE_S": "60",
            PREFIX + "RUNBOOK_URL": "https://git.example.org/runbook.md",
            "NIGHTCATCH_EVENTS_URL": f"https://events.example.org/?key={SECRET}",
        }
    )

    assert settings.mail_to == ("a@example.org", "b@example.org")
    assert settings.scorer_urls == ("http://a:8000", "http://b:8000")
    assert (settings.max_model_age_days, settings.scorer_grace_s) == (2.5, 60)
    assert settings.runbook_url == "https://git.example.org/runbook.md"
    assert SECRET in settings.webhook_url
    assert SECRET in settings.events_url
    assert SECRET not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (PREFIX + "WEBHOOK_URL", f"hooks.example.org/{SECRET}"),
        (PREFIX + "WEBHOOK_URL", f"ftp://hooks.example.org/{SECRET}"),
        (PREFIX + "WEBHOOK_URL", f"https:///{SECRET}"),
        (PREFIX + "WEBHOOK_URL", f"https://hooks.example.org/{SECRET} x"),
        (PREFIX + "WEBHOOK_URL", f"https://hooks.example.org:99999/{SECRET}"),
        (PREFIX + "SMTP_URL", f"https://nc:{SECRET}@mail.example.org"),
        (PREFIX + "SMTP_URL", f"smtp://nc:{SECRET}%C3%A9@mail.example.org"),
        (PREFIX + "MAIL_TO", SECRET),
        (PREFIX + "MAIL_FROM", f"a@b\nBcc: {SECRET}"),
        (PREFIX + "SCORER_URLS", f"http://nc:{SECRET}@scorer:8000"),
        ("NIGHTCATCH_EVENTS_URL", SECRET),
    ],
)
def test_what_makes_no_sense_is_named_and_not_shown(variable, value):
    with pytest.raises(SettingMissingError) as caught:
        read_alert_settings({**MAIL, variable: value})

    assert variable in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_misspelt_variable_is_refused_with_all_other_faults():
    wrong = {PREFIX + "WEBHOOK": f"https://h/{SECRET}", PREFIX + "MODEL_AGE_DAYS": "-1"}
    with pytest.raises(SettingMissingError) as caught:
        read_alert_settings({**wrong, PREFIX + "LATE_AFTER_MIN": "5"})

    assert all(name in str(caught.value) for name in wrong)
    assert "LATE_AFTER_MIN" not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_mail_needs_a_sender_and_recipients():
    with pytest.raises(SettingMissingError, match="MAIL_FROM"):
        read_alert_settings({PREFIX + "SMTP_URL": f"smtp://nc:{SECRET}@mail.example.org"})


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "soon"])
def test_a_limit_is_a_positive_number(value):
    with pytest.raises(SettingMissingError, match="MODEL_AGE_DAYS"):
        read_alert_settings({PREFIX + "MODEL_AGE_DAYS": value})
    with pytest.raises(SettingMissingError, match="LATE_AFTER_MIN"):
        late_after({PREFIX + "LATE_AFTER_MIN": value})
