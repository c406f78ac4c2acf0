"""Finds a public data set: a file given, the cache, or a download checked by its SHA-256."""

import hashlib
import http.client
import logging
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import build_opener

from include.errors import DatasetRefusedError, SettingMissingError

_LOG = logging.getLogger(__name__)
_TIMEOUT_S = 5.0
_CHUNK_BYTES = 1024 * 1024
_LIMIT_BYTES = 256 * 1024 * 1024
_BROKEN_OFF = (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError)

Origin = Literal["given", "cache", "download", "simulated"]
Opener = Callable[..., Any]  # urllib's `open(url, data, timeout)`, whose answer it types as Any


@dataclass(frozen=True)
class Dataset:
    """A public data set.

    Attributes
    ----------
    name : str
        Names the cached copy; fit for a file name.
    file_names : tuple of str
        What people call its file, the most likely first.
    urls : tuple of str
        Addresses of the same bytes, tried in turn; none where it cannot be downloaded.
    sha256 : str
        Hex digest of those bytes.
    """

    name: str
    file_names: tuple[str, ...]
    urls: tuple[str, ...] = ()
    sha256: str = ""


@dataclass(frozen=True)
class Found:
    """Where a data set was found.

    Attributes
    ----------
    path : Path or None
        None only when `origin` is "simulated".
    origin : {"given", "cache", "download", "simulated"}
        "simulated": no file here and no way to the internet, so records must be synthetic.
    """

    path: Path | None
    origin: Origin


def find_or_fetch(
    dataset: Dataset, data_dir: Path | None, cache_dir: Path, opener: Opener | None = None
) -> Found:
    """Return the file of a data set, downloaded and checked if it must be.

    A file in `data_dir` is taken as it is, since it may be an excerpt; what was downloaded is
    checked each time it is used.

    Parameters
    ----------
    dataset : Dataset
    data_dir : Path or None
        Directory the user keeps data sets in.
    cache_dir : Path
        Where downloads are kept; made if missing.
    opener : callable, optional
        `open` of a `urllib.request.OpenerDirector`.

    Returns
    -------
    Found
        With origin "simulated" when every address is unreachable, and only then.

    Raises
    ------
    SettingMissingError
        If `data_dir` is no directory.
    DatasetRefusedError
        If an address was reached but none gave the pinned bytes.
    """
    if data_dir is not None:
        if not data_dir.is_dir():
            raise SettingMissingError(f"NIGHTCATCH_DATA_DIR: {data_dir} is not a directory")
        for name in dataset.file_names:
            if (data_dir / name).is_file():
                return Found(data_dir / name, "given")
    cached = cache_dir / f"{dataset.name}-{dataset.sha256[:12]}"
    if cached.is_file() and _sha256(cached) == dataset.sha256:
        return Found(cached, "cache")
    if _download(dataset, cached, opener or build_opener().open):
        return Found(cached, "download")
    return Found(None, "simulated")


def inside(data_dir: Path | None, name: str | None) -> Path:
    """Return the file `name` within `data_dir`; links and `..` cannot lead out of it.

    Raises
    ------
    SettingMissingError
        If either is not given.
    DatasetRefusedError
        If the file lies elsewhere or does not exist.
    """
    if data_dir is None:
        raise SettingMissingError("NIGHTCATCH_DATA_DIR is not set, so no file can be named")
    if not name:
        raise SettingMissingError("path: no file is named")
    root = data_dir.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise DatasetRefusedError(f"path: {name!r} is no file within the data directory")
    return path


def _download(dataset: Dataset, target: Path, open_url: Opener) -> bool:
    """Put the pinned bytes at `target`; False if no address can be reached."""
    refusals: list[str] = []
    unreachable: set[str] = set()
    for url in dataset.urls:
        host = urlsplit(url).netloc
        if host in unreachable:
            continue
        try:
            answer = open_url(url, timeout=_TIMEOUT_S)
        except HTTPError as err:
            refusals.append(f"{url}: HTTP {err.code}")
        except (URLError, TimeoutError) as err:
            _LOG.info("%s: %s is unreachable: %s", dataset.name, host, err)
            unreachable.add(host)
        except _BROKEN_OFF as err:
            refusals.append(f"{url}: {err}")
        else:
            with answer:
                refusal = _store(answer, target, dataset.sha256)
            if refusal is None:
                return True
            refusals.append(f"{url}: {refusal}")
    if refusals:
        raise DatasetRefusedError(
            f"{dataset.name}: not as pinned: {'; '.join(refusals)}; put the file into "
            "NIGHTCATCH_DATA_DIR, or load simulated records"
        )
    return False


def _store(answer: Any, target: Path, sha256: str) -> str | None:
    """Write a response to `target` if its bytes are the pinned ones, else say why not.

    `answer` is what urllib returns: `http.client.HTTPResponse`, or another file-like object.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size_bytes = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".part-", delete=False) as part:
        kept = Path(part.name)
        try:
            while chunk := answer.read(_CHUNK_BYTES):
                size_bytes += len(chunk)
                if size_bytes > _LIMIT_BYTES:
                    return f"more than {_LIMIT_BYTES} bytes"
                digest.update(chunk)
                part.write(chunk)
            if digest.hexdigest() != sha256:
                return f"{size_bytes} bytes with SHA-256 {digest.hexdigest()[:12]}..."
            part.flush()
            kept.replace(target)
        except _BROKEN_OFF as err:
            return f"broke off after {size_bytes} bytes: {err}"
        finally:
            kept.unlink(missing_ok=True)
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
