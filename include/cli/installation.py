"""The installation that a command works on: the embedded stack, or configured servers."""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from include.config.installation import InstallationSettings, mongo_url, s3_client_arguments
from include.contract.signature import Approvers, load_private_key, load_public_key
from include.errors import NotRunningError, SettingMissingError
from include.registry.follow.verify import TrustedKeys
from include.stack.bucket import MAX_MODEL_BYTES, bucket_of, trusted_keys_of
from include.stack.http import is_loopback
from include.stack.stack import Stack
from include.stores.objects import ObjectStore

if TYPE_CHECKING:
    from include.cli.airflow_api import AirflowApi


class Installation(Protocol):
    """What commands need of an installation; each property opens it or raises."""

    @property
    def store(self) -> ObjectStore:
        """The bucket."""

    def open_store(self) -> ObjectStore:
        """Return the bucket, whether its server runs or not."""

    @property
    def versions_dir(self) -> Path:
        """Where the last verified version of each pipeline is kept, for when S3 is down."""

    @property
    def trusted_keys(self) -> TrustedKeys:
        """Public keys that versions and approvals are verified with."""

    @property
    def approver_key(self) -> EllipticCurvePrivateKey:
        """The key that signs approvals."""

    @property
    def watcher_key(self) -> EllipticCurvePrivateKey | None:
        """The key that signs timestamps; None where only the watcher has it."""

    @property
    def mongo_url(self) -> str:
        """Connection string of MongoDB, as the user who loads records."""

    @property
    def airflow(self) -> "AirflowApi":
        """Airflow's API, logged in as a user who may trigger DAGs."""

    @property
    def scorer_url(self) -> str | None:
        """Address of a scorer; None if none is configured."""

    @property
    def data_dir(self) -> Path | None:
        """Folder of the user's data sets."""

    @property
    def download_dir(self) -> Path:
        """Where downloaded data sets are kept."""


class EmbeddedInstallation:
    """The servers of this checkout's `.local/`.

    Parameters
    ----------
    stack : Stack
    data_dir : Path or None
        Folder of the user's data sets.
    """

    def __init__(self, stack: Stack, data_dir: Path | None) -> None:
        self.stack = stack
        self.data_dir = data_dir

    @property
    def store(self) -> ObjectStore:
        """The bucket; NotRunningError if S3 does not run."""
        return bucket_of(self.stack)

    def open_store(self) -> ObjectStore:
        """Return the bucket, whether S3 runs or not."""
        return ObjectStore(self.stack.s3.client(), self.stack.settings.bucket)

    @property
    def versions_dir(self) -> Path:
        """Folder under the state folder."""
        return self.stack.settings.state_dir / "versions"

    @property
    def trusted_keys(self) -> TrustedKeys:
        """The stack's public keys."""
        return trusted_keys_of(self.stack)

    @property
    def approver_key(self) -> EllipticCurvePrivateKey:
        """The stack's approver key."""
        return load_private_key(self.stack.secrets.approver_key.read_bytes())

    @property
    def watcher_key(self) -> EllipticCurvePrivateKey:
        """The stack's watcher key."""
        return load_private_key(self.stack.secrets.watcher_key.read_bytes())

    @property
    def mongo_url(self) -> str:
        """Connection string of the loader; NotRunningError if MongoDB does not run."""
        from include.stack.mongo import LOADER, user_url

        if not self.stack.mongo.is_healthy():
            raise NotRunningError("mongo does not run; start it with ./nightcatch up")
        return user_url(LOADER, self.stack.secrets.mongo_loader_password, self.stack.mongo.port)

    @property
    def airflow(self) -> "AirflowApi":
        """Airflow's API; NotRunningError if Airflow does not run."""
        if not self.stack.airflow.is_healthy():
            raise NotRunningError("airflow does not run; start it with ./nightcatch up")
        from include.cli.airflow_api import AirflowApi

        password = self.stack.secrets.airflow_password
        return AirflowApi(self.stack.settings.airflow_url, "admin", password)

    @property
    def scorer_url(self) -> str | None:
        """The scorer's address; None while it does not run."""
        return self.stack.settings.scorer_url if self.stack.scorer.process.pid else None

    @property
    def download_dir(self) -> Path:
        """Folder under the state folder."""
        return self.stack.settings.downloads_dir


class ConfiguredInstallation:
    """Servers that environment variables name, as in Compose and in production.

    Parameters
    ----------
    settings : InstallationSettings
    """

    def __init__(self, settings: InstallationSettings) -> None:
        self.settings = settings

    @cached_property
    def store(self) -> ObjectStore:
        """The bucket; SettingMissingError if no S3 is configured."""
        import boto3
        from botocore.config import Config

        arguments = s3_client_arguments(self.settings)
        config = Config(
            connect_timeout=5,
            read_timeout=20,
            retries={"total_max_attempts": 3},
            proxies={} if is_loopback(arguments.get("endpoint_url") or "") else None,
        )
        client = boto3.client("s3", config=config, **arguments)
        return ObjectStore(client, self.settings.s3_bucket)

    def open_store(self) -> ObjectStore:
        """Return the bucket; SettingMissingError if no S3 is configured."""
        return self.store

    @property
    def versions_dir(self) -> Path:
        """Folder beside the downloads."""
        return self.download_dir / "versions"

    @property
    def trusted_keys(self) -> TrustedKeys:
        """Public keys; SettingMissingError if a variable is not set."""
        approvers = _named("NIGHTCATCH_APPROVER_PUBLIC_KEY", self.settings.approver_public_keys)
        trainers = _named("NIGHTCATCH_TRAINER_PUBLIC_KEY", self.settings.trainer_public_keys)
        return TrustedKeys(
            Approvers(
                (load_public_key(path.read_bytes()) for path in approvers),
                self.settings.approvers_needed,
            ),
            tuple(load_public_key(path.read_bytes()) for path in trainers),
            MAX_MODEL_BYTES,
            tuple(load_public_key(path.read_bytes()) for path in self.settings.watcher_public_keys),
        )

    @property
    def approver_key(self) -> EllipticCurvePrivateKey:
        """The approver's key; SettingMissingError if the variable is not set."""
        path = self.settings.approver_key
        (path,) = _named("NIGHTCATCH_APPROVER_KEY", (path,) if path else ())
        return load_private_key(path.read_bytes())

    @property
    def watcher_key(self) -> EllipticCurvePrivateKey | None:
        """The watcher's key; None if the variable is not set."""
        path = self.settings.watcher_key
        return load_private_key(path.read_bytes()) if path else None

    @property
    def mongo_url(self) -> str:
        """Connection string; SettingMissingError if no MongoDB is configured."""
        return mongo_url(self.settings)

    @property
    def airflow(self) -> "AirflowApi":
        """Airflow's API; SettingMissingError if address or password are not configured."""
        settings = self.settings
        if settings.airflow_url is None or settings.airflow_password is None:
            raise SettingMissingError(
                "set NIGHTCATCH_AIRFLOW_URL and NIGHTCATCH_AIRFLOW_PASSWORD"
                " (user: NIGHTCATCH_AIRFLOW_USER, default admin)"
            )
        from include.cli.airflow_api import AirflowApi

        password = settings.airflow_password.get_secret_value()
        return AirflowApi(settings.airflow_url.rstrip("/"), settings.airflow_user, password)

    @property
    def scorer_url(self) -> str | None:
        """NIGHTCATCH_SCORER_URL."""
        return self.settings.scorer_url

    @property
    def data_dir(self) -> Path | None:
        """NIGHTCATCH_DATA_DIR."""
        return self.settings.data_dir

    @property
    def download_dir(self) -> Path:
        """NIGHTCATCH_DOWNLOAD_DIR, by default the folder that tasks use, too."""
        return self.settings.download_dir or Path.home() / ".cache" / "nightcatch"


def _named(variable: str, paths: tuple[Path, ...]) -> tuple[Path, ...]:
    if not paths:
        raise SettingMissingError(f"{variable} is not set")
    return paths
