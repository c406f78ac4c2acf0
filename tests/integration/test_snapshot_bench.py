"""The ingest benchmark runs, and ends with one JSON object that has the promised keys."""

import json
import subprocess
import sys


def test_bench_ends_with_ratio_and_peaks() -> None:
    command = [sys.executable, "-m", "bench.ingest", "--rows", "3000"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)

    result = json.loads(done.stdout.splitlines()[-1])
    assert result["rows"] == 3000
    assert result["ratio"] > 0
    assert 0 < result["peak_mb"] < 600
    assert 0 < result["peak_mb_3m"] < 600
