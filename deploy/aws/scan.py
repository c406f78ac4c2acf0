"""Refuses images in which the registry's scan finds what nobody has accepted.

scan.py REGISTRY/REPOSITORY@sha256:DIGEST ...

The scan is ECR's own, basic or enhanced. `accepted-findings.txt` lists what may pass, until when,
and why: CRITICAL and HIGH findings that it does not list are refused. `SCAN_WAIT_S` says how long
a scan may take.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ACCEPTED = Path(__file__).with_name("accepted-findings.txt")
REFUSED = {"CRITICAL", "HIGH"}
UNDER_WAY = {"IN_PROGRESS", "PENDING"}
DONE = {"COMPLETE", "ACTIVE"}  # basic, enhanced
PAUSE_S = 5.0
MEDIA_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


def main() -> None:
    """Exit with the findings of all images, if any of them is refused."""
    today = datetime.now(UTC).date()
    accepted = read_accepted(ACCEPTED.read_text(), today)
    refused = []
    for image in sys.argv[1:]:
        counts: Counter[str] = Counter()
        for name, severity in findings(image):
            counts[severity] += 1
            if severity in REFUSED and name not in accepted:
                refused.append(f"{image}: {severity} {name}")
        sys.stdout.write(f"{image}: {dict(counts) or 'nothing found'}\n")
    if refused:
        sys.exit("\n".join(sorted(set(refused))))


def read_accepted(text: str, today: date) -> set[str]:
    """Return the findings that may pass today: ``<name> <last day> <why>`` by line."""
    lines = [line.split(maxsplit=2) for line in text.splitlines() if line and line[0] != "#"]
    return {name for name, last_day, _why in lines if date.fromisoformat(last_day) >= today}


def findings(image: str) -> Iterator[tuple[str, str]]:
    """Yield the name and severity of each finding in an image, once its scan is done."""
    repository, _, digest = image.partition("/")[2].partition("@")
    deadline_s = time.monotonic() + float(os.environ.get("SCAN_WAIT_S", "900"))
    for part in scanned_digests(repository, digest):
        report = scan_report(repository, part)
        while report is None:
            if time.monotonic() > deadline_s:
                sys.exit(f"{image}: the scan is not done")
            time.sleep(PAUSE_S)
            report = scan_report(repository, part)
        for each in report.get("findings", []):
            yield each["name"], each["severity"]
        for each in report.get("enhancedFindings", []):
            yield each["packageVulnerabilityDetails"]["vulnerabilityId"], each["severity"]


def scanned_digests(repository: str, digest: str) -> list[str]:
    """Return the digests that are scanned: those of the images in an index, not of its SBOM."""
    answer = ecr(
        "batch-get-image", repository, "--image-ids", f"imageDigest={digest}",
        "--accepted-media-types", *MEDIA_TYPES,
    )  # fmt: skip
    (found,) = answer["images"]
    parts = json.loads(found["imageManifest"]).get("manifests", [])
    return [part["digest"] for part in parts if part["platform"]["architecture"] != "unknown"] or [
        digest
    ]


def scan_report(repository: str, digest: str) -> dict[str, Any] | None:
    """Return what was found, or None while the scan is under way or has not begun."""
    answer = ecr("describe-image-scan-findings", repository, "--image-id", f"imageDigest={digest}")
    status = answer.get("imageScanStatus", {})
    if status.get("status") in DONE:
        report: dict[str, Any] = answer.get("imageScanFindings", {})
        return report
    if answer and status.get("status") not in UNDER_WAY:
        sys.exit(f"{repository}@{digest}: {status.get('status')}: {status.get('description')}")
    return None


def ecr(operation: str, repository: str, *options: str) -> dict[str, Any]:
    """Return the answer of ECR; nothing where a scan has not begun."""
    command = ["aws", "ecr", operation, "--repository-name", repository, *options]
    done = subprocess.run([*command, "--output", "json"], capture_output=True, text=True)
    if done.returncode and "ScanNotFoundException" in done.stderr:
        return {}
    if done.returncode:
        sys.exit(done.stderr.strip())
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


if __name__ == "__main__":
    main()
