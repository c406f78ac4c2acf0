"""The service names what it was not told."""

from pathlib import Path

import pytest

from include.errors import SettingMissingError
from include.services.scorer.settings import Limits, read_settings


@pytest.fixture
def environ(tmp_path):
    for name in ("trainer", "approver", "next"):
        (tmp_path / f"{name}.pem").write_text("a key")
    return {
        "NIGHTCATCH_TRAINER_PUBLIC_KEY": str(tmp_path / "trainer.pem"),
        "NIGHTCATCH_APPROVER_PUBLIC_KEY": str(tmp_path / "approver.pem"),
        "NIGHTCATCH_CACHE_DIR": str(tmp_path / "cache"),
    }


def test_three_variables_suffice(environ, tmp_path):
    settings = read_settings(environ)

    assert settings.pipelines == ("sites",)
    assert (settings.s3_endpoint, settings.s3_bucket) == (None, "nightcatch")
    assert settings.cache_dir == tmp_path / "cache"
    assert settings.limits == Limits()


def test_every_variable_is_read(environ, tmp_path):
    keys = f"{tmp_path / 'trainer.pem'}:{tmp_path / 'next.pem'}"
    given = {
        "NIGHTCATCH_PIPELINES": "sites, urls",
        "NIGHTCATCH_S3_ENDPOINT": "http://127.0.0.1:1",
        "NIGHTCATCH_S3_BUCKET": "other",
        "NIGHTCATCH_TRAINER_PUBLIC_KEY": keys,
        "NIGHTCATCH_POLL_INTERVAL_S": "0.5",
        "NIGHTCATCH_MAX_MODEL_BYTES": "5",
        "NIGHTCATCH_MAX_JSON_BYTES": "6",
        "NIGHTCATCH_MAX_UPLOAD_BYTES": "7",
        "NIGHTCATCH_MAX_RECORDS": "8",
        "NIGHTCATCH_MAX_CSV_ROWS": "9",
        "NIGHTCATCH_BUILD": "abc",
    }
    settings = read_settings({**environ, **given})

    assert settings.pipelines == ("sites", "urls")
    assert settings.trainer_keys == tuple(Path(part) for part in keys.split(":"))
    assert (settings.s3_endpoint, settings.s3_bucket) == ("http://127.0.0.1:1", "other")
    assert (settings.poll_interval_s, settings.max_model_bytes) == (0.5, 5)
    assert settings.limits == Limits(json_bytes=6, upload_bytes=7, records=8, csv_rows=9)
    assert settings.build == "abc"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NIGHTCATCH_TRAINER_PUBLIC_KEY", ""),
        ("NIGHTCATCH_TRAINER_PUBLIC_KEY", "/not/there.pem"),
        ("NIGHTCATCH_APPROVER_PUBLIC_KEY", ""),
        ("NIGHTCATCH_CACHE_DIR", ""),
        ("NIGHTCATCH_POLL_INTERVAL_S", "soon"),
        ("NIGHTCATCH_POLL_INTERVAL_S", "0"),
        ("NIGHTCATCH_POLL_INTERVAL_S", "nan"),
        ("NIGHTCATCH_MAX_RECORDS", "-1"),
        ("NIGHTCATCH_PIPELINES", "sites,sites"),
    ],
)
def test_a_missing_or_unreadable_variable_is_named(environ, name, value):
    with pytest.raises(SettingMissingError, match=name):
        read_settings({**environ, name: value})


def test_access_is_open_and_logged_unless_it_is_said_otherwise(environ, tmp_path):
    asked = {
        "NIGHTCATCH_API_KEYS_FILE": str(tmp_path / "keys"),
        "NIGHTCATCH_CORS_ORIGINS": "https://a.example, https://b.example",
        "NIGHTCATCH_ACCESS_LOG": "off",
    }
    plain, told = read_settings(environ), read_settings({**environ, **asked})

    assert (plain.api_keys_file, plain.cors_origins, plain.access_log) == (None, (), True)
    assert told.api_keys_file == tmp_path / "keys"
    assert told.cors_origins == ("https://a.example", "https://b.example")
    assert told.access_log is False
