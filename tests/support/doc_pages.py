"""Commands, paths, links and code blocks of README and `docs/`."""

import ast
import re
import shlex
from functools import cache
from pathlib import Path

from include.cli.parser import build_parser

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
README = ROOT / "README.md"
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_NAMED = re.compile(r"^\*\*`([\w./]+)`\*\*\n\n```\w+\n(.*?)^```$", re.M | re.S)
_FOLDERS = "include|tests|dags|gx|bench|plugins|docs|deploy"


def commands(page):
    """The arguments of each `./nightcatch` in a page, without comments."""
    return sorted(set(re.findall(r"\./nightcatch ([a-z][^`#\n]*)", page.read_text())))


def parses(page, command):
    """Whether the command line, or for `test` the folder of tests, accepts what a page types."""
    words = shlex.split(command)
    if words[0] == "test":
        return all(word[0] == "-" or is_there(page, word) for word in words[1:])
    if len(words) == 1:  # names a command, which may need arguments
        return f"\n    {words[0]} " in build_parser().format_help()
    try:
        build_parser().parse_args(words)
    except SystemExit:
        return False
    return True


def is_there(page, path):
    """Whether the repository has a file or folder, or a page lets its reader write it."""
    written = files_in(page)
    folders = {folder.as_posix() for file in written for folder in Path(file).parents}
    return (ROOT / path).exists() or path.rstrip("/") in written.keys() | folders


def paths(page):
    """The files and folders of the repository that a page names as code."""
    found = re.findall(rf"`((?:{_FOLDERS})/[\w./-]*)(?:::\w+)?`", page.read_text())
    return sorted(set(found))


def tests_named(text):
    """Pairs of file and function, of each `tests/...py::test_...` that a text names."""
    return sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)))


def links(page):
    """The links of a page that lead into the repository: path and anchor, either may be empty."""
    text = _FENCED.sub("", page.read_text())
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return sorted({link for link in found if not re.match(r"[a-z]+:", link)})


def resolves(page, link):
    """Whether a link leads to a file, and its anchor to a heading there."""
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page):
    """The anchors of a page's headings, as GitHub and most others make them."""
    headings = re.findall(r"^#+ (.*)$", _FENCED.sub("", page.read_text()), re.M)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return set(plain)


def blocks(page, language):
    """The fenced blocks of one language, in order."""
    return [body for kind, body in _FENCED.findall(page.read_text()) if kind == language]


def files_in(page):
    """The files that a tutorial lets its reader write, by path: a bold path, then a block."""
    return dict(_NAMED.findall(page.read_text()))


@cache
def functions_of(path):
    """The names of all functions of a Python file."""
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
