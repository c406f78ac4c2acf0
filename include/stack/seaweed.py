"""A real S3 store: SeaweedFS in one process on the loopback, with credentials and a bucket."""

import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from include.errors import PortTakenError, ServerDiedError
from include.stack.keys import ensure_secrets
from include.stack.ports import HOST, pick_port, require_free_ports
from include.stack.process import ServerProcess

REGION = "us-east-1"
_READY_TIMEOUT_S = 60.0
# After a restart the first write may wait for a volume that is not there yet, and never end.
_PROBE_TIMEOUT_S = 2.0
_GRPC_OFFSET = 10_000
# The S3 port, and behind it those of the master, volume, filer and admin servers.
_HTTP_OFFSETS = range(5)
_ALL_OFFSETS = [*_HTTP_OFFSETS, *(offset + _GRPC_OFFSET for offset in _HTTP_OFFSETS)]
_PROBE_KEY = "probe/"
_HIGHEST_PORT = 65_535 - _GRPC_OFFSET - max(_HTTP_OFFSETS)


class SeaweedServer:
    """A ``weed mini`` whose objects survive a restart.

    Behind S3, the servers of master, volume, filer and administration would serve every bucket
    without a key: they are bound to 127.0.0.1 and answer only who shows the store's certificate.

    Parameters
    ----------
    state_dir : Path
        Holds the objects (``s3/``), the certificate (in ``secrets/``), the log and the pid file.
    access_key, secret_key : str
        The only credentials the store accepts.
    port : int, optional
        S3 port of 127.0.0.1; the four behind it and those 10,000 higher are used too.
        Free ones are picked by default.
    bucket : str
        Created if it does not exist.
    cancelled : threading.Event, optional
        Once set, a start ends with an error.
    """

    name = "s3"

    def __init__(
        self,
        state_dir: Path,
        access_key: str,
        secret_key: str,
        port: int | None = None,
        bucket: str = "nightcatch",
        cancelled: threading.Event | None = None,
    ) -> None:
        self.port = port or pick_port(_ALL_OFFSETS)
        self.access_key = access_key
        self.secret_key = secret_key
        self.bucket = bucket
        self.process = ServerProcess(self.name, state_dir, cancelled)
        self._data_dir = state_dir / "s3"
        self._certificate = ensure_secrets(state_dir / "secrets").s3_certificate

    @property
    def endpoint_url(self) -> str:
        """Where S3 clients connect."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Return when the bucket exists; a server that runs already is kept.

        Raises
        ------
        PortTakenError
            If another program listens on one of the ports.
        ServerDiedError, ServerTimeoutError
            If it does not come up; nothing is left running then.
        """
        if self.process.pid is None:
            self._require_ports()
            self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        env = {
            **os.environ,
            **_mutual_tls(self._certificate),
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }
        with self.process.stopped_on_failure():
            self.process.start(self._command(), env, self._data_dir)
            client = self.client(_PROBE_TIMEOUT_S)
            self.process.wait_until(lambda: _keeps_objects(client, self.bucket), _READY_TIMEOUT_S)

    def stop(self) -> None:
        """Return when the server has ended."""
        self.process.stop(grace_s=15.0)

    def kill(self) -> None:
        """Return when the server was killed without warning."""
        self.process.kill()

    def is_healthy(self) -> bool:
        """Return whether the bucket can be written and read."""
        return _keeps_objects(self.client(), self.bucket)

    def client(self, read_timeout_s: float = 20.0) -> Any:  # boto3 makes its classes at run time
        """Return a new boto3 S3 client with the server's credentials."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=REGION,
            config=Config(
                connect_timeout=2,
                read_timeout=read_timeout_s,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
                proxies={},
            ),
        )

    def _require_ports(self) -> None:
        if self.port > _HIGHEST_PORT:
            raise PortTakenError(
                f"s3: port {self.port} is too high, since {_GRPC_OFFSET} is added to it;"
                f" set NIGHTCATCH_S3_PORT to at most {_HIGHEST_PORT}"
            )
        require_free_ports(
            self.name, [self.port + offset for offset in _ALL_OFFSETS], "NIGHTCATCH_S3_PORT"
        )

    def _command(self) -> list[str]:
        s3, master, volume, filer, admin = (self.port + offset for offset in _HTTP_OFFSETS)
        ports = {"s3": s3, "master": master, "volume": volume, "filer": filer, "admin": admin}
        return [
            *(find_weed(), "-logtostderr=true", "mini", f"-dir={self._data_dir}"),
            *(f"-ip={HOST}", f"-ip.bind={HOST}", "-master.telemetry=false", "-admin.ui=false"),
            *("-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
            # By default pages of every origin may use S3.
            *(f"-{server}.allowedOrigins={self.endpoint_url}" for server in ("s3", "filer")),
            *(f"-{server}.port={port}" for server, port in ports.items()),
        ]


def find_weed() -> str:
    """Return the path of ``weed``: the environment's own, else the one on PATH.

    Returns
    -------
    str

    Raises
    ------
    ServerDiedError
        If there is neither.
    """
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    found = shutil.which("weed", path=places)
    if found is None:
        raise ServerDiedError("s3: no program weed was found; install requirements.txt again")
    return found


def _mutual_tls(certificate: Path) -> dict[str, str]:
    """Return SeaweedFS's settings by which its parts accept each other's certificate only."""
    pem = str(certificate)
    settings = {"WEED_GRPC_CA": pem, "WEED_HTTPS_CLIENT_ENABLED": "true"}
    for part in ("MASTER", "VOLUME", "FILER", "ADMIN", "CLIENT"):
        settings |= {f"WEED_HTTPS_{part}_{name}": pem for name in ("CERT", "KEY", "CA")}
    for part in ("MASTER", "VOLUME", "FILER", "ADMIN", "CLIENT", "S3", "WORKER"):
        settings |= {f"WEED_GRPC_{part}_{name}": pem for name in ("CERT", "KEY")}
    return settings


def _keeps_objects(client: Any, bucket: str) -> bool:
    """Write and read an object: after a restart, buckets are listed before objects can be read."""
    try:
        if bucket not in {each["Name"] for each in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=bucket)
        key = f"{_PROBE_KEY}{uuid4().hex}"  # of two that probe at once, one must not delete it
        client.put_object(Bucket=bucket, Key=key, Body=b"ready")
        client.get_object(Bucket=bucket, Key=key)["Body"].read()
        client.delete_object(Bucket=bucket, Key=key)
    except (ClientError, BotoCoreError):
        return False
    return True
