"""End what an interrupted test run left running: servers live in sessions of their own.

pytest's main process starts this module as a program and holds the other end of its standard
input, which closes with that process, even if it was killed.
"""

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
# Set before any worker or server starts, and inherited by them.
VARIABLE = "NIGHTCATCH_TEST_FOLDER"
_LIMIT_S = 60.0
_GRACE_S = 2.0
# Of multiprocessing and joblib: one for each process that needs it, and it ends with that process.
_TRACKER = "resource_tracker import main"


def belongs_to(process, folder):
    """Whether a process names the folder in its command, environment or working directory."""
    try:
        named = [*process.cmdline(), *process.environ().values(), process.cwd()]
    except (psutil.Error, OSError):
        return False
    return any(f"{folder}/" in f"{text}/" for text in named)


def is_tracker_of(process, pids):
    """Whether a process only cleans up after one of those, once that has ended."""
    try:
        return process.ppid() in pids and _TRACKER in " ".join(process.cmdline())
    except psutil.Error:
        return False


def processes_of(folder):
    """The processes of a test run by what they name, without this one and its ancestors."""
    this = psutil.Process()
    spared = {this.pid, *(each.pid for each in this.parents())}
    return [
        each
        for each in psutil.process_iter()
        if each.pid not in spared and belongs_to(each, folder) and not is_tracker_of(each, spared)
    ]


def end_processes_of(folder):
    """Return when no process of a test run is left; what was found is named on stderr."""
    psutil.wait_procs(processes_of(folder), timeout=_GRACE_S)  # what ends with its parent
    deadline = time.monotonic() + _LIMIT_S
    while (found := processes_of(folder)) and time.monotonic() < deadline:
        for process in found:
            try:
                command = " ".join(process.cmdline())[:300]
                print(f"left by the tests, killed: {process.pid} {command}", file=sys.stderr)
                process.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(found, timeout=1)


@contextmanager
def ended_with_this_process(folder):
    """End the processes of a test run with the block, or with this process if it is killed."""
    os.environ[VARIABLE] = str(folder)
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    command = [sys.executable, "-m", __name__, str(folder)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, start_new_session=True
    ):
        yield


if __name__ == "__main__":
    sys.stdin.buffer.read()
    end_processes_of(sys.argv[1])
