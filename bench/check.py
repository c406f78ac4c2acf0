"""`./nightcatch check` beside the scorer: start-up, URLs a second, and the same probabilities.

Other work on the machine weighs on `startup_s` and not much on `startup_cpu_s` and the rates, which
are per second of a core. A model trained on a part of `urls_train.csv.gz` is in production; 10,000
URLs of `urls_dev.csv.gz` are scored by the command, from a file, and by a scorer. The last verified
version is on disk.
"""

import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from bench._load import post_once
from bench._published import Published
from bench._serving import ROOT, SCORER, Plan, running
from bench._trained import promote_trained
from bench._urls import read_urls

N_TRAINED = 30_000
N_SCORED = 10_000
N_STARTS = 7
_SENT_AT_ONCE = 1_000
_COMPARED = ("url", "scored_url", "unwrapped", "prediction", "confidence", "decided_by", "model")


class _Run(NamedTuple):
    """A command: its seconds, those in which it had a core, and what it printed."""

    seconds: float
    busy_s: float
    printed: str


def main() -> None:
    """Print the figures; the last line is one JSON object."""
    urls = sorted(set(read_urls("urls_dev").urls))[::2][:N_SCORED]
    with tempfile.TemporaryDirectory(prefix="nightcatch-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        published = Published(folder)
        published.server.start()
        stack.callback(published.server.kill)
        promote_trained(published, N_TRAINED)
        env = {**published.scorer_environment(), "NIGHTCATCH_PIPELINES": "urls"}
        env["NIGHTCATCH_CACHE_DIR"] = str(folder / "cache")
        plan = Plan("scorer", SCORER, env, "/predict", json.dumps({"url": urls[0]}).encode())
        (server,) = stack.enter_context(running([plan], folder))
        server.wait_for("/predict", published.newest)
        theirs = _of_scorer(server.port, urls)
        figures = _of_command({**env, "NIGHTCATCH_DOWNLOAD_DIR": str(folder)}, folder, urls, theirs)
    for figure, value in figures.items():
        print(f"{figure:<24}{value:>12,.2f}")
    print(json.dumps(figures))


def _of_scorer(port: int, urls: Sequence[str]) -> list[dict[str, Any]]:
    found = []
    for start in range(0, len(urls), _SENT_AT_ONCE):
        sent = json.dumps({"urls": urls[start : start + _SENT_AT_ONCE]}).encode()
        response = json.loads(post_once(port, "/predict", sent))
        found += [{**each, "model": response["model"]} for each in response["predictions"]]
    return found


def _of_command(
    env: Mapping[str, str], folder: Path, urls: Sequence[str], theirs: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    path = folder / "urls.txt"
    path.write_text("".join(f"{url}\n" for url in urls))
    _run(env, urls[0])  # the version is then on disk
    starts = [_run(env, urls[0]) for _ in range(N_STARTS)]
    scored = _run(env, "--json", str(path))
    ours = [json.loads(line) for line in scored.printed.splitlines()]
    pairs = list(zip(ours, theirs, strict=True))
    start_busy_s = statistics.median(each.busy_s for each in starts)
    return {
        "startup_s": round(statistics.median(each.seconds for each in starts), 3),
        "startup_cpu_s": round(start_busy_s, 3),
        "seconds": round(scored.seconds, 2),
        "urls_per_s": round(len(urls) / (scored.busy_s - start_busy_s)),
        "urls_per_s_with_startup": round(len(urls) / scored.busy_s),
        "max_difference": max(abs(a["probability"] - b["probability"]) for a, b in pairs),
        "other_members_differ": sum(
            any(a.get(name) != b.get(name) for name in _COMPARED) for a, b in pairs
        ),
    }


def _run(env: Mapping[str, str], *arguments: str) -> _Run:
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(ROOT / "nightcatch"), "check", *arguments]
    done = subprocess.run(
        command, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if not done.stdout:
        raise RuntimeError(f"./nightcatch check: {done.stderr}")
    busy_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return _Run(seconds, busy_s, done.stdout)


if __name__ == "__main__":
    main()
