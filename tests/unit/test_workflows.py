"""The order and the secrets of the GitHub workflows; CI checks the rest with actionlint and zizmor.

zizmor fails on actions that are not pinned by digest, on jobs with more permissions than they need,
on credentials that are kept, on dangerous triggers, and on expressions pasted into scripts.
"""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
TEXTS = {file.stem: file.read_text() for file in (ROOT / ".github/workflows").glob("*.yml")}
DEPLOY = yaml.safe_load(TEXTS["deploy"])
JOBS = {
    f"{name}-{job}": definition
    for name, text in TEXTS.items()
    for job, definition in yaml.safe_load(text)["jobs"].items()
}
# A job gets a token for AWS only behind the protection rules of one of these environments.
WITH_TOKEN = {"deploy-publish": "images", "deploy-deploy": "production"}
ON = True  # YAML 1.1 reads the key `on` so


def test_only_protected_jobs_get_a_token_for_aws():
    with_token = {name for name, job in JOBS.items() if "id-token" in job["permissions"]}

    assert {name: JOBS[name].get("environment") for name in with_token} == WITH_TOKEN


def test_no_workflow_reads_a_stored_secret():
    for text in TEXTS.values():
        assert not re.search(r"secrets\.|secrets: inherit|AWS_(SECRET_)?ACCESS_KEY", text)


def test_only_main_is_deployed_after_it_was_checked_published_and_scanned():
    jobs = DEPLOY["jobs"]

    assert DEPLOY[ON] == {"push": {"branches": ["main"]}}
    assert jobs["check"]["uses"] == "./.github/workflows/ci.yml"
    assert (jobs["publish"]["needs"], jobs["deploy"]["needs"]) == ("check", "publish")
    assert "scan.py" in jobs["publish"]["steps"][-1]["run"]


def test_two_deployments_never_overlap_and_none_is_cut_short():
    jobs = DEPLOY["jobs"]

    assert [jobs[name]["concurrency"] for name in ("publish", "deploy")] == [
        {"group": "publish", "cancel-in-progress": False},
        {"group": "deploy-production", "cancel-in-progress": False},
    ]


def test_images_that_build_the_images_are_pinned():
    text = (ROOT / "deploy/aws/publish.sh").read_text()

    for name in ("buildkit", "generator"):
        assert re.search(rf"^{name}=\S+@sha256:[0-9a-f]{{64}}\b", text, re.MULTILINE), name
