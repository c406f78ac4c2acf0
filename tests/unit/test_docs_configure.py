"""`docs/configure.md` names every variable that the code reads, no other, and its true default."""

import ast
import os
import re
from functools import cache

import pytest

from include.services.scorer.settings import read_settings as read_scorer
from include.stack.settings import read_settings as read_stack
from tests.support import doc_pages

PAGE = doc_pages.ROOT / "docs" / "configure.md"
ROW = re.compile(r"^\| (`[A-Z][A-Z0-9_]+`(?:, `[A-Z][A-Z0-9_]+`)*) \|.*\| (.*) \|$", re.M)
NAME = re.compile(r"(?<![A-Z_])NIGHTCATCH_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_])")
ENVIRON = re.compile(r"(os\.)?environ(\.get|\.setdefault)?")
# What a WSGI server says of a request is in a mapping of the same name.
OF_REQUESTS = re.compile(r"HTTP_\w+|CONTENT_\w+|REQUEST_\w+|REMOTE_\w+|PATH_INFO|QUERY_STRING")
# Read by a name put together, `NIGHTCATCH_{server}_PORT`; each is written out in the help.
PUT_TOGETHER = re.compile(r"NIGHTCATCH_[A-Z0-9]+_PORT")
# Of these libraries, told in the text and not in a table.
OF_OTHERS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"}


def documented():
    """The default of each variable that has a row, as the page writes it."""
    rows = ROW.findall(PAGE.read_text())
    found = [(name, default) for names, default in rows for name in re.findall(r"\w+", names)]
    assert len(found) == len(dict(found)), "a variable has two rows"
    return dict(found)


def python_files():
    folders = ("include", "dags", "plugins")
    return [file for each in folders for file in sorted((doc_pages.ROOT / each).rglob("*.py"))]


def read_in_python(file):
    """Names in the code, not in its comments and docstrings, and what `environ` is asked for."""
    tree = ast.parse(file.read_text())
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings:
                yield from NAME.findall(node.value)
        elif isinstance(node, ast.Call | ast.Subscript | ast.Compare):
            yield from asked_of_environ(node)


def asked_of_environ(node):
    """The constants of `environ.get(...)`, `f(environ, ...)`, `environ[...]`, `... in environ`."""
    if not any(isinstance(part, ast.Name | ast.Attribute) for part in ast.iter_child_nodes(node)):
        return
    direct = list(ast.iter_child_nodes(node))
    if any(ENVIRON.fullmatch(ast.unparse(part)) for part in direct):
        constants = [part.value for part in direct if isinstance(part, ast.Constant)]
        names = [each for each in constants if re.fullmatch(r"[A-Z][A-Z0-9_]+", str(each))]
        yield from (name for name in names if not OF_REQUESTS.fullmatch(name))


def read_elsewhere():
    compose = (doc_pages.ROOT / "docker-compose.yaml").read_text()
    yield from re.findall(r"(?<!\$)\$\{([A-Z][A-Z0-9_]+)", compose)
    yield from re.findall(r"\$\{([A-Z][A-Z0-9_]+)", (doc_pages.ROOT / "nightcatch").read_text())
    for name in ("docker-compose.yaml", "Dockerfile", ".env.example", "nightcatch"):
        yield from NAME.findall((doc_pages.ROOT / name).read_text())
    connections = r"AIRFLOW_CONN_NIGHTCATCH_[A-Z0-9]+"
    yield from re.findall(connections, compose)


@cache
def all_read():
    return {name for file in python_files() for name in read_in_python(file)} | {*read_elsewhere()}


def test_every_variable_has_a_row():
    assert all_read() - documented().keys() - OF_OTHERS == set()


def test_no_row_is_of_a_variable_that_nothing_reads():
    unread = documented().keys() - all_read()

    assert {name for name in unread if not PUT_TOGETHER.fullmatch(name)} == set()


def test_the_text_names_no_variable_without_a_row():
    assert set(NAME.findall(PAGE.read_text())) - documented().keys() == set()


def test_a_read_of_each_kind_is_found(tmp_path):
    code = tmp_path / "code.py"
    code.write_text(
        '"""NIGHTCATCH_IN_A_DOCSTRING"""\n'
        'a = os.environ.get("READ_BY_GET"), environ["READ_BY_INDEX"], "ASKED_FOR" in os.environ\n'
        'b = _required(environ, "READ_BY_HELPER"), order(["NOT_READ"], "NOR_THIS")\n'
        'c = required("NIGHTCATCH_BY_NAME")  # NIGHTCATCH_IN_A_COMMENT\n'
    )

    assert set(read_in_python(code)) == {
        "READ_BY_GET", "READ_BY_INDEX", "ASKED_FOR", "READ_BY_HELPER", "NIGHTCATCH_BY_NAME",
    }  # fmt: skip


@pytest.fixture
def scorer_env(tmp_path):
    key = tmp_path / "key.pub"
    key.touch()
    return {
        "NIGHTCATCH_TRAINER_PUBLIC_KEY": str(key),
        "NIGHTCATCH_APPROVER_PUBLIC_KEY": str(key),
        "NIGHTCATCH_CACHE_DIR": str(tmp_path),
    }


def in_section(title):
    """Variables of a section whose default is one value, with that value."""
    section = PAGE.read_text().split(f"## {title}\n")[1].split("\n## ")[0]
    rows = [(re.findall(r"\w+", names), cell) for names, cell in ROW.findall(section)]
    return {
        name: m[1] for names, cell in rows for name in names if (m := re.match(r"`(.*?)`", cell))
    }


def test_the_defaults_of_the_scorer_are_those_of_the_code(scorer_env, monkeypatch):
    defaults = in_section("The scorer")

    assert len(defaults) > 10
    for name in [name for name in os.environ if name.startswith("NIGHTCATCH_")]:
        monkeypatch.delenv(name)
    for name, value in scorer_env.items():
        monkeypatch.setenv(name, value)
    plain = read_scorer()
    for name, value in defaults.items():
        monkeypatch.setenv(name, value)
    assert read_scorer() == plain


def test_the_defaults_of_the_stack_are_those_of_the_code(tmp_path):
    defaults = in_section("The command line and the embedded servers")
    del defaults["NIGHTCATCH_STATE_DIR"]  # in words

    assert {"NIGHTCATCH_S3_BUCKET", "NIGHTCATCH_MLFLOW_PORT"} <= defaults.keys()
    assert read_stack(tmp_path, defaults) == read_stack(tmp_path, {})
