"""`docs/deploy.md` against what it deploys: policies, variables, commands."""

import os
import re
import subprocess

import pytest

from include.contract.signature import load_private_key, load_public_key
from tests.support import doc_pages
from tests.support.aws_policies import AWS

PAGE = doc_pages.ROOT / "docs" / "deploy.md"
TEXT = PAGE.read_text()
SHELL = doc_pages.blocks(PAGE, "sh")


def block(word):
    """The one block of shell commands in which a word stands."""
    (found,) = [each for each in SHELL if word in each]
    return found


def run(commands, folder, **env):
    done = subprocess.run(
        ["bash", "-euc", commands], cwd=folder, capture_output=True, text=True, timeout=300,
        env={"PATH": os.environ["PATH"], **env},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_every_policy_is_linked_and_used():
    linked = {link.rpartition("/")[2] for link in doc_pages.links(PAGE) if link.endswith(".json")}
    words = "\n".join(SHELL)
    used = set(re.findall(r"filled/([\w-]+\.json)", words))
    for role in re.findall(r"for role in ([\w ]+);", words):
        for name in re.findall(r"filled/([\w-]*\$role\.json)", words):
            used |= {name.replace("$role", each) for each in role.split()}

    files = {file.name for file in AWS.glob("*.json")}
    assert linked == files
    assert files <= used


def test_the_policies_are_filled_in(tmp_path):
    (tmp_path / "deploy").symlink_to(doc_pages.ROOT / "deploy")
    run(block("mkdir -p filled"), tmp_path)
    filled = {file.name: file.read_text() for file in (tmp_path / "filled").iterdir()}

    assert set(filled) == {file.name for file in AWS.glob("*.json")}
    for name, text in filled.items():
        assert not re.search(r"ACCOUNT|REGION|BUCKET|OWNER|REPOSITORY", text), name
    assert "repo:owner/name:environment:production" in filled["trust-deployer.json"]


def test_the_keys_are_ones_that_we_sign_and_verify_with(tmp_path):
    run(block("openssl genpkey"), tmp_path)
    for who in ("trainer", "approver"):
        private = load_private_key((tmp_path / f"{who}.pem").read_bytes())
        public = load_public_key((tmp_path / f"{who}.pub.pem").read_bytes())

        assert private.public_key() == public
        assert (tmp_path / f"{who}.pem").stat().st_mode & 0o077 == 0


def test_the_scripts_variables_have_their_defaults():
    script = (AWS / "roll.sh").read_text()

    assert dict(re.findall(r"^\| `(ROLL_\w+)` \|.*\| `(.+)` \|$", TEXT, re.M)) == dict(
        re.findall(r"=\$\{(ROLL_\w+):-(.+?)\}", script)
    )


def test_the_variables_of_github_are_those_of_the_workflow():
    workflow = (doc_pages.ROOT / ".github/workflows/deploy.yml").read_text()
    (row,) = [
        line for line in TEXT.splitlines() if line.startswith("| variables of the repository")
    ]

    assert set(re.findall(r"`(NIGHTCATCH_\w+)`", row)) == set(re.findall(r"vars\.(\w+)", workflow))


def test_each_statement_of_the_bucket_has_its_row():
    sids = re.findall(r'"Sid": "(\w+)"', (AWS / "s3-bucket-policy.json").read_text())

    assert [sid for sid in sids if f"\n| `{sid}` |" not in TEXT] == []


@pytest.mark.parametrize("name", ["nightcatch", "nightcatch-front"])
def test_the_host_has_the_networks_that_a_roll_needs(name):
    assert re.search(rf"docker network create .*\b{name}$", block("nightcatch-proxy"), re.M)
