"""Check this machine; no server needs to run."""

import platform
import shutil
import sys
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from include.stack.keys import PRIVATE_MODE
from include.stack.ports import HOST, port_is_free
from include.stack.startup import Server

_NEEDED_BYTES = 2 * 1024**3
_SHOWN_PACKAGES = 5
_CLOCK_TOLERANCE_S = 120.0


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes
    ----------
    name : str
    ok : bool
    finding : str
        What was found.
    remedy : str
        What to do about it, if it is not ok.
    """

    name: str
    ok: bool
    finding: str
    remedy: str = ""


def check_python() -> Check:
    """Return whether this interpreter can run NightCatch."""
    ok = (3, 11) <= sys.version_info < (3, 15)
    remedy = "install Python 3.11 to 3.14, or name one in NIGHTCATCH_PYTHON; remove .venv"
    return Check("python", ok, f"{platform.python_version()} at {sys.executable}", remedy)


def check_packages(lock: Path) -> Check:
    """Return whether the installed packages are those of the lock.

    Parameters
    ----------
    lock : Path
        ``requirements.txt``.
    """
    locked = _locked(lock)
    differing = [
        f"{name} {_installed(name) or 'missing'} (lock: {expected})"
        for name, expected in locked.items()
        if _installed(name) != expected
    ]
    if not differing:
        return Check("packages", True, f"all {len(locked)} are those of {lock.name}")
    more = f" and {len(differing) - _SHOWN_PACKAGES} more" * (len(differing) > _SHOWN_PACKAGES)
    finding = f"{', '.join(differing[:_SHOWN_PACKAGES])}{more}"
    return Check("packages", False, finding, "remove .venv; ./nightcatch then makes it anew")


def check_disk(state_dir: Path) -> Check:
    """Return whether two GiB are free where the stack writes.

    Parameters
    ----------
    state_dir : Path
    """
    free_bytes = shutil.disk_usage(state_dir).free
    finding = f"{free_bytes / 1024**3:.1f} GiB free for {state_dir}"
    remedy = "free 2 GiB, or set NIGHTCATCH_STATE_DIR to a folder on another disk"
    return Check("disk", free_bytes >= _NEEDED_BYTES, finding, remedy)


def check_secrets(folder: Path) -> Check:
    """Return whether passwords and private keys can be read by their owner only.

    Parameters
    ----------
    folder : Path
    """
    readable = [
        path
        for path in sorted(folder.iterdir())
        if not path.name.endswith(".pub.pem") and path.stat().st_mode & 0o777 != PRIVATE_MODE
    ]
    if not readable and folder.stat().st_mode & 0o077 == 0:
        return Check("secrets", True, f"{folder} can be read by its owner only")
    finding = f"{', '.join(str(path) for path in readable or [folder])} is open to others"
    remedy = f"chmod 700 {folder} && chmod 600 {folder}/*; make new keys if others use this machine"
    return Check("secrets", False, finding, remedy)


def check_port(server: Server) -> Check:
    """Return whether a server runs healthily, or could start on its port.

    Parameters
    ----------
    server : Server
    """
    where = f"port {server.port} of {HOST}"
    variable = f"NIGHTCATCH_{server.name.upper()}_PORT"
    if server.process.pid is not None:
        remedy = f"./nightcatch down, then up; why it fails is in {server.process.log_path}"
        healthy = server.is_healthy()
        finding = f"runs on {where}{'' if healthy else ', but is not healthy'}"
        return Check(server.name, healthy, finding, remedy)
    if port_is_free(server.port):
        return Check(server.name, True, f"does not run; {where} is free")
    remedy = f"stop the program that listens there, or set {variable} to a free port"
    return Check(server.name, False, f"{where} is taken by another program", remedy)


def check_clock(lock: Path) -> Check:
    """Return whether the clock is at least as late as the files of the checkout.

    Parameters
    ----------
    lock : Path
        A file of the checkout.
    """
    behind_s = lock.stat().st_mtime - time.time()
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    if behind_s <= _CLOCK_TOLERANCE_S:
        return Check("clock", True, now)
    finding = f"{now} is {behind_s:.0f} s before {lock.name} was written"
    return Check("clock", False, finding, "set the clock; versions and signatures carry the time")


def _locked(lock: Path) -> dict[str, str]:
    """Return the version of each package that the lock has for this platform."""
    lines = lock.read_text().replace("\\\n", " ").splitlines()
    pinned = (line.partition("--hash")[0].strip() for line in lines if line[:1].isalnum())
    requirements = [Requirement(line) for line in pinned]
    return {
        requirement.name: next(iter(requirement.specifier)).version
        for requirement in requirements
        if requirement.marker is None or requirement.marker.evaluate()
    }


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
