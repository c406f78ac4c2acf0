"""Where the servers of an installation are: the variables that the command line reads."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from include.config.reading import read_environment
from include.errors import SettingMissingError


def _paths(text: object) -> object:
    return tuple(part for part in text.split(":") if part) if isinstance(text, str) else text


Paths = Annotated[tuple[Path, ...], BeforeValidator(_paths)]


class InstallationSettings(BaseModel):
    """Servers and keys of one installation; the same variables as those of Airflow's tasks."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    s3_connection: SecretStr | None = Field(
        None,
        alias="AIRFLOW_CONN_NIGHTCATCH_S3",
        description="S3 as Airflow's connection: JSON, or `aws://key:secret@/?endpoint_url=...`",
    )
    s3_endpoint: str | None = Field(
        None,
        alias="NIGHTCATCH_S3_ENDPOINT",
        description="S3's address, with credentials by boto3's own variables",
    )
    s3_bucket: str = Field("nightcatch", alias="NIGHTCATCH_S3_BUCKET", description="the bucket")
    mongo_connection: SecretStr | None = Field(
        None,
        alias="AIRFLOW_CONN_NIGHTCATCH_MONGO",
        description="MongoDB: `mongo://user:password@host:port/phishing?replicaSet=...`",
    )
    mongo_loader_connection: SecretStr | None = Field(
        None,
        alias="AIRFLOW_CONN_NIGHTCATCH_MONGO_LOADER",
        description="the same as a user who may write records; else the one before",
    )
    airflow_url: str | None = Field(
        None, alias="NIGHTCATCH_AIRFLOW_URL", description="Airflow's UI and API"
    )
    airflow_user: str = Field(
        "admin", alias="NIGHTCATCH_AIRFLOW_USER", description="user of Airflow's API"
    )
    airflow_password: SecretStr | None = Field(
        None, alias="NIGHTCATCH_AIRFLOW_PASSWORD", description="the user's password"
    )
    scorer_url: str | None = Field(
        None, alias="NIGHTCATCH_SCORER_URL", description="a scorer, or the proxy before several"
    )
    trainer_public_keys: Paths = Field(
        (),
        alias="NIGHTCATCH_TRAINER_PUBLIC_KEY",
        description="PEM files that versions are verified with, separated by colons",
    )
    approver_public_keys: Paths = Field(
        (),
        alias="NIGHTCATCH_APPROVER_PUBLIC_KEY",
        description="PEM files that approvals are verified with, separated by colons",
    )
    approvers_needed: int = Field(
        1,
        alias="NIGHTCATCH_APPROVERS_NEEDED",
        ge=1,
        le=2,
        description="how many of those keys must have signed a model in production",
    )
    approver_key: Path | None = Field(
        None, alias="NIGHTCATCH_APPROVER_KEY", description="PEM file that signs approvals"
    )
    watcher_public_keys: Paths = Field(
        (),
        alias="NIGHTCATCH_WATCHER_PUBLIC_KEY",
        description="PEM files that timestamps are verified with, separated by colons",
    )
    watcher_key: Path | None = Field(
        None, alias="NIGHTCATCH_WATCHER_KEY", description="PEM file that signs timestamps"
    )
    data_dir: Path | None = Field(
        None, alias="NIGHTCATCH_DATA_DIR", description="folder of your data sets"
    )
    download_dir: Path | None = Field(
        None, alias="NIGHTCATCH_DOWNLOAD_DIR", description="where downloaded data sets are kept"
    )

    @property
    def names_a_server(self) -> bool:
        """Whether any server is configured; otherwise the embedded stack is meant."""
        mongo = self.mongo_connection or self.mongo_loader_connection
        return any((self.s3_connection, self.s3_endpoint, mongo, self.airflow_url))


def read_installation(environ: Mapping[str, str]) -> InstallationSettings:
    """Return the installation that environment variables name.

    Raises
    ------
    SettingMissingError
        If a variable cannot be read.
    """
    return read_environment(InstallationSettings, environ)


def s3_client_arguments(settings: InstallationSettings) -> dict[str, Any]:
    """Return the arguments of ``boto3.client("s3", ...)``.

    Raises
    ------
    SettingMissingError
        If no S3 is configured, or the connection cannot be read.
    """
    if settings.s3_connection is None:
        if settings.s3_endpoint is None:
            raise SettingMissingError(
                "no S3 is configured: set AIRFLOW_CONN_NIGHTCATCH_S3 or NIGHTCATCH_S3_ENDPOINT"
            )
        return {"endpoint_url": settings.s3_endpoint}
    login, password, extra = read_connection(
        settings.s3_connection.get_secret_value(), "AIRFLOW_CONN_NIGHTCATCH_S3"
    )
    arguments = {
        "aws_access_key_id": login,
        "aws_secret_access_key": password,
        "endpoint_url": extra.get("endpoint_url"),
        "region_name": extra.get("region_name"),
    }
    return {name: value for name, value in arguments.items() if value}


def mongo_url(settings: InstallationSettings) -> str:
    """Return the connection string of MongoDB, as the loader where there is one.

    Raises
    ------
    SettingMissingError
        If no MongoDB is configured.
    """
    connection = settings.mongo_loader_connection or settings.mongo_connection
    if connection is None:
        raise SettingMissingError("no MongoDB is configured: set AIRFLOW_CONN_NIGHTCATCH_MONGO")
    scheme, colon, rest = connection.get_secret_value().partition("://")
    return f"{'mongodb' if scheme == 'mongo' else scheme}{colon}{rest}"


def read_connection(text: str, variable: str) -> tuple[str | None, str | None, dict[str, str]]:
    """Return login, password and extra of an Airflow connection, in JSON or as a URI.

    Raises
    ------
    SettingMissingError
        If the JSON of the variable cannot be read.
    """
    if text.lstrip().startswith("{"):
        try:
            document = json.loads(text)
            extra = document.get("extra") or {}
            extra = json.loads(extra) if isinstance(extra, str) else extra
        except ValueError:
            raise SettingMissingError(f"{variable} is not valid JSON") from None
        return document.get("login"), document.get("password"), extra
    parts = urlsplit(text)
    extra = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    login, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    return login, password, extra
