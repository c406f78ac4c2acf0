"""Fetch a feed once: conditional, within its limits, and completing what a killed fetch left."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx

from include.errors import DatasetRefusedError, FeedUnavailableError
from include.ingest.feeds.folder import Folder
from include.ingest.feeds.settings import FeedSettings
from include.ingest.feeds.transport import open_client
from include.ingest.feeds.unpack import Part, unpack
from include.ingest.files.download import inside
from include.stores.objects import ObjectStore

_TIMEOUT_S = 30.0
_MAX_REDIRECTS = 5
_MAX_RETRY_AFTER_S = 31 * 86_400.0
_ENCODINGS = ("", "identity", "gzip", "x-gzip")
_SECURE = {("http", "https"), ("http", "http"), ("https", "https")}


@dataclass(frozen=True)
class Validators:
    """What a response says of its version; sent back, so that an unchanged feed is not sent again.

    Attributes
    ----------
    etag, last_modified : str
        Empty where the response has none.
    """

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True)
class Target:
    """Where and how a feed is requested; may hold a password, so it is never shown.

    Attributes
    ----------
    url : str
    headers : mapping of str to str
    """

    url: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, feed: FeedSettings, now: datetime, login: str, password: str) -> Self:
        """Return where a feed is requested now, with the credentials of its connection."""
        url = feed.request_url(now, login, password)
        return cls(url, feed.request_headers(login, password))


@dataclass(frozen=True)
class Fetched:
    """What came of a request.

    Attributes
    ----------
    path : Path or None
        The feed, unpacked; None where it has not changed.
    validators : Validators
    sha256 : str
        Of the unpacked feed.
    has_more : bool
        Whether further files of a folder wait.
    """

    path: Path | None
    validators: Validators
    sha256: str = ""
    has_more: bool = False


def fetch(
    feed: FeedSettings,
    target: Target,
    known: Validators,
    work_dir: Path,
    now: datetime,
    *,
    data_dir: Path | None = None,
    store: ObjectStore | None = None,
    timeout_s: float = _TIMEOUT_S,
) -> Fetched:
    """Return the feed, unless it is still as `known` says.

    Parameters
    ----------
    feed : FeedSettings
        Its limits.
    target : Target
        Of `FeedSettings.request_url` and `request_headers`.
    known : Validators
        Of the last pull that landed.
    work_dir : Path
        Where files of this feed lie meanwhile; what a killed fetch left there is completed by a
        range request if the server still has the same version.
    now : datetime
        Aware: what a date in ``Retry-After`` counts from.
    data_dir : Path, optional
        Where ``file:`` addresses lie.
    store : ObjectStore, optional
        Where ``s3:`` addresses lie.
    timeout_s : float
        For each step of the exchange; the whole may take the feed's `deadline_s`.

    Raises
    ------
    FeedUnavailableError
        If no complete response came within the limits; names the reason, never the address's
        query.
    """
    if feed.is_folder:
        return _next_file(Folder(feed, data_dir, store), feed, known, work_dir, now)
    if target.url.startswith("file:"):
        return _read_file(target.url, known, data_dir)
    work_dir.mkdir(parents=True, exist_ok=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs addresses with their keys
    part = Part(work_dir / f"{feed.name}.part", feed.max_bytes)
    exchange = _Exchange(feed, target, known, part)
    try:
        with open_client(
            allow_private=feed.allow_private, timeout_s=timeout_s, deadline_s=feed.deadline_s
        ) as client:
            response = exchange.send(client)
            try:
                found = exchange.receive(response, now)
            finally:
                response.close()
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as err:
        raise FeedUnavailableError(f"{_shown(target.url)}: {_reason(err)}") from err
    if found is None:
        return Fetched(None, known)
    try:
        path = unpack(part.path, work_dir / f"{feed.name}.records", feed.max_unpacked_bytes)
    finally:
        part.discard()
    with path.open("rb") as file:
        return Fetched(path, found, hashlib.file_digest(file, "sha256").hexdigest())


def _read_file(url: str, known: Validators, data_dir: Path | None) -> Fetched:
    try:
        path = inside(data_dir, url.removeprefix("file:").lstrip("/"))
    except DatasetRefusedError as err:
        raise FeedUnavailableError(str(err)) from err
    found = path.stat()
    validators = Validators(etag=f"{found.st_mtime_ns}-{found.st_size}")
    if validators == known:
        return Fetched(None, known)
    with path.open("rb") as file:
        return Fetched(path, validators, hashlib.file_digest(file, "sha256").hexdigest())


def _next_file(
    folder: Folder, feed: FeedSettings, known: Validators, work_dir: Path, now: datetime
) -> Fetched:
    waiting = folder.after(known.etag, now)
    if not waiting:
        return Fetched(None, known)
    mark, name = waiting[0]
    path, sha256 = folder.read(name, work_dir / f"{feed.name}.records")
    return Fetched(path, Validators(etag=mark), sha256, has_more=len(waiting) > 1)


class _Exchange:
    """One request with its redirects, and its response."""

    def __init__(self, feed: FeedSettings, target: Target, known: Validators, part: Part) -> None:
        self._feed = feed
        self._target = target
        self._known = known
        self._part = part
        self._resumed = part.etag_of(target.url)

    def send(self, client: httpx.Client) -> httpx.Response:
        """Return the response that is no redirect, its body not read yet."""
        url, own_host = httpx.URL(self._target.url), True
        for _ in range(_MAX_REDIRECTS):
            response = client.send(self._request(client, url, own_host), stream=True)
            if not response.has_redirect_location:
                return response
            response.close()
            moved = url.join(response.headers["location"])
            own_host = self._check_redirect(url, moved) and own_host
            url = moved
        raise FeedUnavailableError(f"{_shown(self._target.url)}: too many redirects")

    def _request(self, client: httpx.Client, url: httpx.URL, own_host: bool) -> httpx.Request:
        """Return the request; another host than the feed's own gets no credentials."""
        headers = {"User-Agent": "NightCatch", "Accept-Encoding": "gzip"}
        if own_host:
            headers |= self._target.headers
        if self._resumed:
            headers |= {"Range": f"bytes={self._part.size_bytes}-", "If-Range": self._resumed}
        else:
            if self._known.etag:
                headers["If-None-Match"] = self._known.etag
            if self._known.last_modified:
                headers["If-Modified-Since"] = self._known.last_modified
        return client.build_request("GET", url, headers=headers)

    def _check_redirect(self, url: httpx.URL, moved: httpx.URL) -> bool:
        """Return whether a redirect stays on the host; raise if it leads where it must not."""
        same = (moved.host, moved.port) == (url.host, url.port)
        if (url.scheme, moved.scheme) not in _SECURE or not (
            moved.host == url.host or moved.host in self._feed.redirect_hosts
        ):
            raise FeedUnavailableError(
                f"{_shown(str(url))}: moved to {moved.scheme}://{moved.host}; if that is the feed's"
                " own place, change its address or name the host in redirect_hosts"
            )
        return same

    def receive(self, response: httpx.Response, now: datetime) -> Validators | None:
        """Write the body to the part's file; return what it is a version of, None if unchanged."""
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return None
        if response.status_code not in (httpx.codes.OK, httpx.codes.PARTIAL_CONTENT):
            if self._resumed:
                self._part.discard()
            raise FeedUnavailableError(
                f"{_shown(self._target.url)}: HTTP {response.status_code}",
                _retry_after_s(response.headers.get("retry-after", ""), now),
            )
        encoding = response.headers.get("content-encoding", "").lower()
        if encoding not in _ENCODINGS:
            raise FeedUnavailableError(f"{_shown(self._target.url)}: encoding {encoding!r}")
        found = Validators(
            response.headers.get("etag", ""), response.headers.get("last-modified", "")
        )
        resumes = response.status_code == httpx.codes.PARTIAL_CONTENT
        with self._part.opened(self._target.url, found.etag, resumes=resumes) as write:
            for chunk in response.iter_raw():
                write(chunk)
        return found


def _retry_after_s(value: str, now: datetime) -> float:
    """Return the seconds that a ``Retry-After`` header asks for; 0 where it says nothing."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            until = parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError):
            return 0.0
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        seconds = (until - now).total_seconds()
    return min(max(seconds, 0.0), _MAX_RETRY_AFTER_S) if seconds == seconds else 0.0


def _shown(url: str) -> str:
    """Return an address without what may be secret in it: user, path and query."""
    return urlsplit(url).hostname or ""


def _reason(err: Exception) -> str:
    if isinstance(err, httpx.TimeoutException):
        return "no connection in time" if isinstance(err, httpx.ConnectTimeout) else "time-out"
    return str(err) or type(err).__name__
