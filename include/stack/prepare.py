"""Prepare a Compose stack: signing keys, the UI's password, bucket, database users.

Only what is missing is made, except the password, which follows its variable.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pymongo
from botocore.exceptions import BotoCoreError, ClientError
from pymongo.errors import OperationFailure, PyMongoError

from include.errors import ServerTimeoutError, SettingMissingError
from include.stack.keys import PRIVATE_MODE, ensure_secrets
from include.stack.mongo import LOADER, READER, REPLICA_SET, grant_access
from include.stores.documents import DATABASE

_TIMEOUT_S = 120.0
_PAUSE_S = 0.5
_ALREADY_INITIALISED = 23
_EARLIER_USER = "nightcatch"


def prepare_keys(folder: Path, admin_password: str) -> None:
    """Return when ``private/``, ``public/`` and ``login/`` hold what their readers need.

    Parameters
    ----------
    folder : Path
        The three are separate folders, so that each container mounts only its own.
    admin_password : str
        Of the Airflow user `admin`.
    """
    secrets = ensure_secrets(folder / "private")
    for key in (
        *(secrets.trainer_public_key, secrets.approver_public_key),
        secrets.watcher_public_key,
    ):
        public = folder / "public" / key.name
        shutil.copyfile(key, public)
        public.chmod(0o644)
    passwords = folder / "login" / "passwords.json"
    passwords.touch(mode=PRIVATE_MODE)
    passwords.write_text(json.dumps({"admin": admin_password}))


def prepare_database(
    client: "pymongo.MongoClient[dict[str, Any]]", host: str, passwords: Mapping[str, str]
) -> None:
    """Return when the replica set is there and the records' users have these passwords.

    Parameters
    ----------
    client : pymongo.MongoClient
        Connected directly, as the administrator.
    host : str
        The server as clients name it, with its port.
    passwords : mapping of str to str
        Of the users of `include.stack.mongo`.

    Raises
    ------
    PyMongoError
        If the server is unavailable, or has no primary yet.
    """
    try:
        members = [{"_id": 0, "host": host}]
        client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
    except OperationFailure as err:
        if err.code != _ALREADY_INITIALISED:
            raise
    grant_access(client, passwords)
    with suppress(OperationFailure):  # of earlier releases, who might write what runs read
        client[DATABASE].command("dropUser", _EARLIER_USER)


def prepare_bucket(client: Any, bucket: str) -> None:  # boto3 makes its client classes at run time
    """Return when the bucket is there.

    Raises
    ------
    ClientError, BotoCoreError
        If the server is unavailable or rejects the request.
    """
    if bucket not in {each["Name"] for each in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=bucket)


def main(environ: Mapping[str, str], folder: Path) -> None:
    """Return when keys, bucket and database user are there.

    Raises
    ------
    SettingMissingError
        If a variable is not set.
    ServerTimeoutError
        If a step still fails after two minutes.
    """
    prepare_keys(folder, _required(environ, "AIRFLOW_ADMIN_PASSWORD"))
    host = _required(environ, "MONGO_HOST")
    root_password = _required(environ, "MONGO_ROOT_PASSWORD")
    passwords = {
        READER: _required(environ, "MONGO_READER_PASSWORD"),
        LOADER: _required(environ, "MONGO_LOADER_PASSWORD"),
    }
    with pymongo.MongoClient[dict[str, Any]](
        host, username="root", password=root_password, directConnection=True
    ) as mongo:
        _until_done(lambda: prepare_database(mongo, host, passwords))
    s3 = boto3.client("s3", endpoint_url=_required(environ, "NIGHTCATCH_S3_ENDPOINT"))
    bucket = _required(environ, "NIGHTCATCH_S3_BUCKET")
    _until_done(lambda: prepare_bucket(s3, bucket))


def _required(environ: Mapping[str, str], name: str) -> str:
    if not (value := environ.get(name)):
        raise SettingMissingError(f"{name} is not set")
    return value


def _until_done(step: Callable[[], None]) -> None:
    """Retry a step until it succeeds: servers reject requests while they start."""
    deadline_s = time.monotonic() + _TIMEOUT_S
    while True:
        try:
            return step()
        except (BotoCoreError, ClientError, PyMongoError) as err:
            if time.monotonic() > deadline_s:
                raise ServerTimeoutError(f"still failing after {_TIMEOUT_S:.0f} s: {err}") from err
        time.sleep(_PAUSE_S)


if __name__ == "__main__":
    main(os.environ, Path("/var/lib/nightcatch"))
