"""The steps of deploy.yml against an AWS CLI that answers as AWS does."""

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import botocore.session
import pytest
from botocore.validate import ParamValidator

from tests.support import fake_aws

AWS = Path(__file__).resolve().parents[2] / "deploy/aws"
REGISTRY = "000000000000.dkr.ecr.eu-west-1.amazonaws.com"
INDEX, PART, SBOM = (f"sha256:{number:064x}" for number in (1, 2, 3))
IMAGE = f"{REGISTRY}/nightcatch-scorer@{INDEX}"


class Cli:
    """A folder of answers, checked against the shapes that AWS documents."""

    def __init__(self, folder):
        self.folder, programs = folder / "aws", folder / "bin"
        self.folder.mkdir()
        programs.mkdir()
        program = programs / "aws"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {fake_aws.__file__} "$@"\n')
        program.chmod(0o755)
        self.env = {"PATH": f"{programs}:{os.environ['PATH']}", "FAKE_AWS": str(self.folder)}

    def answer(self, service, operation, *answers):
        name = "".join(word.title() for word in operation.split("-"))
        model = botocore.session.get_session().get_service_model(service).operation_model(name)
        for number, answer in enumerate(answers):
            if isinstance(answer, dict):
                faults = ParamValidator().validate(answer, model.output_shape)
                assert not faults.has_errors(), faults.generate_report()
                answer = json.dumps(answer)
            (self.folder / f"{service}.{operation}.{number}.json").write_text(answer)

    def run(self, program, *words, **env):
        command = [sys.executable] * (program.suffix == ".py") + [str(program), *words]
        return subprocess.run(
            command, env={**self.env, **env}, capture_output=True, text=True, timeout=300
        )

    def asked(self, operation):
        lines = (self.folder / "asked.jsonl").read_text().splitlines()
        return [asked[2:] for asked in map(json.loads, lines) if asked[1] == operation]


@pytest.fixture
def cli(tmp_path):
    return Cli(tmp_path)


def without_pauses(tmp_path, name):
    """A copy of a script that asks again at once."""
    script = (AWS / name).read_text()
    assert "PAUSE_S = 5.0" in script
    copy = tmp_path / name
    copy.write_text(script.replace("PAUSE_S = 5.0", "PAUSE_S = 0.01"))
    return copy


def index():
    parts = [
        {"digest": PART, "platform": {"architecture": "amd64", "os": "linux"}},
        {"digest": SBOM, "platform": {"architecture": "unknown", "os": "unknown"}},
    ]
    return {"images": [{"imageManifest": json.dumps({"manifests": parts})}]}


def scanned(*names_and_severities, status="COMPLETE"):
    found = [{"name": name, "severity": severity} for name, severity in names_and_severities]
    return {"imageScanStatus": {"status": status}, "imageScanFindings": {"findings": found}}


def scan(cli, tmp_path, *reports, accepted="", **env):
    cli.answer("ecr", "batch-get-image", index())
    cli.answer("ecr", "describe-image-scan-findings", *reports)
    (tmp_path / "accepted-findings.txt").write_text("# a comment\n" + accepted)
    return cli.run(without_pauses(tmp_path, "scan.py"), IMAGE, **env)


def test_an_image_without_grave_findings_passes_and_they_are_counted(cli, tmp_path):
    done = scan(cli, tmp_path, scanned(("CVE-1", "MEDIUM"), ("CVE-2", "LOW")))

    assert done.returncode == 0
    assert done.stdout == f"{IMAGE}: {{'MEDIUM': 1, 'LOW': 1}}\n"


def test_what_is_scanned_is_the_image_and_not_its_sbom(cli, tmp_path):
    scan(cli, tmp_path, scanned())
    (asked,) = cli.asked("describe-image-scan-findings")

    assert f"imageDigest={PART}" in asked


def test_a_scan_under_way_or_not_begun_is_waited_for(cli, tmp_path):
    not_begun = "Error: An error occurred (ScanNotFoundException) when calling the operation"
    done = scan(
        cli, tmp_path, not_begun, scanned(status="IN_PROGRESS"), scanned(("CVE-1", "CRITICAL"))
    )

    assert done.returncode == 1
    assert done.stderr == f"{IMAGE}: CRITICAL CVE-1\n"


@pytest.mark.parametrize("severity", ["CRITICAL", "HIGH"])
@pytest.mark.parametrize(
    ("accepted", "status"),
    [("CVE-1 2999-12-31 never called\n", 0), ("CVE-1 2020-12-31 never called\n", 1), ("", 1)],
    ids=["in time", "lapsed", "not listed"],
)
def test_a_grave_finding_passes_only_where_it_is_accepted_and_until_a_day(
    cli, tmp_path, severity, accepted, status
):
    done = scan(cli, tmp_path, scanned(("CVE-1", severity)), accepted=accepted)

    assert done.returncode == status


def test_enhanced_scanning_is_understood(cli, tmp_path):
    enhanced = {
        "imageScanStatus": {"status": "ACTIVE"},
        "imageScanFindings": {
            "enhancedFindings": [
                {
                    "severity": "CRITICAL",
                    "packageVulnerabilityDetails": {"vulnerabilityId": "CVE-9"},
                }
            ]
        },
    }

    assert "CRITICAL CVE-9" in scan(cli, tmp_path, enhanced).stderr


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        (scanned(status="FAILED"), "FAILED"),
        (scanned(status="UNSUPPORTED_IMAGE"), "UNSUPPORTED_IMAGE"),
        ("Error: AccessDeniedException", "AccessDeniedException"),
    ],
)
def test_an_image_that_was_not_scanned_does_not_pass(cli, tmp_path, report, reason):
    done = scan(cli, tmp_path, report)

    assert done.returncode == 1
    assert reason in done.stderr


def test_a_scan_that_never_ends_does_not_pass(cli, tmp_path):
    done = scan(cli, tmp_path, scanned(status="PENDING"), SCAN_WAIT_S="0.1")

    assert done.stderr == f"{IMAGE}: the scan is not done\n"


def command(status, targets=2, errors=0, details=None):
    return {
        "CommandId": "11111111-2222-3333-4444-555555555555",
        "Status": status,
        "StatusDetails": details or status,
        "TargetCount": targets,
        "ErrorCount": errors,
    }


def invocation(host, status, output):
    return {
        "InstanceId": host,
        "StatusDetails": status,
        "CommandPlugins": [{"Name": "roll", "Output": output}],
    }


def send(cli, tmp_path, commands, invocations):
    cli.answer("ssm", "send-command", {"Command": command("Pending", targets=0)})
    cli.answer("ssm", "list-commands", *({"Commands": [each]} for each in commands))
    cli.answer(
        "ssm", "list-command-invocations", *({"CommandInvocations": each} for each in invocations)
    )
    return cli.run(without_pauses(tmp_path, "send.py"), IMAGE)


def parameters(asked):
    return json.loads(asked[asked.index("--parameters") + 1])


def test_every_host_is_rolled_one_at_a_time(cli, tmp_path):
    done = send(
        cli, tmp_path, [command("InProgress"), command("Success")],
        [[invocation("i-1", "Success", f"pulling\nroll: {IMAGE} serves")]],
    )  # fmt: skip
    (asked,) = cli.asked("send-command")

    assert done.returncode == 0
    assert done.stdout == f"i-1: Success: roll: {IMAGE} serves\n"
    assert parameters(asked) == {"Action": ["roll"], "Image": [IMAGE]}
    assert asked[asked.index("--max-concurrency") + 1] == "1"
    assert asked[asked.index("--max-errors") + 1] == "0"


def test_when_a_host_refuses_the_others_go_back(cli, tmp_path):
    sentence = f"roll: {IMAGE} did not become ready; the old one serves as before"
    # As SSM shows a host's output: standard error comes last.
    said = f"{sentence}\n----------ERROR-------\n(roll) removing what was on trial\n"
    done = send(
        cli, tmp_path,
        [command("Failed", errors=1), command("Success")],
        [
            [invocation("i-1", "Success", "roll: ok"), invocation("i-2", "Failed", said)],
            [invocation("i-1", "Success", "roll: the old one serves")],
        ],
    )  # fmt: skip
    first, second = cli.asked("send-command")

    assert done.returncode == 1
    assert done.stdout.splitlines()[1] == f"i-2: Failed: {sentence}"
    assert done.stderr == (
        "::error::roll: Failed on 1 host(s); every host has the image it had before\n"
    )
    assert parameters(first)["Action"] == ["roll"]
    assert parameters(second) == {"Action": ["back"], "Image": [IMAGE]}


def test_no_host_is_no_success(cli, tmp_path):
    done = send(cli, tmp_path, [command("Success", targets=0)], [[]])

    assert done.returncode == 1
    assert "no host has the tag" in done.stderr


def test_a_commit_that_was_published_is_not_built_again(cli):
    (cli.folder / "ecr.describe-images.0.json").write_text(INDEX)
    done = cli.run(AWS / "publish.sh", "scorer", REGISTRY, "abc")

    assert done.stdout == f"{IMAGE}\n"
    assert cli.asked("describe-images")[0][:4] == [
        "--repository-name", "nightcatch-scorer", "--image-ids", "imageTag=abc",
    ]  # fmt: skip


class Issuer(BaseHTTPRequestHandler):
    """GitHub's address for tokens."""

    def do_GET(self):
        known = self.headers["Authorization"] == "bearer request-token"
        audience = self.path.partition("audience=")[2]
        body = json.dumps({"count": 9, "value": f"a token for {audience}"}).encode()
        self.send_response(200 if known else 401)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Keep still."""


@pytest.mark.parametrize(("request_token", "status"), [("request-token", 0), ("another", 22)])
def test_the_jobs_token_is_left_where_the_cli_looks(cli, tmp_path, request_token, status):
    cli.answer("sts", "get-caller-identity", {"Arn": "arn:aws:sts::x:assumed-role/y"})
    token = tmp_path / "token"
    with HTTPServer(("127.0.0.1", 0), Issuer) as issuer:
        Thread(target=issuer.serve_forever, args=(0.02,), daemon=True).start()
        done = cli.run(
            AWS / "web-identity.sh",
            ACTIONS_ID_TOKEN_REQUEST_URL=f"http://127.0.0.1:{issuer.server_port}/token?api=2",
            ACTIONS_ID_TOKEN_REQUEST_TOKEN=request_token,
            AWS_WEB_IDENTITY_TOKEN_FILE=str(token),
        )
        issuer.shutdown()

    assert (done.returncode == 0) == (status == 0)
    assert token.read_text() == ("a token for sts.amazonaws.com" if status == 0 else "")
    assert token.stat().st_mode & 0o077 == 0
    assert "a token" not in done.stdout + done.stderr
