"""The rules of the architecture that a machine can read: imports point down, and the like."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Each package may import those of lower layers, and its own.
LAYERS = {
    "errors": 0,
    "config": 1,
    "contract": 1,
    "stores": 1,
    "estimators": 1,
    "urls": 1,
    "features": 1,
    "ingest": 2,
    "validation": 2,
    "training": 2,
    "evaluation": 2,
    "registry": 2,
    "reporting": 2,
    "tracking": 2,
    "inference": 3,
    "pipelines": 3,
    "batch": 4,
    "services": 4,
    "web": 4,
    "run": 4,
    "notify": 4,
    "monitoring": 4,
    "exports": 4,
    "status": 5,
    "stack": 5,
    "cli": 6,
}
# Same-layer imports that are meant: a step may use the figures or the split of its neighbour, and
# tracking shows a person's response only as the registry verified it; a run replays the traffic
# that monitoring reads.
NEIGHBOURS = {
    *{("training", "evaluation"), ("evaluation", "training"), ("features", "urls")},
    *{("tracking", "registry"), ("run", "monitoring")},
}
SCORER_MUST_NOT = {
    "airflow", "great_expectations", "joblib", "model_signing", "pandas", "pickle", "pymongo",
    "sklearn", "skl2onnx",
}  # fmt: skip


def python_files(*folders):
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


@cache
def tree_of(file):
    return ast.parse(file.read_text())


def imported(file):
    """Every module a file names in an import statement, wherever it stands."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def package(module):
    parts = module.split(".")
    return parts[1] if parts[0] == "include" and len(parts) > 1 else None


def test_every_package_has_a_layer():
    packages = {path.stem for path in (ROOT / "include").iterdir() if path.suffix == ".py"}
    packages |= {path.parent.name for path in (ROOT / "include").glob("*/__init__.py")}

    assert packages - {"__init__"} == set(LAYERS)


def test_imports_point_down():
    upward = []
    for file in python_files("include"):
        here = file.relative_to(ROOT / "include").parts[0].removesuffix(".py")
        if here == "__init__":
            continue
        for module, line in imported(file):
            there = package(module)
            if there is None or there == here or (here, there) in NEIGHBOURS:
                continue
            if LAYERS[there] >= LAYERS[here]:
                upward.append(f"{file.relative_to(ROOT)}:{line} imports {module}")

    assert upward == []


@pytest.mark.parametrize("forbidden", ["airflow", "dags", "plugins", "tests"])
def test_include_never_imports(forbidden):
    found = [
        f"{file.relative_to(ROOT)}:{line}"
        for file in python_files("include")
        for module, line in imported(file)
        if module.split(".")[0] == forbidden
    ]

    assert found == []


def test_the_scorer_cannot_unpickle_or_train():
    served = (
        "include/services",
        "include/inference",
        "include/contract",
        "include/registry/follow",
    )
    offences = []
    for file in [*python_files(*served), ROOT / "include/stores/objects.py"]:
        for module, line in imported(file):
            if module.split(".")[0] in SCORER_MUST_NOT or package(module) in {
                "training",
                "validation",
            }:
                offences.append(f"{file.relative_to(ROOT)}:{line} imports {module}")

    assert offences == []


def test_publish_and_follow_do_not_know_each_other():
    pairs = {
        ("publish", "follow"),
        ("approve", "follow"),
        ("follow", "publish"),
        ("follow", "approve"),
    }
    met = {
        (file.relative_to(ROOT / "include/registry").parts[0].removesuffix(".py"), part)
        for file in python_files("include/registry")
        for module, _ in imported(file)
        for part in module.split(".")
    }

    assert met & pairs == set()


def test_keys_are_spelled_in_one_module():
    folders = ("models/", "snapshots/", "quarantine/", "runs/", "traffic/", "docs/", "tracking/")
    folders += ("alerts/", "monitoring/", "batch/")
    offences = []
    for file in python_files("include", "dags", "plugins"):
        if file.name == "keys.py":
            continue
        for node in ast.walk(tree_of(file)):
            text = node.value if isinstance(node, ast.Constant) else None
            if not isinstance(text, str) or "\n" in text or text == "docs/runbook.md":
                continue
            if text.startswith(folders):
                offences.append(f"{file.relative_to(ROOT)}:{node.lineno} {text!r}")

    assert offences == []


def test_modules_say_what_they_are_for_and_stay_short():
    offences = []
    for file in python_files("include", "dags", "plugins", "bench"):
        source = file.read_text()
        if not ast.get_docstring(tree_of(file)):
            offences.append(f"{file.relative_to(ROOT)}: no docstring")
        if source.count("\n") > 300:
            offences.append(f"{file.relative_to(ROOT)}: {source.count(chr(10))} lines")

    assert offences == []


def test_functions_stay_short():
    offences = []
    for file in python_files("include", "plugins"):
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                if lines > 40:
                    offences.append(f"{file.relative_to(ROOT)}:{node.lineno} {node.name}: {lines}")

    assert offences == []


def test_only_the_errors_module_defines_errors():
    offences = []
    for file in python_files("include"):
        if file.name == "errors.py":
            continue
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Error"):
                offences.append(f"{file.relative_to(ROOT)}:{node.lineno} {node.name}")

    assert offences == []


def test_no_package_is_called_utils():
    names = {path.stem for path in (ROOT / "include").rglob("*")}

    assert names & {"utils", "util", "common", "helpers", "manager", "base", "misc"} == set()
