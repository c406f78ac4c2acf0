"""Enough of the AWS CLI: answers from a folder, one file after the other, and notes what was asked.

For `aws ecr describe-images ...` it prints `ecr.describe-images.0.json`, then `.1.json`, and the
last one again; a file that begins with "Error" is an error's text.
"""

import json
import os
import sys
from pathlib import Path

FOLDER = Path(os.environ.get("FAKE_AWS", ""))


def main(service, operation, *options):
    asked = FOLDER / "asked.jsonl"
    earlier = (
        [json.loads(line) for line in asked.read_text().splitlines()] if asked.exists() else []
    )
    with asked.open("a") as file:
        file.write(json.dumps([service, operation, *options]) + "\n")
    n_before = sum(each[:2] == [service, operation] for each in earlier)
    answers = sorted(FOLDER.glob(f"{service}.{operation}.*.json"))
    text = answers[min(n_before, len(answers) - 1)].read_text()
    if text.startswith("Error"):
        sys.exit(text)
    print(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
