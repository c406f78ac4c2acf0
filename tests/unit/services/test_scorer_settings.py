"""Settings come from the environment; whatever is missing, invalid or unknown is named."""

import os
from pathlib import Path

import pytest

from include.errors import SettingMissingError
from include.services.scorer.settings import Limits, RateLimit, Traffic, read_settings


@pytest.fixture
def read(monkeypatch):
    """Read the settings of an environment."""

    def read(environ):
        for name in os.environ.keys() - environ.keys():
            if name.startswith("NIGHTCATCH_"):
                monkeypatch.delenv(name)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        return read_settings()

    return read


@pytest.fixture
def environ(tmp_path):
    for name in ("trainer", "approver", "next"):
        (tmp_path / f"{name}.pem").write_text("a key")
    return {
        "NIGHTCATCH_TRAINER_PUBLIC_KEY": str(tmp_path / "trainer.pem"),
        "NIGHTCATCH_APPROVER_PUBLIC_KEY": str(tmp_path / "approver.pem"),
        "NIGHTCATCH_CACHE_DIR": str(tmp_path / "cache"),
    }


def test_three_variables_suffice(read, environ, tmp_path):
    settings = read(environ)

    assert settings.pipelines == ("sites", "urls")
    assert (settings.s3_endpoint, settings.s3_bucket) == (None, "nightcatch")
    assert settings.cache_dir == tmp_path / "cache"
    assert settings.limits == Limits()


def test_every_variable_is_read(read, environ, tmp_path):
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
    settings = read({**environ, **given})

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
        ("NIGHTCATCH_PIPELINES", ","),
        ("NIGHTCATCH_MAX_JSON_BYTE", "5"),
        ("NIGHTCATCH_ACCESS_LOG", "perhaps"),
        ("NIGHTCATCH_TRAFFIC_LOG", "everything"),
        ("NIGHTCATCH_TRAFFIC_HASH_KEY", "short"),
        ("NIGHTCATCH_LINK_KEY", "short"),
        ("NIGHTCATCH_METRICS_PRIVATE", "true"),  # of whom, without keys?
        ("NIGHTCATCH_TRAFFIC_INTERVAL_S", "0"),
        ("NIGHTCATCH_TRAFFIC_MAX_BYTES", "much"),
        ("NIGHTCATCH_RATE_LIMIT", "10"),  # of whom, without keys?
    ],
)
def test_a_missing_or_unreadable_variable_is_named(read, environ, name, value):
    with pytest.raises(SettingMissingError, match=name):
        read({**environ, name: value})


def test_access_is_open_and_logged_unless_it_is_said_otherwise(read, environ, tmp_path):
    asked = {
        "NIGHTCATCH_API_KEYS_FILE": str(tmp_path / "keys"),
        "NIGHTCATCH_CORS_ORIGINS": "https://a.example, https://b.example",
        "NIGHTCATCH_ACCESS_LOG": "off",
    }
    plain, sent = read(environ), read({**environ, **asked})

    assert (plain.api_keys_file, plain.cors_origins, plain.access_log) == (None, (), True)
    assert sent.api_keys_file == tmp_path / "keys"
    assert sent.cors_origins == ("https://a.example", "https://b.example")
    assert sent.access_log is False


def test_the_traffic_log_is_off_unless_it_is_asked_for(read, environ):
    asked = {
        "NIGHTCATCH_TRAFFIC_LOG": "hash",
        "NIGHTCATCH_TRAFFIC_HASH_KEY": "a secret of the deployment",
        "NIGHTCATCH_TRAFFIC_INTERVAL_S": "1.5",
        "NIGHTCATCH_TRAFFIC_MAX_BYTES": "1000",
    }

    assert read(environ).traffic.content == "off"
    assert read({**environ, **asked}).traffic == Traffic(
        "hash", 1.5, 1000, b"a secret of the deployment"
    )


def test_hashes_without_a_key_are_refused(read, environ):
    with pytest.raises(SettingMissingError, match="NIGHTCATCH_TRAFFIC_HASH_KEY"):
        read({**environ, "NIGHTCATCH_TRAFFIC_LOG": "hash"})


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        (None, None),
        ("5", RateLimit(5, 5)),
        ("5,", RateLimit(5, 5)),
        ("0.5,3", RateLimit(0.5, 3)),
        ("9, 1", RateLimit(9, 1)),
    ],
)
def test_a_rate_limit_is_so_many_a_second_and_at_once(read, environ, given, limit):
    asked = {"NIGHTCATCH_API_KEYS_FILE": "keys"} | (
        {"NIGHTCATCH_RATE_LIMIT": given} if given else {}
    )

    assert read({**environ, **asked}).rate_limit == limit


@pytest.mark.parametrize("given", ["0", "-1,5", "0.5", "a", "5,0.9"])
def test_a_rate_limit_that_nobody_could_keep_is_refused(read, environ, given):
    asked = {"NIGHTCATCH_API_KEYS_FILE": "keys", "NIGHTCATCH_RATE_LIMIT": given}

    with pytest.raises(SettingMissingError, match="NIGHTCATCH_RATE_LIMIT"):
        read({**environ, **asked})


def test_all_faults_are_named_at_once_and_no_value_is(read, environ):
    del environ["NIGHTCATCH_CACHE_DIR"]
    bad = {"NIGHTCATCH_MAX_RECORDS": "s3cret", "NIGHTCATCH_TRAFFIC_LGO": "s3cret"}
    with pytest.raises(SettingMissingError) as caught:
        read({**environ, **bad})

    faults = str(caught.value)
    assert "NIGHTCATCH_CACHE_DIR is not set" in faults
    assert all(name in faults for name in bad)
    assert "s3cret" not in faults
