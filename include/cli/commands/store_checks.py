"""Check what NightCatch requires of MongoDB and S3: transactions, conditional writes."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pymongo
from pymongo.errors import PyMongoError

from include.cli.commands.host_checks import Check
from include.errors import NightCatchError, PreconditionError
from include.stores.documents import DATABASE
from include.stores.objects import ObjectStore

_COLLECTION = "nightcatch_doctor"
_TIMEOUT_MS = 5_000


def check_majority_write(url: str, remedy: str) -> Check:
    """Return whether a transaction with write concern majority commits.

    Parameters
    ----------
    url : str
        Connection string of MongoDB.
    remedy : str
    """
    try:
        with pymongo.MongoClient[dict[str, Any]](
            url, serverSelectionTimeoutMS=_TIMEOUT_MS, w="majority"
        ) as client:
            release = client.server_info()["version"]
            # In Compose the user has rights on the database of the records only.
            collection = client.get_default_database(default=DATABASE)[_COLLECTION]
            with client.start_session() as session, session.start_transaction():
                collection.insert_one({}, session=session)
            collection.drop()
    except PyMongoError as err:
        return Check("mongo", False, f"a transaction failed: {err}", remedy)
    return Check("mongo", True, f"MongoDB {release} commits transactions")


def check_conditional_writes(store: ObjectStore) -> Check:
    """Return whether If-None-Match and If-Match let only the right writer through.

    Parameters
    ----------
    store : ObjectStore
    """
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
