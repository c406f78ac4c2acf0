"""The embedded stack's settings, read once from the environment by the command line."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from include.config.reading import read_environment
from include.stack.ports import HOST

# Ports of the embedded servers, and not of Compose's profile `monitoring`.
_OWN = re.compile(r"NIGHTCATCH_(?!GRAFANA|PROMETHEUS)\w+_PORT$")
Port = Annotated[int, Field(ge=1024, le=65535)]


class StackSettings(BaseModel):
    """Where the servers of the embedded stack listen and write.

    Attributes
    ----------
    root : Path
        The checkout.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    root: Path
    state_dir: Path = Field(
        Path(".local"),
        alias="NIGHTCATCH_STATE_DIR",
        description="folder of databases, objects, logs and secrets, in the checkout if relative",
    )
    mongo_port: Port = Field(
        27117, alias="NIGHTCATCH_MONGO_PORT", description="port of MongoDB, 1024 to 65535"
    )
    s3_port: Port = Field(
        18330,
        alias="NIGHTCATCH_S3_PORT",
        description="port of S3, up to 55531; the next four, and those 10,000 higher, are used too",
    )
    airflow_port: Port = Field(
        8080,
        alias="NIGHTCATCH_AIRFLOW_PORT",
        description="port of Airflow's UI and API; also in Compose",
    )
    scorer_port: Port = Field(
        8000,
        alias="NIGHTCATCH_SCORER_PORT",
        description="port of the scorer; in Compose of the proxy before the scorers",
    )
    mlflow_port: Port = Field(
        5001, alias="NIGHTCATCH_MLFLOW_PORT", description="port of MLflow; also in Compose"
    )
    mlflow_elsewhere: str | None = Field(
        None,
        alias="NIGHTCATCH_MLFLOW_URL",
        description="an MLflow of your own; set but empty: runs are not tracked; not set: MLflow is"
        " started",
    )
    bucket: str = Field(
        "nightcatch",
        alias="NIGHTCATCH_S3_BUCKET",
        min_length=3,
        description="bucket of snapshots, models, Data Docs and traffic; read by every process",
    )

    @property
    def secrets_dir(self) -> Path:
        """Folder of generated passwords and keys, private to its owner."""
        return self.state_dir / "secrets"

    @property
    def downloads_dir(self) -> Path:
        """Folder of downloaded data sets."""
        return self.state_dir / "downloads"

    @property
    def s3_url(self) -> str:
        """Endpoint of the embedded S3."""
        return f"http://{HOST}:{self.s3_port}"

    @property
    def airflow_url(self) -> str:
        """Address of the Airflow UI and API."""
        return f"http://{HOST}:{self.airflow_port}"

    @property
    def scorer_url(self) -> str:
        """Address of the scoring service."""
        return f"http://{HOST}:{self.scorer_port}"

    @property
    def mlflow_url(self) -> str:
        """Address of the MLflow that runs are sent to; empty for none."""
        if self.mlflow_elsewhere is not None:
            return self.mlflow_elsewhere
        return f"http://{HOST}:{self.mlflow_port}"

    @property
    def mlflow_public_url(self) -> str:
        """Address of MLflow for browsers: another host name than Airflow's, which has its cookies.

        A browser sends the cookies of a host to all of its ports.
        """
        if self.mlflow_elsewhere is not None:
            return self.mlflow_elsewhere
        return f"http://localhost:{self.mlflow_port}"

    @model_validator(mode="after")
    def _check_ports(self) -> Self:
        named = {name: port for name, port in self if name.endswith("_port")}
        taken: dict[int, str] = {}
        for name, port in named.items():
            variable = f"NIGHTCATCH_{name.upper()}"
            if port in taken:
                raise ValueError(
                    f"{taken[port]} and {variable} are both {port}; give each server a port of its"
                    " own"
                )
            taken[port] = variable
        return self


def read_settings(root: Path, environ: Mapping[str, str]) -> StackSettings:
    """Return the settings of the embedded stack.

    Parameters
    ----------
    root : Path
        The checkout.
    environ : mapping of str to str

    Raises
    ------
    SettingMissingError
        If variables are wrong or unknown, or two servers have the same port: each is named.
    """
    given: dict[str, Any] = {"root": root}
    if (
        environ.get("NIGHTCATCH_MLFLOW_URL") == ""
    ):  # the only variable that differs if it is set but empty
        given["mlflow_elsewhere"] = ""
    settings = read_environment(StackSettings, environ, own=_OWN, **given)
    return settings.model_copy(update={"state_dir": (root / settings.state_dir).resolve()})
