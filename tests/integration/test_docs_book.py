"""The pages of `docs/` as one book: it is built, a wrong link fails, a browser reads it."""

import os
import shutil
import tomllib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from include.cli.commands.docs import build_book
from include.errors import BookError
from tests.support.browser import open_browser
from tests.support.doc_pages import ROOT

BESIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "nightcatch")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The address of the book."""
    site = build_book(ROOT, CACHE, tmp_path_factory.mktemp("book") / "book")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def pages_of(nav):
    """The pages that a part of the book lists, in order."""
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        else:
            for inner in entry.values():
                yield from pages_of([inner] if isinstance(inner, str) else inner)


def test_every_page_is_in_the_book_once():
    nav = tomllib.loads((ROOT / "docs" / "zensical.toml").read_text())["project"]["nav"]
    beside = ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]

    assert sorted(pages_of(nav)) == sorted(
        [*beside, *(p.name for p in (ROOT / "docs").glob("*.md"))]
    )


def copy_with(tmp_path, text):
    """A copy of what the book is made of, with a text at the end of a page."""
    root = tmp_path / "checkout"
    for folder in ("docs", "deploy", "include/urls", "include/pipelines"):
        shutil.copytree(ROOT / folder, root / folder)
    for page in (*BESIDE, ".env.example"):
        shutil.copy(ROOT / page, root)
    with (root / "docs" / "tasks.md").open("a") as page:
        page.write(text)
    return root


def test_links_that_lead_nowhere_fail(tmp_path):
    root = copy_with(tmp_path, "\n[a](no-such-page.md), [b](operate.md#no-such-heading)\n")

    with pytest.raises(BookError) as failed:
        build_book(root, CACHE, tmp_path / "book")
    assert "2 issues found" in str(failed.value)
    assert "tasks.md" in str(failed.value)


def test_a_link_to_a_file_that_is_not_there_fails(tmp_path):
    root = copy_with(tmp_path, "\n[a](../deploy/none.json)\n")

    with pytest.raises(BookError, match=r"docs/tasks\.md: \.\./deploy/none\.json is not a file"):
        build_book(root, CACHE, tmp_path / "book")


def test_a_reader_searches_it_and_no_other_host_is_asked(book):
    with open_browser() as browser:
        hosts = set()
        browser.page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
        browser.open(f"{book}/index.html")
        browser.page.get_by_role("button", name="Search").first.click()
        browser.page.keyboard.type("quarantine above")
        browser.page.locator("a[href*='runbook.html']").last.wait_for()
        browser.open(f"{book}/deploy.html")
        for width in (1280, 390):
            browser.show_at(width, 850)
            assert browser.run("document.documentElement.scrollWidth <= innerWidth")

    assert hosts == {book.split("/")[2]}
    assert browser.problems == []
