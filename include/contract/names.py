"""Which names a key of the bucket may hold; any other raises `ManifestError`."""

import re

from include.errors import ManifestError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_VERSION = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
_DIGEST = re.compile(r"[0-9a-f]{16,64}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_UNSAFE_IN_RUN_ID = re.compile(r"[^A-Za-z0-9._-]")


def _checked(pattern: re.Pattern[str], what: str, text: str) -> str:
    if not pattern.fullmatch(text):
        raise ManifestError(f"{text!r} cannot be the name of a {what}")
    return text


def pipeline_name(text: str) -> str:
    """Return `text` when it can name a pipeline: lower-case letters, digits and underscores."""
    return _checked(_NAME, "pipeline", text)


def version_name(text: str) -> str:
    """Return `text` when it is a version, such as ``20261121T020513Z-3f9a1c2b``."""
    return _checked(_VERSION, "version", text)


def digest_name(what: str, text: str) -> str:
    """Return `text` when it is a digest in hexadecimal; `what` is for the error."""
    return _checked(_DIGEST, what, text)


def day_name(text: str) -> str:
    """Return `text` when it is a day, ``YYYY-MM-DD``."""
    return _checked(_DAY, "day", text)


def is_version_name(text: str) -> bool:
    """Return whether `text` is a version."""
    return _VERSION.fullmatch(text) is not None


def version_time(version: str) -> str:
    """Return when the run of a version was due, such as ``20261121T020513Z``; it sorts by time."""
    return version_name(version).partition("-")[0]


def file_name(text: str) -> str:
    """Return `text` when it is a plain file name: no folder, no leading dot."""
    return _checked(_FILE, "file", text)


def path_below(prefix: str, key: str) -> str:
    """Return a key's path below a folder; `ManifestError` if no local file may be named so."""
    path = key.removeprefix(prefix)  # chosen by whoever can write to the bucket
    if path == key or not all(_FILE.fullmatch(part) for part in path.split("/")):
        raise ManifestError(f"{key!r} is not a safe path below {prefix!r}")
    return path


def safe_run_id(run_id: str) -> str:
    """Return the run id with each character that is unsafe in a key replaced by ``_``."""
    return _UNSAFE_IN_RUN_ID.sub("_", run_id)


def batch_source_prefix(prefix: str) -> str:
    """Return `prefix` if a batch may read below it; `ManifestError` if not."""
    parts = prefix.rstrip("/").split("/")
    if parts[0] not in ("incoming", "batch") or {"", ".", ".."} & set(parts):
        raise ManifestError(f"{prefix!r} cannot be scored: put the files below incoming/ or batch/")
    return prefix
