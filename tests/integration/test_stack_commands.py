"""The commands as a person runs them: real processes, real signals, nothing left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from include.stack.ports import pick_port
from include.stack.process import ServerProcess

ROOT = Path(__file__).resolve().parents[2]
BEHIND_S3 = [0, 1, 2, 3, 4, 10_000, 10_001, 10_002, 10_003, 10_004]


class CommandLine:
    """``./nightcatch`` with a state folder and ports of its own."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        ports = {"S3": pick_port(BEHIND_S3)}
        ports |= {name: pick_port() for name in ("MONGO", "AIRFLOW", "SCORER", "MLFLOW")}
        self.env = {
            **os.environ,
            "NIGHTCATCH_STATE_DIR": str(state_dir),
            **{f"NIGHTCATCH_{name}_PORT": str(port) for name, port in ports.items()},
        }

    def spawn(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "include.cli", *arguments],
            cwd=ROOT,
            env=self.env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        process = self.spawn(*arguments)
        output, _ = process.communicate(timeout=600)
        return process.returncode, output

    def is_started(self, name: str) -> bool:
        return ServerProcess(name, self.state_dir).pid is not None

    def left(self) -> list[str]:
        """What still runs out of the state folder."""
        return [
            f"{process.info['pid']} {process.info['name']}"
            for process in psutil.process_iter(["pid", "name", "cwd", "status"])
            if process.info["status"] != psutil.STATUS_ZOMBIE
            and (process.info["cwd"] or "").startswith(str(self.state_dir))
        ]


@pytest.fixture
def nightcatch(tmp_path: Path) -> Iterator[CommandLine]:
    line = CommandLine(tmp_path / "state")
    yield line
    line.run("down")


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 600
    while not condition():
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("command", "started", "number"),
    [
        pytest.param("demo", "s3", signal.SIGINT, id="first-server"),
        pytest.param("up", "airflow-migrate", signal.SIGTERM, id="migration"),
        pytest.param(
            "demo", "airflow-triggerer", signal.SIGINT, id="last-server", marks=pytest.mark.heavy
        ),
    ],
)
def test_signal_during_a_start_leaves_no_process(
    nightcatch: CommandLine, command: str, started: str, number: signal.Signals
) -> None:
    process = nightcatch.spawn(command)
    wait_for(lambda: nightcatch.is_started(started), process)
    process.send_signal(number)
    process.send_signal(signal.SIGINT)  # an impatient second one changes nothing
    output, _ = process.communicate(timeout=600)

    assert process.returncode == 130, output
    assert nightcatch.left() == []
    assert "interrupted" in output
    assert "Traceback" not in output


def test_taken_port_fails_up_in_one_sentence_and_leaves_nothing(nightcatch: CommandLine) -> None:
    with socket.create_server(
        ("127.0.0.1", int(nightcatch.env["NIGHTCATCH_SCORER_PORT"]))
    ) as other:
        code, output = nightcatch.run("up")
        port = other.getsockname()[1]

    assert code == 1
    assert f"nightcatch: scorer: port {port} of 127.0.0.1 is taken" in output
    assert "set NIGHTCATCH_SCORER_PORT to a free port" in output
    assert "Traceback" not in output
    assert nightcatch.left() == []


def test_doctor_tries_the_stores_and_finds_what_is_broken(nightcatch: CommandLine) -> None:
    nightcatch.run("status")
    (nightcatch.state_dir / "secrets" / "approver.pem").chmod(0o640)
    code, output = nightcatch.run("doctor")

    assert code == 1
    assert "ok   s3        conditional writes (If-None-Match, If-Match) hold" in output
    assert "commits transactions" in output
    assert "BAD  secrets " in output
    assert "remedy: chmod 700 " in output
    assert nightcatch.left() == []


def test_status_of_a_stopped_stack_is_1_and_shows_no_password(nightcatch: CommandLine) -> None:
    code, output = nightcatch.run("status")
    password = (nightcatch.state_dir / "secrets" / "airflow_passwords.json").read_text()[11:-2]

    assert code == 1
    assert output.count("  stopped  ") == 5
    assert "next run sites  airflow does not run; start it with ./nightcatch up" in output
    assert password not in output

    code, output = nightcatch.run("status", "--json")
    found = json.loads(output)

    assert code == 1
    assert found["production"]["urls"]["problem"].startswith("s3 does not run")
    assert found["disk"]["value"]["free_bytes"] > 0
    assert password not in output
