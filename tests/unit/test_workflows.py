"""What the workflows promise, as far as it can be read without GitHub."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
TEXTS = {file.stem: file.read_text() for file in FILES}
WORKFLOWS = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
JOBS = {
    f"{name}-{job}": definition
    for name, workflow in WORKFLOWS.items()
    for job, definition in workflow["jobs"].items()
}
RUNNING = {name: job for name, job in JOBS.items() if "steps" in job}
# A job is trusted with a token for AWS only behind one of these environments' rules.
TRUSTED = {"deploy-publish": "images", "deploy-deploy": "production"}
ON = True  # YAML 1.1 reads the key `on` so


def triggers(workflow):
    return set(workflow[ON]) if not isinstance(workflow[ON], str) else {workflow[ON]}


def test_there_are_workflows():
    assert set(TEXTS) == {"ci", "deploy"}


@pytest.mark.parametrize("name", TEXTS)
def test_actions_are_pinned_by_digest_and_are_githubs_own(name):
    for line in re.findall(r"uses: (.+)$", TEXTS[name], re.MULTILINE):
        assert re.fullmatch(
            r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+|\./\.github/workflows/\w+\.yml", line
        ), line


def test_one_version_of_each_action():
    used = set(re.findall(r"uses: (actions/[\w-]+)@(.+)", "".join(TEXTS.values())))

    assert len({action for action, _ in used}) == len(used)


@pytest.mark.parametrize("name", JOBS)
def test_a_job_says_what_it_may_and_that_is_next_to_nothing(name):
    token = {"id-token": "write"} if name in TRUSTED else {}

    assert JOBS[name]["permissions"] == {"contents": "read", **token}
    assert JOBS[name].get("environment") == TRUSTED.get(name)


@pytest.mark.parametrize("name", RUNNING)
def test_a_job_ends_in_time_and_keeps_no_credentials(name):
    assert RUNNING[name]["timeout-minutes"] <= 90
    for step in RUNNING[name]["steps"]:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_strangers_pull_request_reaches_no_secret(name):
    assert not triggers(WORKFLOWS[name]) & {"pull_request_target", "workflow_run", "issue_comment"}
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    assert "secrets." not in TEXTS[name]
    assert "secrets: inherit" not in TEXTS[name]


@pytest.mark.parametrize("name", TEXTS)
def test_no_long_lived_key_is_named(name):
    assert not re.search(r"AWS_(SECRET_)?ACCESS_KEY", TEXTS[name])


@pytest.mark.parametrize("name", RUNNING)
def test_no_expression_is_pasted_into_a_script(name):
    pasted = [step["run"] for step in RUNNING[name]["steps"] if "${{" in step.get("run", "")]

    assert pasted == []


def test_only_main_is_deployed_after_it_was_checked_published_and_scanned():
    jobs = WORKFLOWS["deploy"]["jobs"]

    assert WORKFLOWS["deploy"][ON] == {"push": {"branches": ["main"]}}
    assert jobs["check"]["uses"] == "./.github/workflows/ci.yml"
    assert (jobs["publish"]["needs"], jobs["deploy"]["needs"]) == ("check", "publish")
    assert "scan.py" in jobs["publish"]["steps"][-1]["run"]


def test_two_deployments_never_overlap_and_none_is_cut_short():
    jobs = WORKFLOWS["deploy"]["jobs"]

    assert [jobs[name]["concurrency"] for name in ("publish", "deploy")] == [
        {"group": "publish", "cancel-in-progress": False},
        {"group": "deploy-production", "cancel-in-progress": False},
    ]


def test_ci_checks_the_workflows_the_scripts_and_the_locks():
    runs = "\n".join(step.get("run", "") for step in JOBS["ci-supply"]["steps"])

    for tool in ("actionlint", "zizmor", "shellcheck", "pip-audit"):
        assert re.search(rf"^\s*{tool}\b", runs, re.MULTILINE), tool
        assert re.search(rf"^{tool}(-py)?==", (ROOT / ".github/tools.txt").read_text(), re.M), tool


@pytest.mark.parametrize("script", sorted((ROOT / "deploy/aws").glob("*.sh")), ids=lambda p: p.name)
def test_a_script_stops_at_its_first_error_and_can_be_run(script):
    assert "\nset -euo pipefail\n" in script.read_text()
    assert script.stat().st_mode & 0o111


def test_images_that_build_the_images_are_pinned():
    text = (ROOT / "deploy/aws/publish.sh").read_text()

    for name in ("buildkit", "generator"):
        assert re.search(rf"^{name}=\S+@sha256:[0-9a-f]{{64}}\b", text, re.MULTILINE), name
