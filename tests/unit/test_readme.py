"""The README's commands exist, and what it names is there."""

import re
from pathlib import Path

import pytest

from include.stack.parser import build_parser

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = sorted(set(re.findall(r"\./nightcatch ([a-z][^`#\n]*)", README)))
PATHS = sorted(set(re.findall(r"`((?:include|tests|dags|gx|bench|plugins)/[\w./]*)`", README)))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_is_understood(command):
    words = command.replace("NAME", "record").split()

    build_parser().parse_args(words)


@pytest.mark.parametrize("path", PATHS)
def test_a_path_of_the_readme_exists(path):
    assert (ROOT / path).exists()


def test_the_readme_shows_what_the_demo_prints():
    assert "Figures of this model" in README
    assert "DEMO_OUTPUT" not in README
