"""Find a public data set: a given file, the cache, or a download whose rows are verified."""

import csv
import hashlib
import http.client
import io
import logging
import ssl
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import build_opener

from include.errors import DataRejectedError, DatasetRefusedError, SettingMissingError
from include.ingest.files.layout import Layout
from include.ingest.files.reader import read_cells

_LOG = logging.getLogger(__name__)
_TIMEOUT_S = 5.0
_DEADLINE_S = 300.0
_CHUNK_BYTES = 1024 * 1024
_LIMIT_BYTES = 256 * 1024 * 1024
_BROKEN_OFF = (http.client.HTTPException, OSError, ssl.SSLError, ValueError)
_BROKEN_ZIP = (zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, zlib.error)

_UNREACHABLE = "unreachable"

Origin = Literal["given", "cache", "download", "simulated"]
Opener = Callable[..., Any]  # urllib's `open(url, data, timeout)`, whose response it types as Any


@dataclass(frozen=True)
class Address:
    """Where a data set can be downloaded.

    Attributes
    ----------
    url : str
    member : str
        The file to take out of the ZIP archive that lies there; empty if it is not an archive.
    """

    url: str
    member: str = ""


@dataclass(frozen=True)
class Dataset:
    """A public data set.

    Attributes
    ----------
    name : str
        Names the cached copy; fit for a file name.
    file_names : tuple of str
        What people call its file, the most likely first.
    addresses : tuple of Address
        Tried in turn; none where it cannot be downloaded.
    rows_sha256 : str
        What `rows_digest` returns of it, in whatever format it is offered.
    """

    name: str
    file_names: tuple[str, ...]
    addresses: tuple[Address, ...] = ()
    rows_sha256: str = ""


@dataclass(frozen=True)
class Found:
    """Where a data set was found.

    Attributes
    ----------
    path : Path or None
        None only when `origin` is "simulated".
    origin : {"given", "cache", "download", "simulated"}
        "simulated": no file here, and none to be downloaded, so records must be synthetic.
    reasons : tuple of str
        Why each address gave none.
    """

    path: Path | None
    origin: Origin
    reasons: tuple[str, ...] = ()


def find_or_fetch(
    dataset: Dataset,
    layout: Layout,
    data_dir: Path | None,
    cache_dir: Path,
    opener: Opener | None = None,
    deadline_s: float = _DEADLINE_S,
) -> Found:
    """Return the file of a data set, downloaded and verified if it must be.

    A file in `data_dir` is taken as it is, since it may be an excerpt; what was downloaded is
    verified each time it is used.

    Parameters
    ----------
    dataset : Dataset
    layout : Layout
        The columns whose cells are verified.
    data_dir : Path or None
        Directory the user keeps data sets in.
    cache_dir : Path
        Where downloads are kept; made if missing.
    opener : callable, optional
        `open` of a `urllib.request.OpenerDirector`.
    deadline_s : float
        How long one download may take, in seconds.

    Returns
    -------
    Found
        With origin "simulated" and the reasons when no address gave the verified rows.

    Raises
    ------
    SettingMissingError
        If `data_dir` is not a directory.
    """
    if data_dir is not None:
        if not data_dir.is_dir():
            raise SettingMissingError(f"NIGHTCATCH_DATA_DIR: {data_dir} is not a directory")
        for name in dataset.file_names:
            if (data_dir / name).is_file():
                return Found(data_dir / name, "given")
    cached = cache_dir / f"{dataset.name}-{dataset.rows_sha256[:12]}"
    if cached.is_file() and _fault(cached, dataset, layout) is None:
        return Found(cached, "cache")
    download = _Download(dataset, layout, opener or _opener(), deadline_s)
    reasons: list[str] = []
    unreachable: set[str] = set()
    for address in dataset.addresses:
        host = urlsplit(address.url).netloc
        if host in unreachable:
            continue
        reason = download.store(address, cached)
        if reason is None:
            return Found(cached, "download")
        _LOG.warning("%s: %s: %s", dataset.name, address.url, reason)
        reasons.append(f"{address.url}: {reason}")
        if reason.startswith(_UNREACHABLE):
            unreachable.add(host)
    return Found(None, "simulated", tuple(reasons))


def rows_digest(path: Path, layout: Layout) -> str:
    """Return the SHA-256 of a table's cells: equal for the same rows in any format and dialect.

    It is that of a plain CSV file: the names of the required columns, then a line for each row, as
    written, in the order of the file.

    Raises
    ------
    DataRejectedError
        If the file is not such a table.
    """
    digest = hashlib.sha256()
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    writer.writerow(layout.required)
    for cells in read_cells(path, layout):
        writer.writerow([cells.get(name, "") for name in layout.required])
        digest.update(line.getvalue().encode(errors="surrogatepass"))
        line.seek(0)
        line.truncate()
    digest.update(line.getvalue().encode())
    return digest.hexdigest()


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
        raise DatasetRefusedError(f"path: {name!r} is not a file within the data directory")
    return path


def _opener() -> Opener:
    opener = build_opener()
    opener.addheaders = [("User-Agent", "NightCatch")]
    return opener.open


def _fault(path: Path, dataset: Dataset, layout: Layout) -> str | None:
    """Return why a file is not the data set; None if it is."""
    try:
        found = rows_digest(path, layout)
    except DataRejectedError as err:
        return str(err).removeprefix(f"{path}").lstrip(":, ")
    return None if found == dataset.rows_sha256 else f"other rows (digest {found[:12]}...)"


class _Download:
    """Downloads of one data set; each either leaves its verified file, or nothing."""

    def __init__(self, dataset: Dataset, layout: Layout, opener: Opener, deadline_s: float) -> None:
        self._dataset = dataset
        self._layout = layout
        self._open = opener
        self._deadline_s = deadline_s

    def store(self, address: Address, target: Path) -> str | None:
        """Return None once the verified file is at `target`, else the reason why it is not."""
        try:
            response = self._open(address.url, timeout=_TIMEOUT_S)
        except HTTPError as err:
            err.close()
            return f"HTTP {err.code}"
        except (URLError, TimeoutError) as err:
            return f"{_UNREACHABLE}: {getattr(err, 'reason', err) or 'time-out'}"
        except _BROKEN_OFF as err:
            return f"broke off: {err}"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with response, tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as part:
                return self._verified(response, address.member, Path(part), target)
        except _BROKEN_OFF as err:
            return f"broke off: {err}"

    def _verified(self, response: Any, member: str, part: Path, target: Path) -> str | None:
        """Move the file of a response to `target` if its rows are the right ones."""
        file = part / "file"
        if reason := self._copy(response, file):
            return reason
        if member:
            archive, file = file, part / "member"
            try:
                with zipfile.ZipFile(archive) as opened, opened.open(member) as content:
                    if reason := self._copy(content, file):
                        return reason
            except _BROKEN_ZIP as err:
                return f"no ZIP archive with the file {member!r}: {err}"
        if reason := _fault(file, self._dataset, self._layout):
            return reason
        file.replace(target)
        return None

    def _copy(self, source: Any, path: Path) -> str | None:
        """Write a stream to a file; return the reason if it is too long or too slow."""
        started_s, size_bytes = time.monotonic(), 0
        with path.open("wb") as file:
            while chunk := source.read1(_CHUNK_BYTES):  # returns what has come, however slowly
                size_bytes += len(chunk)
                if size_bytes > _LIMIT_BYTES:
                    return f"more than {_LIMIT_BYTES} bytes"
                if time.monotonic() - started_s > self._deadline_s:
                    return f"not finished after {self._deadline_s:g} seconds"
                file.write(chunk)
        return None
