"""A browser and a terminal follow `docs/tutorial.md`: a URL is asked, corrected, and taken back.

Its other steps (a run, the approval, the roll back) are those of `tests/e2e/test_loop.py`.
"""

import os
import re
import shlex

import pytest

from include.stack.environment import scorer_environment
from tests.support import doc_pages
from tests.support.browser import open_browser
from tests.support.cli_session import open_cli_session
from tests.support.scorer_process import ScorerProcess
from tests.support.signed_versions import promote, url_version

PAGE = doc_pages.ROOT / "docs" / "tutorial.md"
(ASKED,) = re.findall(r"paste `(http[^`]+)` and \*Check\*", PAGE.read_text())
ALLOW, UNLIST = (
    shlex.split(command)
    for name in ("allow", "unlist")
    for command in doc_pages.commands(PAGE)
    if command.startswith(f"{name} ")
)


@pytest.fixture
def installation(tmp_path):
    """S3, a scorer and the command line, with a version that calls the tutorial's URL phishing."""
    with open_cli_session(tmp_path) as cli:
        promote(cli.store, url_version(1, [ASKED]), cli.trainer, cli.approver)
        environ = scorer_environment(cli.stack.settings, cli.stack.secrets, os.environ)
        process = ScorerProcess(tmp_path, environ)
        try:
            process.start("/health/ready")
            yield cli, process.url
        finally:
            process.kill()


def check(browser, url, found):
    """Paste the URL and press *Check* until the page says what is to be seen."""
    page = browser.page
    for _ in range(60):  # a poll of the list by each worker
        browser.open(url)
        if page.locator("#text").count():  # once the version is loaded
            page.locator("#text").fill(ASKED)
            page.get_by_role("button", name="Check", exact=True).click()
        text = page.locator("main").inner_text()
        if found(text):
            return text
        page.wait_for_timeout(500)
    raise AssertionError(text)


def test_the_tutorials_url_is_asked_corrected_and_taken_back(installation):
    cli, url = installation
    with open_browser() as browser:
        said = check(browser, url, lambda text: "Phishing" in text)
        assert "allow list" not in said

        assert cli.run(*ALLOW) == 0
        said = check(browser, url, lambda text: "Decided by: allow list" in text)
        assert "Legitimate" in said
        assert "our own page" in said

        assert cli.run(*UNLIST) == 0
        check(browser, url, lambda text: "Decided by: allow list" not in text)
