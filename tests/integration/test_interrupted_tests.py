"""A test run that is killed leaves no server running."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 600.0  # imports take minutes on a machine with much else to do
HANGING = """
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("number", [1, 2])
def test_hangs(mongo_url, number):
    Path(__file__).with_name(f"{number}.pid").write_text(f"{os.getpid()}")
    subprocess.run([sys.executable, "-c", "import time; time.sleep(1000)"])
"""


@pytest.fixture
def folder(tmp_path):
    """A folder of tests that start a server and hang, with this repository's conftest."""
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    (tmp_path / "test_hanging.py").write_text(HANGING)
    return tmp_path


def servers_of(folder):
    """The database servers whose data lie below a folder."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        command = process.info["cmdline"] or []
        if process.info["name"] == "mongod" and any(str(folder) in word for word in command):
            found.append(process)
    return found


def start(folder, workers):
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", str(workers)),
        *("--dist", "load", "--max-worker-restart=0", f"--basetemp={folder / 'made'}", str(folder)),
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = kept | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(("workers", "number"), [(0, signal.SIGKILL), (2, signal.SIGTERM)])
def test_no_server_outlives_a_run_that_is_ended(folder, workers, number):
    run = start(folder, workers)
    wait_until(lambda: len(servers_of(folder)) == max(workers, 1))
    run.send_signal(number)
    run.wait(TIMEOUT_S)

    wait_until(lambda: not servers_of(folder))


def test_the_server_of_a_killed_worker_ends_with_the_run(folder):
    run = start(folder, 2)
    pid_files = [folder / "1.pid", folder / "2.pid"]
    wait_until(lambda: all(file.exists() and file.read_text() for file in pid_files))
    assert len(servers_of(folder)) == 2
    for file in pid_files:
        os.kill(int(file.read_text()), signal.SIGKILL)
    run.wait(TIMEOUT_S)

    wait_until(lambda: not servers_of(folder))
