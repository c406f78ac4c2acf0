"""`docs/configure.md` names every variable that the code reads and no other; tables are current."""

import ast
import re
from functools import cache

from include.cli.reference import render
from tests.support import doc_pages

PAGE = doc_pages.ROOT / "docs" / "configure.md"
ROW = re.compile(r"^\| (`[A-Z][A-Z0-9_]+`(?:, `[A-Z][A-Z0-9_]+`)*) \|", re.M)
NAME = re.compile(r"(?<![A-Z_])NIGHTCATCH_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_])")
ENVIRON = re.compile(r"(os\.)?environ(\.get|\.setdefault)?")
# What a WSGI server says of a request is in a mapping of the same name.
OF_REQUESTS = re.compile(r"HTTP_\w+|CONTENT_\w+|REQUEST_\w+|REMOTE_\w+|PATH_INFO|QUERY_STRING")
# Of libraries; in the text, not in a table.
OF_OTHERS = {
    "TMPDIR",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "PROMETHEUS_MULTIPROC_DIR",
}


def documented():
    """Return the variables that have a row."""
    return {name for names in ROW.findall(PAGE.read_text()) for name in re.findall(r"\w+", names)}


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
    connections = r"AIRFLOW_CONN_NIGHTCATCH_[A-Z0-9_]*[A-Z0-9]"
    yield from re.findall(connections, compose)


@cache
def all_read():
    return {name for file in python_files() for name in read_in_python(file)} | {*read_elsewhere()}


def test_every_variable_has_a_row():
    assert all_read() - documented() - OF_OTHERS == set()


def test_no_row_is_of_a_variable_that_nothing_reads():
    assert documented() - all_read() == set()


def test_the_text_names_no_variable_without_a_row():
    assert set(NAME.findall(PAGE.read_text())) - documented() == set()


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


def test_the_tables_are_those_of_the_settings_classes():
    page = PAGE.read_text()

    assert render(page) == page, "run python -m include.cli.reference"
    assert page.count("<!-- settings: ") == page.count("<!-- end -->") == 8


def test_a_changed_table_is_restored():
    page = PAGE.read_text()

    assert render(page.replace("| `8080` |", "| `8081` |")) == page
