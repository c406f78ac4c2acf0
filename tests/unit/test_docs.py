"""The pages of `docs/`: their commands exist, their links lead somewhere, none is forgotten."""

import pytest

from tests.support import doc_pages

INDEX = doc_pages.ROOT / "docs" / "README.md"


def each(what, *more):
    """One parameter for each thing of each page, named after both."""
    found = [(page, thing) for page in (*doc_pages.DOCS, *more) for thing in what(page)]
    return [pytest.param(*pair, id=f"{pair[0].stem}-{pair[1]}") for pair in found]


@pytest.mark.parametrize(("page", "command"), each(doc_pages.commands))
def test_a_command_is_understood(page, command):
    doc_pages.understand(page, command)


@pytest.mark.parametrize(("page", "path"), each(doc_pages.paths))
def test_a_path_exists(page, path):
    assert doc_pages.is_there(page, path)


@pytest.mark.parametrize(("page", "link"), each(doc_pages.links, doc_pages.README))
def test_a_link_leads_somewhere(page, link):
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page

    assert target.exists()
    assert not anchor or anchor in doc_pages.anchors(target)


@pytest.mark.parametrize(("page", "named"), each(lambda p: doc_pages.tests_named(p.read_text())))
def test_a_test_that_is_named_is_there(page, named):
    file, function = named

    assert function in doc_pages.functions_of(file)


def test_the_index_leads_to_every_page():
    linked = {link.partition("#")[0] for link in doc_pages.links(INDEX)}

    assert {page.name for page in doc_pages.DOCS} - {"README.md"} <= linked


def test_the_readme_leads_to_the_index():
    assert "docs/README.md" in doc_pages.links(doc_pages.README)
