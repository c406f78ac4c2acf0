"""A server process is ours or not ours, is waited for, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from include.errors import ServerDiedError, ServerTimeoutError, StartCancelledError
from include.stack.process import ServerProcess
from include.stack.session import is_alive, session_members, started_at

_SLEEPER = "import time\nprint('up', flush=True)\ntime.sleep(60)"
_STUBBORN = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{_SLEEPER}"
_PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {_STUBBORN!r}])
grandchild = subprocess.Popen([sys.executable, "-c", {_SLEEPER!r}], process_group=0)
{_SLEEPER}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    process = ServerProcess("checks", tmp_path)
    yield process
    process.kill()


def start(server: ServerProcess, program: str, tmp_path: Path, n_up: int = 1) -> None:
    server.start([sys.executable, "-c", program], os.environ, tmp_path)
    server.wait_until(lambda: server.log_path.read_text().count("up") >= n_up, 60)


def test_stop_ends_children_that_ignore_sigterm(server: ServerProcess, tmp_path: Path) -> None:
    start(server, _PARENT, tmp_path, n_up=3)
    members = session_members(server.pid or 0)
    server.stop(grace_s=0.3)

    assert len(members) == 3
    assert not [member for member in members if is_alive(member)]


def test_stop_ends_children_of_a_server_that_was_killed(
    server: ServerProcess, tmp_path: Path
) -> None:
    start(server, _PARENT, tmp_path, n_up=3)
    pid = server.pid or 0
    children = [member for member in session_members(pid) if member.pid != pid]
    os.kill(pid, signal.SIGKILL)
    ServerProcess("checks", tmp_path).stop(grace_s=0.3)

    assert len(children) == 2
    assert not [child for child in children if is_alive(child)]


def test_another_program_finds_and_stops_it(server: ServerProcess, tmp_path: Path) -> None:
    start(server, _SLEEPER, tmp_path)
    other = ServerProcess("checks", tmp_path)
    found = other.pid
    other.stop()

    assert found is not None
    assert server.pid is None
    assert not server.is_running()


def test_recycled_pid_is_neither_running_nor_stopped(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", _SLEEPER], start_new_session=True)
    try:
        pid_file = tmp_path / "run" / "checks.json"
        pid_file.parent.mkdir()
        started = (started_at(stranger.pid) or 0) - 5
        record = {"pid": stranger.pid, "started_at": started, "cwd": "/", "command": []}
        pid_file.write_text(json.dumps(record))
        server = ServerProcess("checks", tmp_path)
        seen = server.pid
        server.stop(grace_s=0.1)

        assert seen is None
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_zombie_is_not_running() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 60
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline

    assert started_at(child.pid) is None
    child.wait()


def test_reason_of_a_death_is_the_end_of_its_log(server: ServerProcess, tmp_path: Path) -> None:
    server.start([sys.executable, "-c", "raise SystemExit('no such disk')"], os.environ, tmp_path)

    with pytest.raises(ServerDiedError, match=r"checks: ended unexpectedly; .*\n  no such disk"):
        server.wait_until(lambda: False, 60)


def test_missing_program_is_named(server: ServerProcess, tmp_path: Path) -> None:
    with pytest.raises(ServerDiedError, match="checks: /nowhere/mongod cannot be run"):
        server.start(["/nowhere/mongod"], os.environ, tmp_path)


def test_wait_ends_at_its_timeout(server: ServerProcess, tmp_path: Path) -> None:
    start(server, _SLEEPER, tmp_path)

    with pytest.raises(ServerTimeoutError, match="checks: not ready after 0 s"):
        server.wait_until(lambda: False, 0.2)


def test_wait_ends_when_the_start_is_called_off(tmp_path: Path) -> None:
    cancelled = threading.Event()
    server = ServerProcess("checks", tmp_path, cancelled)
    start(server, _SLEEPER, tmp_path)
    cancelled.set()

    with pytest.raises(StartCancelledError), server.stopped_on_failure():
        server.wait_until(lambda: False, 60)
    assert server.pid is None


def test_nothing_starts_after_the_start_is_called_off(tmp_path: Path) -> None:
    cancelled = threading.Event()
    cancelled.set()
    server = ServerProcess("checks", tmp_path, cancelled)

    with pytest.raises(StartCancelledError):
        server.start([sys.executable, "-c", _SLEEPER], os.environ, tmp_path)
    assert server.pid is None


def test_failed_program_that_should_end_is_reported(server: ServerProcess, tmp_path: Path) -> None:
    server.start([sys.executable, "-c", "raise SystemExit(3)"], os.environ, tmp_path)

    with pytest.raises(ServerDiedError, match="checks: failed with code 3"):
        server.wait_until_ended(60)


def test_stop_works_when_the_state_folder_is_gone(server: ServerProcess, tmp_path: Path) -> None:
    start(server, _SLEEPER, tmp_path)
    pid = server.pid or 0
    (tmp_path / "run" / "checks.json").unlink()
    server.stop()

    assert not psutil.pid_exists(pid)


def test_full_disk_leaves_no_process(tmp_path: Path) -> None:
    before = psutil.Process().children()
    server = ServerProcess("checks", tmp_path)
    (tmp_path / "run" / "checks.new").mkdir(parents=True)  # the pid file cannot be written
    with pytest.raises(OSError, match=r"checks.new"):
        server.start([sys.executable, "-c", _SLEEPER], os.environ, tmp_path)

    assert not server.is_running()
    left = [p for p in psutil.Process().children() if p not in before]
    assert not [p for p in left if p.status() != psutil.STATUS_ZOMBIE]
