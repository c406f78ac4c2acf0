"""A run's documents become names, parameters and figures that cannot be taken for another."""

import json
from dataclasses import replace

import pytest

from include.tracking.record import RunRecord
from include.tracking.translate import Figure, translate
from tests.support.tracked_run import DIGEST, VERSION, documents, ending

FILES = {"manifest.json": b"{}", "report.html": b"<h1>Report</h1>"}


def record(files=FILES, ended=None, **changes):
    left = {name: json.dumps(body).encode() for name, body in {**documents(), **changes}.items()}
    return RunRecord(ended or ending(), "nightcatch", left, files)


def figures(tracked):
    return {figure.name: figure.value for figure in tracked.figures}


def test_figures_say_on_which_rows_they_were_measured():
    found = figures(translate(record()))

    assert found["test_accuracy"] == 0.94
    assert found["random_split_accuracy"] == 0.97
    assert found["cv_average_precision_mean"] == pytest.approx(0.9)
    assert found["test_accuracy_ceiling"] == 0.98
    assert (found["test_fpr_low"], found["test_fpr_high"]) == (0.001, 0.02)
    assert (found["rows_train"], found["rows_accepted"]) == (60, 98)
    assert "accuracy" not in found


def test_only_numbers_are_figures():
    names = set(figures(translate(record())))

    assert not names & {"test_confident", "test_bins", "drift_columns"}


def test_the_champion_on_the_same_rows_has_figures_of_its_own():
    evaluation = documents()["evaluation.json"]
    theirs = {**evaluation, "champion_on_same_rows": {"version": VERSION, "accuracy": 0.9}}

    assert figures(translate(record(**{"evaluation.json": theirs})))["champion_accuracy"] == 0.9


def test_every_candidate_is_a_child_with_its_folds():
    logistic, forest = translate(record()).children

    assert [child.name for child in (logistic, forest)] == ["LogisticRegression", "RandomForest"]
    assert [child.tags["chosen"] for child in (logistic, forest)] == ["false", "true"]
    assert [f for f in forest.figures if f.name == "cv_recall_at_fpr"] == [
        Figure("cv_recall_at_fpr", 0.5, 0),
        Figure("cv_recall_at_fpr", 0.7, 1),
        Figure("cv_recall_at_fpr", 0.6, 2),
    ]
    assert figures(forest)["cv_recall_at_fpr_mean"] == pytest.approx(0.6)
    assert logistic.params == {"family": "LogisticRegression", "model__C": "0.1"}
    assert logistic.ended_ms - logistic.started_ms == 3_000


def test_tags_lead_from_the_run_to_code_data_and_version():
    tags = translate(record()).tags

    assert tags["version"] == VERSION
    assert tags["manifest_sha256"] == "ab" * 32
    assert tags["snapshot_digest"] == DIGEST
    assert tags["code_commit"] == "c0ffee"
    assert tags["outcome"] == "approved"
    assert "accuracy .94 >= .9" in tags["mlflow.note.content"]


def test_what_was_asked_for_and_chosen_are_parameters():
    params = translate(record()).params

    assert params["order_effort"] == "quick"
    assert params["order_seed"] == "0"
    assert params["family"] == "RandomForest"
    assert params["model__max_depth"] == "null"


def test_the_snapshot_is_the_data_set():
    dataset = translate(record()).dataset

    assert dataset.digest == DIGEST
    assert dataset.source == f"s3://nightcatch/snapshots/sites/{DIGEST}/"
    assert (dataset.profile["rows"], dataset.profile["simulated_rows"]) == (100, 0)


def test_documents_and_the_readable_files_of_the_version_are_artifacts():
    artifacts = translate(record()).artifacts

    assert artifacts["version/report.html"] == FILES["report.html"]
    assert "documents/candidates/RandomForest.json" in artifacts
    assert not [name for name in artifacts if name.endswith((".onnx", ".joblib"))]


@pytest.mark.parametrize("outcome", ["rejected", "failed"])
def test_what_was_not_approved_is_not_green(outcome):
    assert translate(record(ended=ending(outcome=outcome))).status == "FAILED"


def test_a_run_that_failed_at_once_is_told_all_the_same():
    ended = ending(outcome="failed", failed_tasks=("take_snapshot",))
    tracked = translate(RunRecord(ended, "nightcatch", {}, {}))

    assert tracked.tags["failed_tasks"] == "take_snapshot"
    assert tracked.children == ()
    assert tracked.dataset is None
    assert tracked.figures == ()


def test_content_is_equal_only_for_the_same_run():
    one = record()
    later = record(ended=replace(ending(), ended_at="2026-11-21T03:00:00+00:00"))
    approved_after_all = record(ended=ending(outcome="rejected"))
    other_report = record(files={**FILES, "report.html": b"<h1>Other</h1>"})

    assert later.content_sha256 == one.content_sha256
    assert approved_after_all.content_sha256 != one.content_sha256
    assert other_report.content_sha256 != one.content_sha256
