"""The policies of deploy/aws against the keys: who reads, writes and deletes what, and how."""

import inspect
import json
import re
import subprocess

import pytest

from include.contract import keys
from tests.support.aws_policies import AWS, allows, listed, read_policy, refuses_put, refuses_role

VERSION = "20261121T020513Z-3f9a1c2b"
RUN, DAY, DIGEST = "scheduled__2026-11-21T02:00:00+00:00", "2026-11-21", "0123456789abcdef"
ROLES = ("trainer", "approver", "scorer")
POLICIES = {role: read_policy(f"s3-{role}.json") for role in ROLES}
BUCKET = read_policy("s3-bucket-policy.json")
_OF_OTHER_THINGS = ("_prefix", "_root", "_name", "_run_id", "_time", "_below")
ACTIONS = {"r": "s3:GetObject", "w": "s3:PutObject", "d": "s3:DeleteObject"}

# What trainer, approver and scorer may do with the objects of each function of keys.py.
MAY = {
    "reference_file": ((DIGEST,), "rwd", "", ""),
    "current_reference": ((), "rwd", "", ""),
    "snapshot_part": (("sites", DIGEST, 0), "rwd", "", ""),
    "snapshot_profile": (("sites", DIGEST), "rwd", "", ""),
    "snapshot_type_errors": (("sites", DIGEST), "rwd", "", ""),
    "quarantine": (("sites", RUN), "rwd", "", ""),
    "run_file": (("sites", RUN, "chosen.joblib"), "rwd", "", ""),
    "version_file": (("sites", VERSION, keys.MODEL_ONNX), "rwd", "r", "r"),
    "approved": (("sites",), "r", "rw", "r"),
    "watched": (("sites",), "rw", "r", "r"),
    "history": (("sites", 7), "r", "rw", "r"),
    "proposal": (("sites", 7, VERSION), "r", "rw", ""),
    "decision_list": (("sites",), "r", "rw", "r"),
    "list_history": (("sites", 7), "", "rw", ""),
    "approving": (("sites", VERSION, RUN), "r", "rwd", ""),
    "retiring": (("sites", VERSION), "rwd", "r", ""),
    "traffic_file": (("sites", DAY, "a"), "rd", "", "w"),
    "feedback_file": (("sites", DAY, "a"), "rd", "", "w"),
    "monitoring_report": (("sites", DAY), "rwd", "", ""),
    "monitoring_findings": (("sites", DAY), "rwd", "", ""),
    "sample_reviews": (("sites", DAY), "rwd", "", ""),
    "release_figures": (("sites", DAY, 7), "rwd", "", ""),
    "disagreements": (("sites", VERSION, VERSION), "rwd", "", ""),
    "outbox": (("sites", RUN), "rwd", "", ""),
    "reported_champion": (("sites",), "rw", "", ""),
    "batch_file": (("proxy-logs", "part-00000-000000.parquet"), "rw", "", ""),
    "unsent": (("webhook", "an-alert"), "rwd", "", ""),
    "sent_alert": (("an-alert",), "rwd", "", ""),
    "open_alerts": ((), "rwd", "", ""),
    "open_traffic_alerts": (("sites",), "rwd", "", ""),
    "open_release_alerts": (("sites",), "rwd", "", ""),
    "open_feed_alerts": ((), "rwd", "", ""),
    "sent_decision": (("sites",), "rwd", "", ""),
}
FILES = {
    keys.MODEL_JOBLIB: "",
    keys.MODEL_ONNX: "r",
    keys.MANIFEST: "r",
    keys.REPORT: "r",
    keys.MODEL_CARD: "",
    keys.BOM: "",
    keys.SIGNATURE: "r",
    keys.REFERENCE: "r",
}


def granted(role, key):
    return "".join(
        letter for letter, action in ACTIONS.items() if allows(POLICIES[role], action, key)
    )


def makers():
    """Every function of keys.py that names an object, rather than a folder or a part of a key."""
    for name, _ in inspect.getmembers(keys, inspect.isfunction):
        if not name.endswith(_OF_OTHER_THINGS) and not name.startswith(("_", "is_")):
            yield name


def test_every_key_has_its_row():
    assert set(makers()) == set(MAY)


@pytest.mark.parametrize("name", MAY)
def test_who_may_do_what_with_an_object(name):
    arguments, *expected = MAY[name]
    key = getattr(keys, name)(*arguments)

    assert [granted(role, key) for role in ROLES] == expected


@pytest.mark.parametrize("file", FILES)
def test_a_scorer_reads_what_it_serves_and_no_pickle(file):
    assert granted("scorer", keys.version_file("sites", VERSION, file)) == FILES[file]


def test_the_files_of_a_version_are_all_there():
    named = {getattr(keys, name) for name in dir(keys) if re.fullmatch(r"[A-Z]+(_[A-Z]+)?", name)}

    assert {name for name in named if isinstance(name, str)} == set(FILES)


@pytest.mark.parametrize(
    ("name", "approver"),
    [
        ("gate.json", "r"),
        ("gate.sig", "r"),
        ("chain.json", "r"),
        ("champion.json", "r"),
        ("version.json", "r"),
        ("approval.json", "w"),
        ("evaluation.json", ""),
    ],
)
def test_an_approver_reads_the_verdicts_and_leaves_the_answer(name, approver):
    assert granted("approver", keys.run_file("sites", RUN, name)) == approver


@pytest.mark.parametrize("role", ROLES)
def test_other_keys_are_nobodys(role):
    for key in ("probe", "models", "secrets/x", "modelsx/sites/approved.json"):
        assert granted(role, key) == ""


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_list_so_that_a_missing_object_is_a_404(role):
    (statement,) = [each for each in POLICIES[role] if each["Action"] == "s3:ListBucket"]

    assert statement["Resource"] == "arn:aws:s3:::BUCKET"
    assert "Condition" not in statement  # a GET has no prefix, so the answer would be 403


@pytest.mark.parametrize(
    ("key", "accepted"),
    [
        pytest.param(keys.approved("sites"), {"If-Match", "If-None-Match"}, id="pointer"),
        pytest.param(keys.history("sites", 7), {"If-None-Match"}, id="history"),
        pytest.param(keys.traffic_file("sites", DAY, "a"), {"If-None-Match"}, id="traffic"),
        pytest.param(keys.feedback_file("sites", DAY, "a"), {"If-None-Match"}, id="feedback"),
        *(
            pytest.param(keys.version_file("sites", VERSION, name), {"If-None-Match"}, id=name)
            for name in FILES
        ),
    ],
)
def test_the_bucket_takes_conditional_writes_only(key, accepted):
    assert refuses_put(BUCKET, key, ())
    assert {
        header
        for header in ("If-Match", "If-None-Match")
        if not refuses_put(BUCKET, key, (header,))
    } == accepted


@pytest.mark.parametrize("role", [*ROLES, "administrator"])
@pytest.mark.parametrize(
    ("key", "owner"),
    [
        (keys.approved("sites"), "approver"),
        (keys.history("sites", 7), "approver"),
        (keys.proposal("sites", 7, VERSION), "approver"),
        (keys.run_file("sites", RUN, "approval.json"), "approver"),
        (keys.version_file("sites", VERSION, keys.MODEL_ONNX), "trainer"),
        (keys.version_file("sites", VERSION, keys.SIGNATURE), "trainer"),
        (keys.snapshot_part("sites", DIGEST, 0), "trainer"),
        (keys.watched("sites"), "trainer"),
        (keys.run_file("sites", RUN, "gate.sig"), "trainer"),
        (keys.traffic_file("sites", DAY, "a"), "scorer"),
        (keys.feedback_file("sites", DAY, "a"), "scorer"),
    ],
)
def test_nobody_overwrites_what_another_role_wrote(key, owner, role):
    assert refuses_role(BUCKET, key, role) == (role != owner)


def test_what_is_written_freely_needs_no_condition():
    free = [keys.run_file("sites", RUN, "gate.json"), keys.reported_champion("sites")]

    assert not [key for key in free if refuses_put(BUCKET, key, ())]


def test_a_bucket_policy_only_takes_away_and_a_roles_only_gives():
    assert {each["Effect"] for each in BUCKET} == {"Deny"}
    assert {each["Effect"] for policy in POLICIES.values() for each in policy} == {"Allow"}


@pytest.mark.parametrize("file", sorted(AWS.glob("*.json")), ids=lambda file: file.name)
def test_a_policy_grants_no_wildcard_and_names_no_account(file):
    text = file.read_text()
    statements = json.loads(text).get("Statement", [])
    actions = [
        action
        for each in statements
        if each["Effect"] == "Allow"
        for action in listed(each["Action"])
    ]

    assert not [action for action in actions if "*" in action]
    assert not re.search(r"\d{12}", text)


@pytest.mark.parametrize(
    ("role", "environment"), [("publisher", "images"), ("deployer", "production")]
)
def test_github_is_trusted_for_one_repository_and_one_environment(role, environment):
    (statement,) = read_policy(f"trust-{role}.json")
    issuer = "token.actions.githubusercontent.com"

    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Principal"]["Federated"].endswith(f":oidc-provider/{issuer}")
    assert statement["Condition"] == {
        "StringEquals": {
            f"{issuer}:aud": "sts.amazonaws.com",
            f"{issuer}:sub": f"repo:OWNER/REPOSITORY:environment:{environment}",
        }
    }


def test_who_deploys_can_run_one_document_on_scorers_only():
    sends = [each for each in read_policy("deployer.json") if each["Action"] == "ssm:SendCommand"]
    document, hosts = sends

    assert document["Resource"].endswith(":document/NightCatch-RollScorer")
    assert hosts["Condition"] == {"StringEquals": {"ssm:resourceTag/nightcatch": "scorer"}}
    assert (
        f'DOCUMENT = "{document["Resource"].rpartition("/")[2]}"' in (AWS / "send.py").read_text()
    )


@pytest.mark.parametrize(
    ("action", "words"), [("roll", "IMAGE"), ("back", "--back IMAGE")], ids=["roll", "back"]
)
def test_the_document_calls_the_hosts_script(action, words, tmp_path):
    (step,) = json.loads((AWS / "ssm-roll.json").read_text())["mainSteps"]
    script = tmp_path / "roll.sh"
    script.write_text('#!/bin/sh\necho "$@"\n')
    script.chmod(0o755)
    text = "\n".join(step["inputs"]["runCommand"]).replace("{{ Action }}", action)
    text = text.replace("{{ Image }}", "IMAGE").replace("/opt/nightcatch/roll.sh", str(script))
    done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True)

    assert done.stdout == f"{words}\n"


@pytest.mark.parametrize(
    "image",
    [
        "x.dkr.ecr.eu-west-1.amazonaws.com/nightcatch-scorer:latest",
        "registry.example/nightcatch-scorer@sha256:" + "0" * 64,
        "IMAGE'; reboot; '",
    ],
)
def test_the_document_takes_images_of_one_repository_by_digest(image):
    parameters = json.loads((AWS / "ssm-roll.json").read_text())["parameters"]
    pattern = parameters["Image"]["allowedPattern"]
    good = "ACCOUNT.dkr.ecr.REGION.amazonaws.com/nightcatch-scorer@sha256:" + "0" * 64

    assert re.search(pattern, good)
    assert not re.search(pattern, image)
    assert parameters["Action"]["allowedValues"] == ["roll", "back"]
