"""Settings come from variables whose faults are named."""

from pathlib import Path

import pytest

from include.errors import SettingMissingError
from include.stack.settings import read_settings

ROOT = Path("/checkout")


def test_defaults_lie_in_the_checkout() -> None:
    settings = read_settings(ROOT, {})

    assert settings.state_dir == ROOT / ".local"
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


@pytest.mark.parametrize("port", ["eighty", "80", "65536", "-1", "8080.5"])
def test_what_is_no_port_is_refused_by_name(port: str) -> None:
    with pytest.raises(SettingMissingError, match="NIGHTCATCH_AIRFLOW_PORT"):
        read_settings(ROOT, {"NIGHTCATCH_AIRFLOW_PORT": port})


@pytest.mark.parametrize("variable", ["NIGHTCATCH_SCORE_PORT", "NIGHTCATCH_MONGODB_PORT"])
def test_a_misspelt_port_is_refused(variable: str) -> None:
    with pytest.raises(SettingMissingError, match=f"{variable} is unknown"):
        read_settings(ROOT, {variable: "9000", "NIGHTCATCH_GRAFANA_PORT": "3001"})


def test_all_wrong_ports_are_named_at_once() -> None:
    wrong = {"NIGHTCATCH_MONGO_PORT": "x", "NIGHTCATCH_S3_PORT": "1", "NIGHTCATCH_S_PORT": "2"}
    with pytest.raises(SettingMissingError) as caught:
        read_settings(ROOT, wrong)

    assert all(name in str(caught.value) for name in wrong)


def test_two_servers_on_one_port_are_refused() -> None:
    with pytest.raises(SettingMissingError, match=r"NIGHTCATCH_\w+_PORT and .* are both 8080"):
        read_settings(ROOT, {"NIGHTCATCH_SCORER_PORT": "8080"})
