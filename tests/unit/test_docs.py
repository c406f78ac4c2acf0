"""The pages of `docs/`: their commands exist, their links lead somewhere, none is forgotten."""

import pytest

from tests import pages

INDEX = pages.ROOT / "docs" / "README.md"


def each(what, *more):
    """One parameter for each thing of each page, named after both."""
    found = [(page, thing) for page in (*pages.DOCS, *more) for thing in what(page)]
    return [pytest.param(*pair, id=f"{pair[0].stem}-{pair[1]}") for pair in found]


@pytest.mark.parametrize(("page", "command"), each(pages.commands))
def test_a_command_is_understood(page, command):
    pages.understand(page, command)


@pytest.mark.parametrize(("page", "path"), each(pages.paths))
def test_a_path_exists(page, path):
    assert pages.is_there(page, path)


@pytest.mark.parametrize(("page", "link"), each(pages.links, pages.README))
def test_a_link_leads_somewhere(page, link):
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page

    assert target.exists()
    assert not anchor or anchor in pages.anchors(target)


@pytest.mark.parametrize(("page", "named"), each(lambda p: pages.tests_named(p.read_text())))
def test_a_test_that_is_named_is_there(page, named):
    file, function = named

    assert function in pages.functions_of(file)


def test_the_index_leads_to_every_page():
    linked = {link.partition("#")[0] for link in pages.links(INDEX)}

    assert {page.name for page in pages.DOCS} - {"README.md"} <= linked


def test_the_readme_leads_to_the_index():
    assert "docs/README.md" in pages.links(pages.README)
