"""The view of a long command's steps, on a real terminal and without one."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from include.cli.progress import duration

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
from include.cli.progress import ProgressScreen, Step
steps = [Step("start servers", 20.0), Step("train", 100.0)]
screen = ProgressScreen(steps)
with screen.shown():
    with screen.step(steps[0]):
        screen.say("s3 ready")
        screen.show("[a result]")
    with screen.step(steps[1]):
        raise SystemExit(3)
"""


def output_on_a_terminal():
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environ, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 4096):
                shown += chunk
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    assert process.returncode == 3
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())


def test_a_terminal_shows_what_is_done_what_runs_and_how_long_it_takes():
    said = output_on_a_terminal()

    assert re.search("✓ +start servers +0 s +s3 ready", said)
    assert "[a result]" in said
    assert "about 1 min 45 s left in all" in said  # 100 s of training are left


def test_elsewhere_each_step_and_detail_is_a_line():
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True)
    lines = [line.partition("] ")[2] or line for line in done.stdout.splitlines()]

    assert done.returncode == 3
    assert lines == [
        "step 1 of 2: start servers, about 2 min left in all",
        "s3 ready",
        "[a result]",
        "step 2 of 2: train, about 1 min 45 s left in all",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3.0, "a few seconds"),
        (62.0, "about 60 s"),
        (95.0, "about 1 min 30 s"),
        (119.0, "about 2 min"),
    ],
)
def test_times_are_rounded_for_people(seconds, text):
    assert duration(seconds) == text
