"""What a lock of requirements says of a library's files."""

import re

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_SEPARATORS = re.compile(r"[-_.]+")


def locked_hashes(lock: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the SHA-256 of every file that a lock allows for a library in a version.

    Parameters
    ----------
    lock : str
        As ``uv pip compile --generate-hashes`` writes it.

    Returns
    -------
    dict of (str, str) to tuple of str
        Keys are a `normalised` name and a version.
    """
    hashes: dict[tuple[str, str], tuple[str, ...]] = {}
    library: tuple[str, str] | None = None
    for line in lock.splitlines():
        if pinned := _PINNED.match(line):
            library = (normalised(pinned[1]), pinned[2])
            hashes[library] = ()
        elif library and (found := _HASH.search(line)):
            hashes[library] += (found[1],)
    return hashes


def normalised(name: str) -> str:
    """Return a library's name as indexes compare it (PEP 503)."""
    return _SEPARATORS.sub("-", name).lower()
