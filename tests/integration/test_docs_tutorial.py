"""The tutorial's third pipeline, built of nothing but the page, in a copy of the repository."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.support import doc_pages

PAGE = doc_pages.ROOT / "docs" / "add-a-pipeline.md"
FOLDERS = ("bench", "dags", "gx", "include", "tests")
ALREADY_THERE = (
    "tests/unit/evaluation/test_policy.py",
    "tests/unit/registry/test_retention.py",
    "tests/unit/test_architecture.py",
    "tests/unit/validation/test_suites.py",
)
PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
PARSE = """
import sys
from airflow.dag_processing.dagbag import DagBag

bag = DagBag(sys.argv[1])
assert bag.import_errors == {}, bag.import_errors
print(sorted(bag.dags))
print(bag.dags["load_records"].params.get_param("pipeline").schema["enum"])
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the repository with the files of the page in it, each of them new."""
    root = tmp_path_factory.mktemp("checkout")
    left_out = shutil.ignore_patterns("__pycache__")
    for folder in FOLDERS:
        shutil.copytree(doc_pages.ROOT / folder, root / folder, ignore=left_out)
    if (doc_pages.ROOT / ".mypy_cache").exists():  # else a minute of types that have been checked
        shutil.copytree(doc_pages.ROOT / ".mypy_cache", root / ".mypy_cache")
    for name in ("pyproject.toml", "requirements.txt"):
        shutil.copy(doc_pages.ROOT / name, root)
    for path, text in doc_pages.files_in(PAGE).items():
        assert not (root / path).exists(), f"{path} is there already"
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def run(checkout, *arguments, **variables):
    """What a Python process says that runs in the copy, once it has ended well."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    env = {**kept, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1", **variables}
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, cwd=checkout, env=env, text=True, **PIPES) as process:
        try:
            output, wrong = process.communicate()
        finally:
            process.send_signal(signal.SIGINT)  # if it still runs: it stops its servers
    assert process.returncode == 0, output + wrong
    return output


def test_its_tests_pass_and_a_run_is_trained_signed_and_served(checkout):
    its_own = sorted(path for path in doc_pages.files_in(PAGE) if path.startswith("tests/"))
    output = run(checkout, "-m", "pytest", "-q", *its_own)

    assert len(its_own) == 2
    assert "skipped" not in output


def test_the_tests_of_every_pipeline_cover_it(checkout):
    output = run(checkout, "-m", "pytest", "-q", "-rA", *ALREADY_THERE)

    assert output.count("[mails]") == 6  # policy, retention, and four of the suite


def test_airflow_finds_its_dag_and_offers_it_in_the_form(checkout, tmp_path):
    env = {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
    dags, offered = run(checkout, "-c", PARSE, str(checkout / "dags"), **env).splitlines()[-2:]

    assert "train_mails" in dags
    assert offered == "['mails', 'sites', 'urls']"


def test_its_code_keeps_the_rules_of_the_repository(checkout):
    python = [path for path in doc_pages.files_in(PAGE) if path.endswith(".py")]
    run(checkout, "-m", "ruff", "format", "--check", *python)
    run(checkout, "-m", "ruff", "check", *python)
    run(checkout, "-m", "mypy", "include/pipelines/mails")
