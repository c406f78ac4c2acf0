"""A real MongoDB: one ``mongod`` as a single-node replica set on the loopback."""

import os
import re
import shutil
import subprocess
import sysconfig
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pymongo
from pymongo.errors import OperationFailure, PyMongoError

from include.errors import ServerDiedError
from include.stack.keys import ensure_secrets
from include.stack.ports import HOST, pick_port, require_free_ports
from include.stack.process import ServerProcess
from include.stores.documents import DATABASE

REPLICA_SET = "rs0"
_READY_TIMEOUT_S = 60.0
_ALREADY_INITIALISED = 23
# May read the records, and write them.
READER, LOADER = "nightcatch_reader", "nightcatch_loader"
_ROLES = {READER: "read", LOADER: "readWrite"}
# The members of a replica set know each other as this user, whose password is the key file. It is
# there before any other, so the first start needs no moment without passwords.
_ADMINISTRATOR = "__system"


class MongoServer:
    """A ``mongod`` whose data survive a restart, and which asks for a password.

    Parameters
    ----------
    state_dir : Path
        Holds the data (``mongo/``), the passwords (in ``secrets/``), the log and the pid file.
    port : int, optional
        TCP port of 127.0.0.1; a free one is picked by default.
    cancelled : threading.Event, optional
        Once set, a start ends with an error.
    """

    name = "mongo"

    def __init__(
        self, state_dir: Path, port: int | None = None, cancelled: threading.Event | None = None
    ) -> None:
        self.port = port or pick_port()
        self.process = ServerProcess(self.name, state_dir, cancelled)
        self._data_dir = state_dir / "mongo"
        self._secrets = ensure_secrets(state_dir / "secrets")

    @property
    def url(self) -> str:
        """Connection string of the administrator, without a database."""
        return (
            f"mongodb://{_ADMINISTRATOR}:{self._secrets.mongo_key.read_text()}@{HOST}:{self.port}/"
            f"?replicaSet={REPLICA_SET}&authSource=local"
        )

    def start(self) -> None:
        """Return when the replica set has a primary; a server that runs already is kept.

        Raises
        ------
        PortTakenError
            If another program listens on the port.
        ServerDiedError, ServerTimeoutError
            If it does not come up; nothing is left running then.
        """
        if self.process.pid is None:
            require_free_ports(self.name, [self.port], "NIGHTCATCH_MONGO_PORT")
            self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.process.stopped_on_failure():
            self.process.start(self._command(), os.environ, self._data_dir)
            with self._direct_client() as client:
                self.process.wait_until(lambda: _initiated(client, self.port), _READY_TIMEOUT_S)
                self.process.wait_until(lambda: _is_primary(client), _READY_TIMEOUT_S)
                grant_access(client, self._passwords())

    def stop(self) -> None:
        """Stop the server after it has flushed its data."""
        self.process.stop(grace_s=30.0)

    def kill(self) -> None:
        """Kill the server."""
        self.process.kill()

    def is_healthy(self) -> bool:
        """Return whether the server is the primary."""
        with self._direct_client() as client:
            return _is_primary(client)

    def _passwords(self) -> dict[str, str]:
        return {
            READER: self._secrets.mongo_reader_password,
            LOADER: self._secrets.mongo_loader_password,
        }

    def _direct_client(self) -> "pymongo.MongoClient[dict[str, Any]]":
        return pymongo.MongoClient(
            HOST,
            self.port,
            username=_ADMINISTRATOR,
            password=self._secrets.mongo_key.read_text(),
            authSource="local",
            directConnection=True,
            serverSelectionTimeoutMS=300,
        )

    def _command(self) -> list[str]:
        return [
            str(find_mongod()),
            *("--dbpath", str(self._data_dir), "--bind_ip", HOST, "--port", str(self.port)),
            *("--replSet", REPLICA_SET, "--wiredTigerCacheSizeGB", "0.5", "--nounixsocket"),
            *("--keyFile", str(self._secrets.mongo_key)),
            *("--setParameter", "enableLocalhostAuthBypass=false"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false", "--quiet"),
        ]


def grant_access(
    client: "pymongo.MongoClient[dict[str, Any]]", passwords: Mapping[str, str]
) -> None:
    """Return when the users of the pipelines' records have these passwords.

    Parameters
    ----------
    client : pymongo.MongoClient
        Connected as an administrator.
    passwords : mapping of str to str
        Of `READER` and `LOADER`.

    Raises
    ------
    PyMongoError
        If the server is away.
    """
    database = client[DATABASE]
    known = {user["user"] for user in database.command("usersInfo")["users"]}
    for user, password in passwords.items():
        command = "updateUser" if user in known else "createUser"
        database.command(command, user, pwd=password, roles=[_ROLES[user]])


def user_url(user: str, password: str, port: int) -> str:
    """Return the connection string of a user of the records."""
    return (
        f"mongodb://{user}:{password}@{HOST}:{port}/{DATABASE}"
        f"?replicaSet={REPLICA_SET}&authSource={DATABASE}"
    )


def find_mongod() -> Path:
    """Return the newer of the ``mongod`` on PATH and the one that the wheel installed.

    Returns
    -------
    Path

    Raises
    ------
    ServerDiedError
        If there is neither.
    """
    candidates = [Path(sysconfig.get_path("purelib"), "fiftyone", "db", "bin", "mongod")]
    if on_path := shutil.which("mongod"):
        candidates.append(Path(on_path))
    versions = {path: mongod_version(path) for path in candidates if path.exists()}
    if not any(versions.values()):
        raise ServerDiedError(
            "mongo: no mongod that runs was found; install MongoDB 6 or newer and put it on PATH"
        )
    return max(versions, key=lambda path: versions[path])


def mongod_version(path: Path) -> tuple[int, ...]:
    """Return the version a ``mongod`` reports; empty if it cannot be run on this machine.

    Parameters
    ----------
    path : Path
        The program; made executable if it is not, since wheels lose the bit.

    Returns
    -------
    tuple of int
    """
    try:
        if not os.access(path, os.X_OK):
            path.chmod(0o755)
        result = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"db version v(\d+)\.(\d+)\.(\d+)", result.stdout)
    return tuple(int(part) for part in found.groups()) if found else ()


def _initiated(client: "pymongo.MongoClient[dict[str, Any]]", port: int) -> bool:
    member = {"_id": 0, "host": f"{HOST}:{port}"}
    try:
        client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
    except OperationFailure as err:
        if err.code != _ALREADY_INITIALISED:
            return False
        return _moved(client, member)
    except PyMongoError:
        return False
    return True


def _moved(client: "pymongo.MongoClient[dict[str, Any]]", member: dict[str, Any]) -> bool:
    """Give the set's only member its present port, in case that was changed by a setting."""
    config = client.local["system.replset"].find_one({"_id": REPLICA_SET})
    if config is None:
        return False
    if config["members"][0]["host"] != member["host"]:
        config["members"][0]["host"] = member["host"]
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)
    return True


def _is_primary(client: "pymongo.MongoClient[dict[str, Any]]") -> bool:
    try:
        return bool(client.admin.command("hello").get("isWritablePrimary"))
    except PyMongoError:
        return False
