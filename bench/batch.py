"""`./nightcatch score` from Parquet to Parquet: URLs a second and core, memory, and plain loops.

A model trained on a part of `urls_train.csv.gz` is in production. URLs of `urls_dev.csv.gz`, a
character of each changed where there are not enough, are scored by the command; by a loop of pandas
and joblib over our features and the scikit-learn model, without lists and verdicts; and by a loop
over `POST /predict` of a real scorer, a URL each. Seconds are those of a core, of all processes.
"""

import json
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import pandas as pd
import psutil  # type: ignore[import-untyped]  # it has no annotations

from bench._everyday import read_reference
from bench._published import Published
from bench._serving import ROOT, SCORER, Plan, Server, running
from bench._trained import promote_trained
from bench._urls import read_urls
from include.features.urls import featurise

N_TRAINED = 30_000
SIZES = (100_000, 1_000_000)
N_LOOP = 20_000
N_POSTS = 2_000
_AT_ONCE = 1000
_SAMPLED_EACH_S = 0.1
_DIGITS, _LETTERS = "0123456789", "abcdefghijklmnopqrstuvwxyz"


class _Run(NamedTuple):
    """A command: seconds, those in which it had a core, and the most memory of a process."""

    seconds: float
    busy_s: float
    peak_mb: float


def main() -> None:
    """Print the figures; the last line is one JSON object."""
    real = sorted(set(read_urls("urls_dev").urls))
    with tempfile.TemporaryDirectory(prefix="nightcatch-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        published = Published(folder)
        published.server.start()
        stack.callback(published.server.kill)
        model = promote_trained(published, N_TRAINED)
        env = {**published.scorer_environment(), "NIGHTCATCH_PIPELINES": "urls"}
        env["NIGHTCATCH_CACHE_DIR"] = str(folder / "cache")
        figures = _of_command({**env, "NIGHTCATCH_DOWNLOAD_DIR": str(folder)}, folder, real)
        rate = figures["urls_per_s_core"]
        figures["times_pandas_joblib"] = rate / _of_pandas(model, folder, real)
        plan = Plan("scorer", SCORER, env, "/predict", json.dumps({"url": real[0]}).encode())
        (server,) = stack.enter_context(running([plan], folder))
        server.wait_for("/predict", published.newest)
        figures["times_post_predict"] = rate / _of_posts(server, real)
    figures = {name: round(value, 2) for name, value in figures.items()}
    for figure, value in figures.items():
        print(f"{figure:<24}{value:>14,.2f}")
    print(json.dumps(figures))


def _sampled(real: Sequence[str], n_urls: int) -> Iterator[str]:
    """Yield URLs in an order of chance, those of later rounds with a character changed."""
    rng = random.Random(0)
    for number in range(n_urls):
        url = real[rng.randrange(len(real))]
        yield url if number < len(real) else _changed(url, rng)


def _changed(url: str, rng: random.Random) -> str:
    start = url.find("//") + 2
    at = rng.randrange(start, len(url)) if start < len(url) else start
    for alike in (_DIGITS, _LETTERS):
        if url[at : at + 1] in alike and at < len(url):
            return f"{url[:at]}{rng.choice(alike)}{url[at + 1 :]}"
    return url


def _of_command(env: Mapping[str, str], folder: Path, real: Sequence[str]) -> dict[str, float]:
    start = _score(env, folder, real, 1)
    figures = {"startup_cpu_s": start.busy_s}
    for n_urls in SIZES:
        run = _score(env, folder, real, n_urls)
        figures["urls_per_s_core"] = n_urls / (run.busy_s - start.busy_s)
        figures[f"peak_mb_{n_urls // 1000}k"] = run.peak_mb
        figures[f"seconds_{n_urls // 1000}k"] = run.seconds
        figures[f"cpu_s_{n_urls // 1000}k"] = run.busy_s
    return figures


def _score(env: Mapping[str, str], folder: Path, real: Sequence[str], n_urls: int) -> _Run:
    path, out = folder / f"{n_urls}.parquet", folder / f"{n_urls}-scored.parquet"
    pd.DataFrame({"url": list(_sampled(real, n_urls))}).to_parquet(path, index=False)
    command = [str(ROOT / "nightcatch"), "score", str(path), "-o", str(out), "--jobs", "1"]
    began_s = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **env}, stdout=subprocess.DEVNULL)
    # Not `ru_maxrss`: what this process held when it forked counts there.
    peak_bytes, scorer = 0, psutil.Process(process.pid)
    while scorer.status() != psutil.STATUS_ZOMBIE:
        peak_bytes = max(peak_bytes, scorer.memory_info().rss)
        time.sleep(_SAMPLED_EACH_S)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began_s
    # Of URLs with a character changed, few are none: these rows have an error instead.
    if os.waitstatus_to_exitcode(status) not in (0, 6) or len(pd.read_parquet(out)) != n_urls:
        raise RuntimeError(f"./nightcatch score left no {n_urls} rows")
    return _Run(seconds, used.ru_utime + used.ru_stime, peak_bytes / 1024**2)


def _of_pandas(model: Any, folder: Path, real: Sequence[str]) -> float:
    """Return the URLs a second and core of the loop that one would write by hand."""
    _, reference, _ = read_reference()
    path = folder / "loop.parquet"
    pd.DataFrame({"url": [*_sampled(real, min(N_LOOP, len(real)))]}).to_parquet(path)

    def score(batch: pd.DataFrame) -> pd.DataFrame:
        X = featurise(batch["url"].tolist(), reference)
        return batch.assign(probability=model.predict_proba(X)[:, 1])

    began_s = time.process_time()
    frame = pd.read_parquet(path)
    batches = (frame[at : at + _AT_ONCE] for at in range(0, len(frame), _AT_ONCE))
    scored = joblib.Parallel(n_jobs=1)(joblib.delayed(score)(batch) for batch in batches)
    pd.concat(scored).to_parquet(folder / "loop-scored.parquet")
    return len(frame) / (time.process_time() - began_s)


def _of_posts(server: Server, real: Sequence[str]) -> float:
    """Return the URLs a second and core of a loop over the scorer, with the loop's own time."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)

    def post(url: str) -> None:
        body = json.dumps({"url": url})
        connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
        connection.getresponse().read()

    urls = list(_sampled(real, N_POSTS))
    busy_s: Callable[[], float] = lambda: _tree_busy_s(server.pid) + time.process_time()  # noqa: E731
    before_s = busy_s()
    for url in urls:
        post(url)
    return len(urls) / (busy_s() - before_s)


def _tree_busy_s(pid: int) -> float:
    scorer = psutil.Process(pid)
    times = [each.cpu_times() for each in (scorer, *scorer.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


if __name__ == "__main__":
    main()
