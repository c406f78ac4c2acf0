"""The README's commands exist, and what it names is there; `test_docs.py` sees to its links."""

import pytest

from tests import pages

README = pages.README.read_text()


@pytest.mark.parametrize("command", pages.commands(pages.README))
def test_a_command_of_the_readme_is_understood(command):
    pages.understand(pages.README, command)


@pytest.mark.parametrize("path", pages.paths(pages.README))
def test_a_path_of_the_readme_exists(path):
    assert pages.is_there(pages.README, path)


def test_the_readme_shows_what_the_demo_prints():
    assert "Figures of this model" in README
    assert "DEMO_OUTPUT" not in README
