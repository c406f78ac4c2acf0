"""Find and end all processes of a session, even if its first process is gone."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import psutil  # type: ignore[import-untyped]  # has no annotations; its stubs are elsewhere

Process: TypeAlias = Any  # psutil.Process

_POLL_S = 0.02
_KILL_GRACE_S = 5.0


def started_at(pid: int) -> float | None:
    """Return a process's start time on a monotonic clock; None if it is not alive.

    It differs between two processes with the same (recycled) id. On Linux it is seconds since
    boot: file times and `create_time()` change when the clock is set.

    Parameters
    ----------
    pid : int

    Returns
    -------
    float or None
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        fields = Path(f"/proc/{pid}/stat")
        if fields.exists():
            return int(fields.read_text().rpartition(")")[2].split()[19]) / 100
        return float(process.create_time())
    except (psutil.Error, OSError):
        return None


def session_members(leader: int) -> list[Process]:
    """Return the living processes of a session and what its first process started elsewhere.

    Parameters
    ----------
    leader : int
        Process id of the session's first process, which may be gone.

    Returns
    -------
    list of psutil.Process
    """
    found = {pid for pid in psutil.pids() if _session_of(pid) == leader}
    with suppress(psutil.NoSuchProcess):
        found |= {child.pid for child in psutil.Process(leader).children(recursive=True)}
    members = []
    for pid in found - {os.getpid()}:
        with suppress(psutil.NoSuchProcess):
            members.append(psutil.Process(pid))
    return [member for member in members if is_alive(member)]


def is_alive(process: Process) -> bool:
    """Return whether a process runs; a zombie does not.

    Parameters
    ----------
    process : psutil.Process

    Returns
    -------
    bool
    """
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def working_directory(process: Process) -> str | None:
    """Return a process's working directory; None if it is gone or may not be read.

    Parameters
    ----------
    process : psutil.Process

    Returns
    -------
    str or None
    """
    try:
        return str(process.cwd())
    except psutil.Error:
        return None


def end_processes(members: list[Process], leader: int, grace_s: float) -> None:
    """Return when no process of a session is left: SIGTERM, then SIGKILL after `grace_s`.

    Parameters
    ----------
    members : list of psutil.Process
        The living ones; those that they start meanwhile are found too. If there are none, nothing
        is signalled: the session id may be reused.
    leader : int
        Process id of the session's first process.
    grace_s : float
        Seconds between the two signals, at most; 0 kills at once.
    """
    if not members:
        return
    if grace_s > 0:
        _signal(members, signal.SIGTERM)
        if _gone_within(members, leader, grace_s):
            return
    deadline = time.monotonic() + _KILL_GRACE_S
    while (left := _left(members, leader)) and time.monotonic() < deadline:
        _signal(left, signal.SIGKILL)
        time.sleep(_POLL_S)


def _gone_within(members: list[Process], leader: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _left(members, leader):
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _left(members: list[Process], leader: int) -> list[Process]:
    alive = [member for member in members if is_alive(member)]
    return alive or session_members(leader)


def _signal(members: list[Process], number: signal.Signals) -> None:
    for member in members:
        with suppress(psutil.NoSuchProcess):
            member.send_signal(number)


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None
