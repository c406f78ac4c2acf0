"""The libraries that trained and exported a model: installed here, and pinned by the lock."""

import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DIRECT = ("scikit-learn", "numpy", "skl2onnx", "onnx", "onnxruntime", "joblib", "pandas")


@dataclass(frozen=True)
class Library:
    """An installed library.

    Attributes
    ----------
    name, version : str
    requires : tuple of str
        Names of other libraries in the same list.
    """

    name: str
    version: str
    requires: tuple[str, ...] = ()


def installed() -> list[Library]:
    """Return `DIRECT` and everything they need that is installed here, in order of names."""
    found: dict[str, Library] = {}
    waiting = list(DIRECT)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        library = distribution(name)
        needed = [each for each in map(Requirement, library.requires or ()) if _is_needed(each)]
        names = tuple(sorted({canonicalize_name(each.name) for each in needed}))
        found[name] = Library(library.name, library.version, names)
        waiting += names
    return [found[name] for name in sorted(found)]


def _is_needed(requirement: Requirement) -> bool:
    """Return whether a requirement holds on this machine, without extras, and is installed."""
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return False
    try:
        distribution(requirement.name)
    except PackageNotFoundError:  # such as tzdata where the system has time zones
        return False
    return True


_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def locked_hashes(lock: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the SHA-256 of every file that a lock allows for a library in a version.

    Parameters
    ----------
    lock : str
        As ``uv pip compile --generate-hashes`` writes it.

    Returns
    -------
    dict of (str, str) to tuple of str
        Keys are a normalised name (PEP 503) and a version.
    """
    hashes: dict[tuple[str, str], tuple[str, ...]] = {}
    library: tuple[str, str] | None = None
    for line in lock.splitlines():
        if pinned := _PINNED.match(line):
            library = (canonicalize_name(pinned[1]), pinned[2])
            hashes[library] = ()
        elif library and (found := _HASH.search(line)):
            hashes[library] += (found[1],)
    return hashes
