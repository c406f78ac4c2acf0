"""The embedded stack's settings, read once from the environment by the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from include.errors import SettingMissingError
from include.stack.ports import HOST

_PORTS = {"MONGO": 27117, "S3": 18330, "AIRFLOW": 8080, "SCORER": 8000, "MLFLOW": 5001}


@dataclass(frozen=True)
class StackSettings:
    """Where the stack lives.

    Attributes
    ----------
    root : Path
        The checkout.
    state_dir : Path
        Everything the stack writes.
    mongo_port, s3_port, airflow_port, scorer_port, mlflow_port : int
        TCP ports of 127.0.0.1; S3 uses the four behind its own and those 10,000 higher too.
    mlflow_elsewhere : str or None
        Address of an MLflow of the user's own, empty for none at all; None for the embedded one.
    bucket : str
        Bucket of snapshots, models and Data Docs.
    """

    root: Path
    state_dir: Path
    mongo_port: int = 27117
    s3_port: int = 18330
    airflow_port: int = 8080
    scorer_port: int = 8000
    mlflow_port: int = 5001
    mlflow_elsewhere: str | None = None
    bucket: str = "nightcatch"

    @property
    def secrets_dir(self) -> Path:
        """Folder of generated passwords and keys, private to its owner."""
        return self.state_dir / "secrets"

    @property
    def downloads_dir(self) -> Path:
        """Folder of downloaded data sets."""
        return self.state_dir / "downloads"

    @property
    def mongo_url(self) -> str:
        """Connection string of the embedded MongoDB."""
        return f"mongodb://{HOST}:{self.mongo_port}/?replicaSet=rs0"

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
        """Address of the MLflow that is told of runs; empty if none is."""
        if self.mlflow_elsewhere is not None:
            return self.mlflow_elsewhere
        return f"http://{HOST}:{self.mlflow_port}"


def read_settings(root: Path, environ: Mapping[str, str]) -> StackSettings:
    """Return the settings that `environ` names, and the defaults of those it does not.

    Parameters
    ----------
    root : Path
        The checkout.
    environ : mapping of str to str
        ``NIGHTCATCH_STATE_DIR``, ``NIGHTCATCH_{MONGO,S3,AIRFLOW,SCORER,MLFLOW}_PORT``,
        ``NIGHTCATCH_MLFLOW_URL`` and ``NIGHTCATCH_S3_BUCKET`` are read.

    Returns
    -------
    StackSettings

    Raises
    ------
    SettingMissingError
        If a port is no port number, or two servers are given the same.
    """
    ports = {name: _port(environ, name, default) for name, default in _PORTS.items()}
    for name, port in ports.items():
        same = [other for other, taken in ports.items() if other != name and taken == port]
        if same:
            raise SettingMissingError(
                f"NIGHTCATCH_{name}_PORT and NIGHTCATCH_{same[0]}_PORT are both {port};"
                " give each server a port of its own"
            )
    return StackSettings(
        root=root,
        state_dir=Path(environ.get("NIGHTCATCH_STATE_DIR") or root / ".local").resolve(),
        mongo_port=ports["MONGO"],
        s3_port=ports["S3"],
        airflow_port=ports["AIRFLOW"],
        scorer_port=ports["SCORER"],
        mlflow_port=ports["MLFLOW"],
        mlflow_elsewhere=environ.get("NIGHTCATCH_MLFLOW_URL"),
        bucket=environ.get("NIGHTCATCH_S3_BUCKET") or "nightcatch",
    )


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    variable = f"NIGHTCATCH_{name}_PORT"
    text = environ.get(variable) or str(default)
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise SettingMissingError(f"{variable}={text} is not a port number from 1024 to 65535")
    return int(text)
