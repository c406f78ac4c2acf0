"""Rolls the scorers of all hosts to an image by SSM; if one host refuses, all go back.

send.py REGISTRY/REPOSITORY@sha256:DIGEST

The hosts are those with the tag nightcatch=scorer. One is rolled at a time, and no further one
after a refusal. Each host's own sentence (deploy/aws/roll.sh) is printed.
"""

import json
import subprocess
import sys
import time
from typing import Any

DOCUMENT = "NightCatch-RollScorer"
TARGETS = "Key=tag:nightcatch,Values=scorer"
UNDER_WAY = {"Pending", "InProgress", "Cancelling"}
PAUSE_S = 5.0


def main() -> None:
    """Exit with the reason, if the image does not serve on every host."""
    (image,) = sys.argv[1:]
    refusal = run_on_hosts("roll", image, max_errors="0")
    if refusal is None:
        return
    # A host that refused has gone back by itself; on those that did not, this image serves.
    back = run_on_hosts("back", image, max_errors="100%")
    sys.exit(f"::error::{refusal}; {back or 'every host has the image it had before'}")


def run_on_hosts(action: str, image: str, max_errors: str) -> str | None:
    """Return None when every host has done it, or why not."""
    sent = ssm(
        "send-command", "--document-name", DOCUMENT, "--targets", TARGETS,
        "--parameters", json.dumps({"Action": [action], "Image": [image]}),
        "--max-concurrency", "1", "--max-errors", max_errors, "--timeout-seconds", "120",
    )  # fmt: skip
    command_id = sent["Command"]["CommandId"]
    command = sent["Command"]
    while command["Status"] in UNDER_WAY:
        time.sleep(PAUSE_S)
        (command,) = ssm("list-commands", "--command-id", command_id)["Commands"]
    for host in ssm("list-command-invocations", "--command-id", command_id, "--details")[
        "CommandInvocations"
    ]:
        said = host["CommandPlugins"][0]["Output"] if host["CommandPlugins"] else ""
        sentence = next((s for s in said.splitlines()[::-1] if s.startswith("roll: ")), said)
        sys.stdout.write(f"{host['InstanceId']}: {host['StatusDetails']}: {sentence}\n")
    if command["TargetCount"] == 0:
        return f"{action}: no host has the tag nightcatch=scorer"
    if command["Status"] != "Success":
        return f"{action}: {command['StatusDetails']} on {command['ErrorCount']} host(s)"
    return None


def ssm(*words: str) -> dict[str, Any]:
    """Return the answer of SSM."""
    command = ["aws", "ssm", *words, "--output", "json"]
    answer: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=-1).stdout)
    return answer


if __name__ == "__main__":
    main()
