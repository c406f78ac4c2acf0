"""Start a server in a session of its own, wait until it is ready, stop all its processes."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from include.errors import ServerDiedError, ServerTimeoutError, StartCancelledError
from include.stack.session import (
    Process,
    end_processes,
    session_members,
    started_at,
    working_directory,
)

_POLL_S = 0.05
_SHOWN_LINES = 8
_SHOWN_ERRORS = 3
_RAISED = re.compile(r"[\w.]+(Error|Exception|Exit)\b")  # the last line of a Python traceback


class ServerProcess:
    """A server that outlives the program that starts it.

    Parameters
    ----------
    name : str
        Names the log file, the pid file and the server in messages.
    state_dir : Path
        Holds ``log/NAME.log`` and ``run/NAME.json``.
    cancelled : threading.Event, optional
        Once set, nothing starts and every wait ends.
    """

    def __init__(
        self, name: str, state_dir: Path, cancelled: threading.Event | None = None
    ) -> None:
        self.name = name
        self.log_path = state_dir / "log" / f"{name}.log"
        self._pid_path = state_dir / "run" / f"{name}.json"
        self._cancelled = cancelled or threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._written: dict[str, Any] | None = None
        self._log_start_bytes = 0

    @property
    def pid(self) -> int | None:
        """Process id of the running server; None if it does not run or its id was recycled."""
        written = self._read_pid_file()
        if written is None or started_at(written["pid"]) != written["started_at"]:
            return None
        return int(written["pid"])

    def start(self, command: Sequence[str], env: Mapping[str, str], cwd: Path) -> None:
        """Start the server unless it runs already; its output is appended to the log.

        Parameters
        ----------
        command : sequence of str
            Program and arguments.
        env : mapping of str to str
            The whole environment.
        cwd : Path
            Working directory.

        Raises
        ------
        StartCancelledError
            If the start was cancelled.
        ServerDiedError
            If the program cannot be executed, or runs already with another command.
        """
        written = self._read_pid_file()
        if written is not None and self.pid is not None:
            if written["command"] != list(command):
                raise ServerDiedError(
                    f"{self.name}: runs already with other settings; run ./nightcatch down first"
                )
            return
        if self._cancelled.is_set():
            raise StartCancelledError(f"{self.name}: not started, because the start was cancelled")
        for path in (self.log_path, self._pid_path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.log_path.open("ab") as log:
            self._log_start_bytes = log.tell()
            try:
                self._child = subprocess.Popen(
                    command,
                    env=dict(env),
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as err:
                raise ServerDiedError(f"{self.name}: {command[0]} cannot be run: {err}") from err
        self._write_pid_file(self._child, command, cwd)

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Return once `ready` returns True.

        Parameters
        ----------
        ready : callable
            The condition; called about twenty times a second.
        timeout_s : float
            Longest wait in seconds.

        Raises
        ------
        ServerDiedError
            If the server ends first; the message has the last lines of its log.
        ServerTimeoutError
            If the time is over.
        StartCancelledError
            If the start was cancelled.
        """
        deadline = time.monotonic() + timeout_s
        while not ready():
            if not self.is_running():
                if ready():
                    return
                self.require_running()
            if time.monotonic() > deadline:
                raise ServerTimeoutError(
                    f"{self.name}: not ready after {timeout_s:.0f} s; {self._reason()}"
                )
            if self._cancelled.wait(_POLL_S):
                raise StartCancelledError(f"{self.name}: the start was cancelled")

    def wait_until_ended(self, timeout_s: float) -> None:
        """Return when a program that ends by itself has succeeded.

        Parameters
        ----------
        timeout_s : float
            Longest wait in seconds.

        Raises
        ------
        ServerDiedError
            If its exit code is not 0; the message has the last lines of its log.
        """
        child = self._child
        assert child is not None, "only the program that started it has its exit code"
        self.wait_until(lambda: child.poll() is not None, timeout_s)
        self.stop()
        if child.returncode != 0:
            raise ServerDiedError(
                f"{self.name}: failed with code {child.returncode}; {self._reason()}"
            )

    @contextmanager
    def stopped_on_failure(self) -> Iterator[None]:
        """Stop the server if the block, which starts it and waits for it, fails."""
        try:
            yield
        except BaseException:
            self.stop()
            raise

    def require_running(self) -> None:
        """Return if the server's first process is alive.

        Raises
        ------
        ServerDiedError
            If it does not; the message has the last lines of its log.
        """
        if not self.is_running():
            raise ServerDiedError(f"{self.name}: ended unexpectedly; {self._reason()}")

    def is_running(self) -> bool:
        """Return whether the server's first process is alive."""
        if self._child is not None:
            return self._child.poll() is None
        return self.pid is not None

    def stop(self, grace_s: float = 10.0) -> None:
        """Return when no process of the server's session is left: SIGTERM, then SIGKILL.

        Parameters
        ----------
        grace_s : float
            Seconds between the two signals, at most; 0 kills at once.
        """
        written = self._written or self._read_pid_file()
        if written is not None:
            end_processes(self._members(written), written["pid"], grace_s)
        if self._child is not None:
            self._child.wait()
        self._child = self._written = None
        if self._read_pid_file() == written:  # else another program has started it again
            self._pid_path.unlink(missing_ok=True)

    def kill(self) -> None:
        """Kill every process of the server's session."""
        self.stop(grace_s=0.0)

    def _members(self, written: dict[str, Any]) -> list[Process]:
        first = started_at(written["pid"])
        if first == written["started_at"]:
            return session_members(written["pid"])
        if first is not None:  # the id was recycled: its session is another's
            return []
        left = session_members(written["pid"])
        return [member for member in left if working_directory(member) == written["cwd"]]

    def _read_pid_file(self) -> dict[str, Any] | None:
        try:
            written: dict[str, Any] = json.loads(self._pid_path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return written

    def _write_pid_file(
        self, child: "subprocess.Popen[bytes]", command: Sequence[str], cwd: Path
    ) -> None:
        started = {
            "pid": child.pid,
            "started_at": started_at(child.pid),
            "cwd": str(cwd),
            "command": list(command),
        }
        draft = self._pid_path.with_suffix(".new")
        try:
            draft.write_text(json.dumps(started))
            draft.replace(self._pid_path)
        except OSError:  # a full disk: a server without a pid file could never be stopped
            child.kill()
            child.wait()
            self._child = None
            raise
        self._written = started

    def _reason(self) -> str:
        with self.log_path.open("rb") as log:
            log.seek(self._log_start_bytes)
            lines = log.read().decode(errors="replace").splitlines()
        raised = list(dict.fromkeys(line for line in lines if _RAISED.match(line)))
        shown = raised[-_SHOWN_ERRORS:] or lines[-_SHOWN_LINES:]
        return f"from {self.log_path}:\n  " + "\n  ".join(shown)
