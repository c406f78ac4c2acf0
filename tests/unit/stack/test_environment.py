"""What servers are told: nothing of the caller's Airflow or cloud, and no private key too many."""

import json
from pathlib import Path
from typing import Any

import pytest

from include.stack.environment import (
    airflow_environment,
    code_commit,
    mlflow_environment,
    scorer_environment,
)
from include.stack.keys import Secrets, ensure_secrets
from include.stack.settings import StackSettings

CALLER = {
    "PATH": "/bin",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://production",
    "AIRFLOW_HOME": "/elsewhere",
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "caller",
    "MLFLOW_TRACKING_URI": "https://production",
    "PYTHONDONTWRITEBYTECODE": "1",
    "NO_PROXY": "intranet",
    "NIGHTCATCH_DATA_DIR": "data",
}


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(root=tmp_path, state_dir=tmp_path / ".local")


@pytest.fixture
def secrets(settings: StackSettings) -> Secrets:
    return ensure_secrets(settings.secrets_dir)


def test_airflow_never_sees_the_callers_airflow_or_cloud(
    settings: StackSettings, secrets: Secrets
) -> None:
    env = airflow_environment(settings, secrets, CALLER)

    assert env["PATH"] == "/bin"
    assert env["AIRFLOW_HOME"] == str(settings.state_dir / "airflow")
    assert env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("sqlite:///")
    assert env["AWS_ACCESS_KEY_ID"] == secrets.s3_access_key
    assert "AWS_PROFILE" not in env
    assert "PYTHONDONTWRITEBYTECODE" not in env


def test_airflow_alone_gets_the_addresses_of_alerts(
    settings: StackSettings, secrets: Secrets
) -> None:
    caller = {
        "NIGHTCATCH_ALERTS_WEBHOOK_URL": "https://hooks/secret",
        "NIGHTCATCH_EVENTS_URL": "https://events/secret",
    }
    airflow = airflow_environment(settings, secrets, caller)
    others = [
        scorer_environment(settings, secrets, caller),
        mlflow_environment(settings, caller),
    ]

    assert caller.items() <= airflow.items()
    assert airflow["NIGHTCATCH_ALERTS_SCORER_URLS"] == settings.scorer_url
    assert not [env for env in others if caller.keys() & env.keys()]


def test_airflow_listens_on_the_loopback_only(settings: StackSettings, secrets: Secrets) -> None:
    env = airflow_environment(settings, secrets, {})

    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert env["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8080/execution/"


def test_loopback_is_never_asked_through_a_proxy(settings: StackSettings, secrets: Secrets) -> None:
    assert scorer_environment(settings, secrets, CALLER)["NO_PROXY"] == (
        "intranet,127.0.0.1,localhost"
    )


def test_data_dir_is_absolute_because_servers_run_elsewhere(
    settings: StackSettings, secrets: Secrets
) -> None:
    env = airflow_environment(settings, secrets, CALLER)

    assert env["NIGHTCATCH_DATA_DIR"] == str(Path("data").resolve())


def test_scorer_gets_no_private_key(settings: StackSettings, secrets: Secrets) -> None:
    values = scorer_environment(settings, secrets, {}).values()

    assert str(secrets.trainer_key) not in values
    assert str(secrets.approver_key) not in values
    assert str(secrets.trainer_public_key) in values


def test_mlflow_gets_no_key_and_sends_no_telemetry(
    settings: StackSettings, secrets: Secrets
) -> None:
    env = mlflow_environment(settings, CALLER)

    assert not [name for name in env if name.startswith("AWS_")]
    assert "MLFLOW_TRACKING_URI" not in env
    assert env["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert str(secrets.trainer_key) not in env.values()


def test_tasks_are_told_where_mlflow_is(settings: StackSettings, secrets: Secrets) -> None:
    env = airflow_environment(settings, secrets, CALLER)

    assert env["NIGHTCATCH_MLFLOW_URL"] == "http://127.0.0.1:5001"
    assert env["NIGHTCATCH_MLFLOW_PUBLIC_URL"] == "http://localhost:5001"
    assert "MLFLOW_TRACKING_URI" not in env


def test_lineage_goes_to_a_file_and_to_the_users_server_as_well(
    settings: StackSettings, secrets: Secrets
) -> None:
    def transport(**environ: str) -> dict[str, Any]:
        env = airflow_environment(settings, secrets, environ)
        return json.loads(env["AIRFLOW__OPENLINEAGE__TRANSPORT"])

    alone = transport()
    both = transport(NIGHTCATCH_OPENLINEAGE_URL="https://lineage.example")

    assert alone["log_file_path"] == str(settings.state_dir / "airflow" / "lineage.jsonl")
    assert both["transports"]["file"] == alone
    assert both["transports"]["http"]["url"] == "https://lineage.example"


def test_code_commit_is_empty_outside_a_checkout(tmp_path: Path) -> None:
    assert code_commit(tmp_path) == ""
