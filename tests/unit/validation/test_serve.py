"""Which page an address means, and in which order runs are listed."""

import json

import pytest

from include.errors import ManifestError, ObjectMissingError
from include.validation.data_docs.history import MAX_RUNS, list_runs
from include.validation.data_docs.serve import docs_key, run_folder


class Folders:
    """What a bucket lists, by prefix."""

    def __init__(self, evaluated=None, **pipelines):
        self.evaluated = evaluated or {}
        self.named = {f"docs/{name}/": runs for name, runs in pipelines.items()}
        self.named["docs/"] = sorted(pipelines)

    def folders(self, prefix):
        return list(self.named[prefix])

    def get(self, key, max_bytes=None):
        if key not in self.evaluated:
            raise ObjectMissingError(key)
        return self.evaluated[key]


def test_the_newest_run_of_a_pipeline_comes_first():
    runs = ["manual__2026-11-20T09_00", "manual__2026-11-22T01_00", "scheduled__2026-11-21T02_00"]

    page = list_runs(Folders(sites=runs, vendor=["jquery-3.7.1"]))

    places = [page.index(f'href="show/sites/{runs[i]}/index.html"') for i in (1, 2, 0)]
    assert places == sorted(places)
    assert "jquery" not in page


def test_only_so_many_runs_are_listed():
    page = list_runs(Folders(sites=[f"manual__{i:05d}" for i in range(MAX_RUNS + 5)]))

    assert page.count("<td><a href") == MAX_RUNS
    assert "manual__00204" in page
    assert "manual__00004" not in page


@pytest.mark.parametrize(
    ("run", "shown"),
    [
        ("scheduled__2026-11-21T02_00_00_00_00-a1b2", "2026-11-21 02:00 UTC, by schedule"),
        ("manual__2026-11-22T01_07_33", "2026-11-22 01:07 UTC, by hand"),
        ("asset_triggered__2026-11-22T01_07_33", "2026-11-22 01:07 UTC, by new labels"),
        ("my-run", "my-run"),
    ],
)
def test_a_run_is_named_by_its_time_and_what_triggered_it(run, shown):
    assert f'title="{run}">{shown}</a>' in list_runs(Folders(sites=[run]))


def evaluated(failures=(), warnings=()):
    found = {"accepted": 8847, "quarantined": 3, "failures": failures, "warnings": warnings}
    return json.dumps(found).encode()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(evaluated(), "8,847 accepted, 3 in quarantine</a></td>", id="accepted"),
        pytest.param(evaluated(warnings=["w"]), "3 in quarantine, 1 warning</a>", id="warned"),
        pytest.param(
            evaluated(warnings=["v", "w"]), "quarantine, 2 warnings</a>", id="warned-twice"
        ),
        pytest.param(evaluated(["too <few> rows"]), "refused: too &lt;few&gt; rows", id="refused"),
        pytest.param(b"{", "cannot be read", id="cut"),
        pytest.param(b"{}", "cannot be read", id="empty"),
        pytest.param(b"[1]", "cannot be read", id="list"),
    ],
)
def test_the_list_says_what_became_of_a_run_s_records(content, said):
    page = list_runs(Folders({"runs/sites/night/validation.json": content}, sites=["night"]))

    assert said in page
    assert ('href="show/sites/night/quarantine.html"' in page) == (b"accepted" in content)


def test_a_run_whose_verdict_is_gone_stays_in_the_list():
    assert "not kept any more" in list_runs(Folders(sites=["night"]))


def test_without_runs_the_list_says_so():
    page = list_runs(Folders())

    assert "No run has validated records yet" in page
    assert "trigger a DAG" in page


def test_what_is_listed_is_text():
    page = list_runs(Folders(**{"<b>": ["<script>"]}))

    assert "<b>" not in page
    assert "<script>" not in page


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("sites/run-1/index.html", "docs/sites/run-1/index.html"),
        ("sites/run-1/", "docs/sites/run-1/index.html"),
    ],
)
def test_a_path_names_a_key_among_the_data_docs(path, key):
    assert docs_key(path) == key


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../models/x",
        "sites/../../x",
        "sites//x",
        "/etc/passwd",
        "a\\b",
        "a\0",
        "ä",
        "a b",
        "%2e%2e",
    ],
)
def test_no_other_path_names_one(path):
    with pytest.raises(ObjectMissingError):
        docs_key(path)


def test_a_training_run_has_a_folder():
    assert run_folder("train_sites", "manual__2026-11-21T05:30:00+00:00") == (
        "sites/manual__2026-11-21T05_30_00_00_00/"
    )


@pytest.mark.parametrize("dag_id", ["load_records", "train_", "train_../x", "train_Sites"])
def test_another_dag_has_none(dag_id):
    with pytest.raises((ObjectMissingError, ManifestError)):
        run_folder(dag_id, "run")
