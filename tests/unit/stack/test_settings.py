"""Settings come from variables whose faults are named."""

from pathlib import Path

import pytest

from include.errors import SettingMissingError
from include.stack.settings import read_settings

ROOT = Path("/checkout")


def test_defaults_lie_in_the_checkout() -> None:
    settings = read_settings(ROOT, {})

    assert settings.state_dir == ROOT / ".local"
    assert settings.mongo_url == "mongodb://127.0.0.1:27117/?replicaSet=rs0"
    assert settings.airflow_url == "http://127.0.0.1:8080"
    assert settings.mlflow_url == "http://127.0.0.1:5001"


def test_variables_move_servers_and_state() -> None:
    settings = read_settings(
        ROOT,
        {
            "NIGHTCATCH_STATE_DIR": "/data/night",
            "NIGHTCATCH_S3_PORT": "19000",
            "NIGHTCATCH_S3_BUCKET": "models",
        },
    )

    assert settings.state_dir == Path("/data/night")
    assert settings.s3_url == "http://127.0.0.1:19000"
    assert settings.bucket == "models"


@pytest.mark.parametrize("url", ["https://mlflow.example", ""], ids=["elsewhere", "none"])
def test_runs_are_tracked_where_the_user_says(url: str) -> None:
    assert read_settings(ROOT, {"NIGHTCATCH_MLFLOW_URL": url}).mlflow_url == url


@pytest.mark.parametrize("port", ["eighty", "80", "65536", "-1", "8080.0"])
def test_what_is_no_port_is_refused_by_name(port: str) -> None:
    with pytest.raises(SettingMissingError, match=rf"NIGHTCATCH_AIRFLOW_PORT={port} is not a port"):
        read_settings(ROOT, {"NIGHTCATCH_AIRFLOW_PORT": port})


def test_two_servers_on_one_port_are_refused() -> None:
    with pytest.raises(SettingMissingError, match=r"NIGHTCATCH_\w+_PORT and .* are both 8080"):
        read_settings(ROOT, {"NIGHTCATCH_SCORER_PORT": "8080"})
