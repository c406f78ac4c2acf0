"""The README's commands exist, and what it names is there; `test_docs.py` sees to its links."""

import pytest

from tests.support import doc_pages

README = doc_pages.README.read_text()


@pytest.mark.parametrize("command", doc_pages.commands(doc_pages.README))
def test_a_command_of_the_readme_is_understood(command):
    doc_pages.understand(doc_pages.README, command)


@pytest.mark.parametrize("path", doc_pages.paths(doc_pages.README))
def test_a_path_of_the_readme_exists(path):
    assert doc_pages.is_there(doc_pages.README, path)


def test_the_readme_shows_what_the_demo_prints():
    assert "Figures of this model" in README
    assert "DEMO_OUTPUT" not in README
