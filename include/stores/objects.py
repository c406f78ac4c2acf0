"""Objects in one S3 bucket, with the conditional writes that exactly-once promotion stands on."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from include.errors import (
    ObjectMissingError,
    PreconditionError,
    StoreRefusedError,
    StoreUnavailableError,
    VersionRefusedError,
)

_MISSING = {"NoSuchKey", "404", "NoSuchBucket", "NotFound"}
_LOST_RACE = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409"}
_NOT_MODIFIED = {"304", "NotModified"}
_SLOWEST_BYTES_PER_S = 100 * 1024
_NO_TIMEOUT_S = 0.001
_DOWNLOADED_BYTES = 1024 * 1024
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
"""Of an object that is read without a limit of its own: no document of ours is as large."""
MAX_OBJECT_BYTES = 5 * 1024 * 1024 * 1024
"""Of any object: S3 takes none larger in one request."""


@dataclass(frozen=True)
class Fetched:
    """An object's content and the ETag to make the next request conditional with.

    Attributes
    ----------
    body : bytes
    etag : str
    """

    body: bytes
    etag: str


@dataclass(frozen=True)
class Entry:
    """An object as a listing shows it.

    Attributes
    ----------
    key : str
    size_bytes : int
    modified_at : datetime
        Aware; by the server's clock.
    etag : str
    """

    key: str
    size_bytes: int
    modified_at: datetime
    etag: str = ""


class ObjectStore:
    """One S3 bucket.

    Parameters
    ----------
    client : boto3 S3 client
        Opened by the caller; never closed here. Typed `Any`: boto3 makes its classes at run time.
    bucket : str
    timeout_s : float or None
        An object that is read more slowly than `_SLOWEST_BYTES_PER_S` for longer than this is given
        up: a server that sends a byte now and then would else never come to an end.
    """

    def __init__(self, client: Any, bucket: str, timeout_s: float | None = None) -> None:
        self._client = client
        self.bucket = bucket
        self._timeout_s = timeout_s

    def get(self, key: str, max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
        """Return the object's content.

        Parameters
        ----------
        key : str
        max_bytes : int
            Refuse a larger object before reading it.

        Raises
        ------
        ObjectMissingError, VersionRefusedError, StoreUnavailableError
        """
        return self.fetch(key, max_bytes).body

    def fetch(self, key: str, max_bytes: int = MAX_DOCUMENT_BYTES) -> Fetched:
        """Return the object's content with its ETag; errors as in `get`."""
        with _translated(self.bucket, key):
            answer = self._client.get_object(Bucket=self.bucket, Key=key)
            return Fetched(self._read(answer, key, max_bytes), answer["ETag"])

    def fetch_if_changed(
        self, key: str, etag: str | None, max_bytes: int = MAX_DOCUMENT_BYTES
    ) -> Fetched | None:
        """Return the object unless its ETag is still `etag`; then None. Errors as in `get`."""
        condition = {} if etag is None else {"IfNoneMatch": etag}
        with _translated(self.bucket, key):
            try:
                answer = self._client.get_object(Bucket=self.bucket, Key=key, **condition)
            except ClientError as err:
                if _code(err) in _NOT_MODIFIED:
                    return None
                raise
            return Fetched(self._read(answer, key, max_bytes), answer["ETag"])
        return None

    def download(self, key: str, path: Path, etag: str) -> None:
        """Leave the content of an object in a local file, however large it is.

        Raises
        ------
        PreconditionError
            If its ETag is another one.
        ObjectMissingError, StoreUnavailableError
        """
        with _translated(self.bucket, key), path.open("wb") as file:
            answer = self._client.get_object(Bucket=self.bucket, Key=key, IfMatch=etag)
            with closing(answer["Body"]) as body:
                for block in body.iter_chunks(_DOWNLOADED_BYTES):
                    file.write(block)

    def _read(self, answer: dict[str, Any], key: str, max_bytes: int) -> bytes:
        body, size_bytes = answer["Body"], answer["ContentLength"]
        try:
            if size_bytes > max_bytes:
                raise VersionRefusedError(f"{key}: {size_bytes} bytes, the limit is {max_bytes}")
            if self._timeout_s is None:
                return bytes(body.read())
            with _short_timeouts(body, self._timeout_s + size_bytes / _SLOWEST_BYTES_PER_S):
                return bytes(body.read())
        finally:
            body.close()

    def exists(self, key: str) -> bool:
        """Return whether the object is there."""
        try:
            with _translated(self.bucket, key):
                self._client.head_object(Bucket=self.bucket, Key=key)
        except ObjectMissingError:
            return False
        return True

    def keys_under(self, prefix: str) -> Iterator[str]:
        """Yield every key under `prefix`, in order."""
        return (entry.key for entry in self.entries_under(prefix))

    def entries_under(self, prefix: str) -> Iterator[Entry]:
        """Yield every object under `prefix` with its size and age, in order."""
        pages = self._client.get_paginator("list_objects_v2")
        with _translated(self.bucket, prefix):
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
                for found in page.get("Contents", ()):
                    yield Entry(found["Key"], found["Size"], found["LastModified"], found["ETag"])

    def folders(self, prefix: str) -> list[str]:
        """Return the names directly under `prefix` that hold objects, in order."""
        pages = self._client.get_paginator("list_objects_v2")
        names: list[str] = []
        with _translated(self.bucket, prefix):
            for page in pages.paginate(Bucket=self.bucket, Prefix=prefix, Delimiter="/"):
                for entry in page.get("CommonPrefixes", ()):
                    names.append(entry["Prefix"][len(prefix) :].rstrip("/"))
        return names

    def put(self, key: str, body: bytes, content_type: str = "application/octet-stream") -> None:
        """Leave `body` under `key`, whatever was there."""
        with _translated(self.bucket, key):
            self._client.put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType=content_type
            )

    def put_file(
        self, key: str, path: Path, content_type: str = "application/octet-stream"
    ) -> None:
        """Leave the content of a local file under `key`, sent in parts when it is large."""
        with _translated(self.bucket, key):
            self._client.upload_file(
                str(path), self.bucket, key, ExtraArgs={"ContentType": content_type}
            )

    def put_if_absent(
        self, key: str, body: bytes, content_type: str = "application/octet-stream"
    ) -> str:
        """Return the ETag of `body`, now under a key that held nothing.

        Raises
        ------
        PreconditionError
            If the key held something; it is left as it was.
        """
        with _translated(self.bucket, key):
            answer = self._client.put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType=content_type, IfNoneMatch="*"
            )
            return str(answer["ETag"])

    def replace(
        self, key: str, body: bytes, etag: str, content_type: str = "application/json"
    ) -> str:
        """Return the ETag of `body`, now in the place of the content whose ETag was `etag`.

        Raises
        ------
        PreconditionError
            If the key held anything else; it is left as it was.
        """
        with _translated(self.bucket, key):
            answer = self._client.put_object(
                Bucket=self.bucket, Key=key, Body=body, ContentType=content_type, IfMatch=etag
            )
            return str(answer["ETag"])

    def delete(self, key: str) -> None:
        """Return when nothing is under `key`."""
        with _translated(self.bucket, key):
            self._client.delete_object(Bucket=self.bucket, Key=key)


@contextmanager
def _short_timeouts(body: Any, seconds: float) -> Iterator[None]:
    """Let a read of `body` go on for so long; then its next wait for bytes is its last."""

    def time_out() -> None:
        with suppress(AttributeError):  # all was read meanwhile
            body.set_socket_timeout(_NO_TIMEOUT_S)

    timer = threading.Timer(seconds, time_out)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _code(err: ClientError) -> str:
    return str(err.response.get("Error", {}).get("Code", ""))


@contextmanager
def _translated(bucket: str, key: str) -> Iterator[None]:
    try:
        yield
    except ClientError as err:
        code = _code(err)
        status = err.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _MISSING:
            raise ObjectMissingError(f"s3://{bucket}/{key} is not there ({code})") from err
        if code in _LOST_RACE:
            raise PreconditionError(f"s3://{bucket}/{key} was written by somebody else") from err
        if status >= 500 or code in {"SlowDown", "RequestTimeout", "InternalError"}:
            raise StoreUnavailableError(f"S3 answered {status} {code} for {key}") from err
        raise StoreRefusedError(f"S3 refused {key}: {code or status}") from err
    except (
        ConnectionError,
        HTTPClientError,
        IncompleteReadError,
        ReadTimeoutError,
        ResponseStreamingError,
    ) as err:
        raise StoreUnavailableError(f"S3 cannot be reached for {key}: {err}") from err
    except (BotoCoreError, S3UploadFailedError) as err:
        raise StoreUnavailableError(f"S3 cannot be used for {key}: {err}") from err
