"""Whether MongoDB and S3 really keep the promises that NightCatch stands on."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pymongo
from pymongo.errors import PyMongoError

from include.cli.host_checks import Check
from include.errors import NightCatchError, PreconditionError
from include.stack.mongo import MongoServer
from include.stack.seaweed import SeaweedServer
from include.stores.objects import ObjectStore

_DATABASE = "nightcatch_doctor"
_TIMEOUT_MS = 5_000


def check_majority_write(server: MongoServer) -> Check:
    """Return whether a transaction with write concern majority commits.

    Parameters
    ----------
    server : MongoServer
        Must run.
    """
    remedy = f"see {server.process.log_path}; ./nightcatch down, then up"
    try:
        with pymongo.MongoClient[dict[str, Any]](
            server.url, serverSelectionTimeoutMS=_TIMEOUT_MS, w="majority"
        ) as client:
            release = client.server_info()["version"]
            with client.start_session() as session, session.start_transaction():
                client[_DATABASE].checks.insert_one({}, session=session)
            client.drop_database(_DATABASE)
    except PyMongoError as err:
        return Check("mongo", False, f"a transaction failed: {err}", remedy)
    return Check("mongo", True, f"MongoDB {release} commits transactions")


def check_conditional_writes(server: SeaweedServer) -> Check:
    """Return whether If-None-Match and If-Match let only the right writer through.

    Parameters
    ----------
    server : SeaweedServer
        Must run.
    """
    store = ObjectStore(server.client(), server.bucket)
    key = f"doctor/{uuid4().hex}"
    remedy = "two approvals could both win; use another S3 store, or see its log"
    try:
        etag = store.put_if_absent(key, b"1")
        refused = _is_refused(lambda: store.put_if_absent(key, b"2"))
        store.replace(key, b"3", etag)
        stale = _is_refused(lambda: store.replace(key, b"4", etag))
        kept = store.get(key) == b"3"
        store.delete(key)
    except NightCatchError as err:
        return Check("s3", False, f"a conditional write failed: {err}", remedy)
    if not (refused and stale and kept):
        return Check("s3", False, "a conditional write went through that must not", remedy)
    return Check("s3", True, "conditional writes (If-None-Match, If-Match) hold")


def _is_refused(write: Callable[[], object]) -> bool:
    try:
        write()
    except PreconditionError:
        return True
    return False
