"""README and the pages of `docs/`: commands parse, paths and links exist, no page is forgotten."""

import pytest

from tests.support import doc_pages

INDEX = doc_pages.ROOT / "docs" / "README.md"
PAGES = [*doc_pages.DOCS, doc_pages.README]
each_page = pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])


@each_page
def test_commands_parse(page):
    assert [each for each in doc_pages.commands(page) if not doc_pages.parses(page, each)] == []


@each_page
def test_paths_exist(page):
    assert [path for path in doc_pages.paths(page) if not doc_pages.is_there(page, path)] == []


@each_page
def test_links_resolve(page):
    assert [link for link in doc_pages.links(page) if not doc_pages.resolves(page, link)] == []


@each_page
def test_tests_that_are_named_exist(page):
    named = doc_pages.tests_named(page.read_text())
    missing = [each for each in named if each[1] not in doc_pages.functions_of(each[0])]

    assert missing == []


def test_every_page_can_be_reached_from_the_readme():
    linked = {link.partition("#")[0] for link in doc_pages.links(INDEX)}

    assert {page.name for page in doc_pages.DOCS} - {"README.md"} <= linked
    assert "docs/README.md" in doc_pages.links(doc_pages.README)


@pytest.mark.parametrize(
    ("text", "finder", "check"),
    [
        ("run `./nightcatch nonsense --x`", doc_pages.commands, doc_pages.parses),
        ("run `./nightcatch train --no-such-option`", doc_pages.commands, doc_pages.parses),
        ("see `include/no_such_file.py`", doc_pages.paths, doc_pages.is_there),
        ("see [it](no-such-page.md)", doc_pages.links, doc_pages.resolves),
        ("# A title\n\nsee [it](#another-title)", doc_pages.links, doc_pages.resolves),
    ],
    ids=["command", "option", "path", "link", "anchor"],
)
def test_what_does_not_exist_is_found(tmp_path, text, finder, check):
    page = tmp_path / "page.md"
    page.write_text(text)
    (found,) = finder(page)

    assert not check(page, found)
