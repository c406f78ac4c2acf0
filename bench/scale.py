"""A training run of `urls` on many records: memory, time and ranking of each of its steps.

The training file, then its URLs again with a character changed, are loaded into a real `mongod`,
and a run is made of them on a real S3 server, each step in a process of its own. `urls_dev` only
evaluates. Sizes: 100,000 and 1,000,000, or the numbers that ``NIGHTCATCH_BENCH_SCALE_URLS`` names.
Keys of each size: ``peak_mb`` and ``seconds`` of each step, ``max_peak_mb``, ``total_s``, ``auc``;
``growth``: time of the last size by that of the first, both by URL.
"""

import argparse
import csv
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pymongo

from bench._urls import data_file, read_urls
from include import pipelines
from include.contract.run_steps import steps_as_json, steps_from_json
from include.contract.signature import load_public_key
from include.registry.follow.verify import TrustedKeys
from include.run.run_context import RunContext, TrainingOptions
from include.stack.keys import ensure_secrets
from include.stack.mongo import MongoServer
from include.stack.seaweed import SeaweedServer
from include.stores.objects import ObjectStore
from include.training.parallel import parallel_tasks

ROOT = Path(__file__).resolve().parents[1]
PIPELINE = pipelines.get("urls")
SIZES = "100000,1000000"
READ_AT = datetime(2026, 11, 21, 2, 5, tzinfo=UTC)
_LETTERS, _DIGITS = "abcdefghijklmnopqrstuvwxyz", "0123456789"
_SHARE_OF_HOSTS = 0.3
_MIB = 1024 * 1024


class Servers:
    """The servers of a bench by their addresses, and the run as far as it has come.

    Parameters
    ----------
    folder : Path
        Holds keys, ``servers.json`` and ``steps.json``.
    order : TrainingOptions
    """

    def __init__(self, folder: Path, order: TrainingOptions) -> None:
        self.folder, self.order = folder, order
        self.secrets = ensure_secrets(folder / "keys")
        self.trusted_keys = TrustedKeys(
            (load_public_key(self.secrets.approver_public_key.read_bytes()),),
            (load_public_key(self.secrets.trainer_public_key.read_bytes()),),
            200_000_000,
        )

    def collection(self) -> Any:
        """Return the records."""
        client: Any = pymongo.MongoClient(self._servers["mongo"])
        return client["bench"]["urls"]

    def run(self) -> RunContext:
        """Return the run after the steps that have ended."""
        import boto3

        client = boto3.client(
            "s3",
            endpoint_url=self._servers["s3"],
            aws_access_key_id=self.secrets.s3_access_key,
            aws_secret_access_key=self.secrets.s3_secret_key,
            region_name="us-east-1",
        )
        store, path = ObjectStore(client, self._servers["bucket"]), self.folder / "steps.json"
        ended = json.loads(path.read_text()) if path.exists() else []
        return RunContext(store, PIPELINE, "scale", steps_from_json(ended))

    def keep(self, run: RunContext) -> None:
        """Have later processes go on from here."""
        (self.folder / "steps.json").write_text(json.dumps(steps_as_json(run.steps)))

    @property
    def _servers(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.folder / "servers.json").read_text())
        return found


def sampled(n_urls: int) -> Iterator[list[str]]:
    """Yield rows of the training file, then again with a character of each changed."""
    urls, rng = read_urls("urls_train"), random.Random(0)
    order = rng.sample(range(len(urls.urls)), len(urls.urls))
    for number in range(n_urls):
        row = order[number % len(order)]
        url = urls.urls[row] if number < len(order) else _changed(urls.urls[row], rng)
        yield [url, str(urls.y[row]), str(urls.sources[row]), str(urls.months[row])]


def _changed(url: str, rng: random.Random) -> str:
    start = url.find("//") + 2
    path = url.find("/", start)
    if 0 < path < len(url) - 1 and rng.random() > _SHARE_OF_HOSTS:
        start, end = path + 1, len(url)
    else:
        end = path if path > 0 else len(url)
    for _ in range(8):
        at = rng.randrange(start, end)
        for alike in (_DIGITS, _LETTERS):
            if url[at] in alike:
                return f"{url[:at]}{rng.choice(alike)}{url[at + 1 :]}"
    return f"{url}{'' if path > 0 else '/'}{rng.randrange(10**6)}"


def load(servers: Servers, n_urls: int) -> None:
    """Load the records as a person loads a file."""
    from include.ingest.load import load_dataset

    path = servers.folder / "urls.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["url", "label", "source", "date"])
        rows.writerows(
            [url, label, source, f"{month}-15" if month else ""]
            for url, label, source, month in sampled(n_urls)
        )
    load_dataset(servers.collection(), PIPELINE, path=path, cache_dir=servers.folder)


def snapshot(servers: Servers, run: RunContext) -> None:
    """Pin the absent champion, and take the snapshot."""
    from include.run import champion
    from include.run.first_attempt import TrainerKeys
    from include.run.steps import data

    trainer = TrainerKeys.read(servers.secrets.trainer_key, servers.trusted_keys.trainers)
    champion.pin_champion(run, servers.trusted_keys, trainer)
    data.snapshot(run, servers.collection(), READ_AT, trainer)


def validate(servers: Servers, run: RunContext) -> None:
    """Validate by the suite of the pipeline."""
    from include.run.steps import data

    data.validate(run, ROOT / "gx")


def split(servers: Servers, run: RunContext) -> None:
    """Compute the features, by joblib's backend of the environment."""
    from include.run import rows

    backend = os.environ.get("NIGHTCATCH_JOBLIB_BACKEND", "")
    with parallel_tasks(backend, os.environ.get("DASK_SCHEDULER_ADDRESS", "")):
        rows.split(run)


def search(family: str) -> Callable[[Servers, RunContext], None]:
    """Return the search of one family."""

    def step(servers: Servers, run: RunContext) -> None:
        from include.run.steps import training

        training.search(run, family, servers.order)

    return step


def choose(servers: Servers, run: RunContext) -> None:
    """Choose, calibrate and set the thresholds."""
    from include.run.steps import training

    training.choose(run, servers.order)


def evaluate(servers: Servers, run: RunContext) -> None:
    """Compute the figures of the gate."""
    from include.run.steps import training

    training.evaluate_chosen(run, None, servers.order)


def auc(servers: Servers, run: RunContext) -> float:
    """Return the AUC of the chosen model on later months."""
    from sklearn.metrics import roc_auc_score

    from include.run.rows import read_reference
    from include.run.steps import training

    later, reference = read_urls("urls_dev"), read_reference(run)
    assert PIPELINE.features is not None
    assert reference is not None
    score = training.read_chosen(run).predict_proba
    found = [
        score(PIPELINE.features.featurise(later.urls[at : at + 1000], reference))[:, 1]
        for at in range(0, len(later.urls), 1000)
    ]
    return float(roc_auc_score(later.y, [each for part in found for each in part]))


STEPS: dict[str, Callable[[Servers, RunContext], Any]] = {
    "snapshot": snapshot,
    "validate": validate,
    "split": split,
    "search Linear": search("Linear"),
    "search Stack": search("Stack"),
    "choose": choose,
    "evaluate": evaluate,
    "auc": auc,
}


def measure(folder: Path, step: str, n_urls: int, how: Sequence[str]) -> dict[str, float]:
    """Return seconds and peak memory of a step run in a process of its own."""
    command = [sys.executable, "-m", "bench.scale", "--step", step, "--folder", str(folder)]
    done = subprocess.run(
        [*command, "--urls", str(n_urls), *how], check=True, stdout=subprocess.PIPE, text=True
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{step:<16}{n_urls:>12,}{result['seconds']:>10.1f} s{result['peak_mb']:>8.0f} MB", flush=True)  # fmt: skip  # noqa: E501
    return result


def report_step(servers: Servers, step: str, n_urls: int) -> None:
    """Print what one step took, as JSON; the peak is of the largest process."""
    started, value = time.perf_counter(), None
    if step == "load":
        load(servers, n_urls)
    else:
        run = servers.run()
        value = STEPS[step](servers, run)
        servers.keep(run)
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    peak_mb = max(each.ru_maxrss for each in used) * 1024 / _MIB
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb, "value": value}))


def measured(n_urls: int, how: Sequence[str]) -> dict[str, Any]:
    """Return the figures of a run of so many URLs."""
    with TemporaryDirectory(prefix="nightcatch-bench-") as name:
        folder = Path(name)
        secrets = ensure_secrets(folder / "keys")
        mongo = MongoServer(folder / "mongo")
        s3 = SeaweedServer(folder / "s3", secrets.s3_access_key, secrets.s3_secret_key)
        mongo.start()
        try:
            s3.start()
            addresses = {"mongo": mongo.url, "s3": s3.endpoint_url, "bucket": s3.bucket}
            (folder / "servers.json").write_text(json.dumps(addresses))
            measure(folder, "load", n_urls, how)
            taken = {step: measure(folder, step, n_urls, how) for step in STEPS}
        finally:
            s3.stop()
            mongo.stop()
    return {
        "peak_mb": {step: round(each["peak_mb"]) for step, each in taken.items()},
        "seconds": {step: round(each["seconds"], 1) for step, each in taken.items()},
        "max_peak_mb": round(max(each["peak_mb"] for each in taken.values())),
        "total_s": round(sum(each["seconds"] for each in taken.values()), 1),
        "auc": taken["auc"]["value"],
    }


def main() -> None:
    """Print a table and, last, one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--effort", choices=pipelines.EFFORTS, default="default")
    parser.add_argument("--memory-mb", type=int, default=0, help="as in the environment of a task")
    for hidden in ("--step", "--folder", "--urls"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.step:
        order = TrainingOptions(chosen.effort, 0, PIPELINE.fpr_budget, memory_mb=chosen.memory_mb)
        report_step(Servers(Path(chosen.folder), order), chosen.step, int(chosen.urls))
        return
    data_file("urls_train.csv.gz")
    how = ["--effort", chosen.effort, "--memory-mb", str(chosen.memory_mb)]
    sizes = [int(n) for n in os.environ.get("NIGHTCATCH_BENCH_SCALE_URLS", SIZES).split(",")]
    found = {n_urls: measured(n_urls, how) for n_urls in sizes}
    by_url = [found[n_urls]["total_s"] / n_urls for n_urls in sizes]
    print(json.dumps({"growth": round(by_url[-1] / by_url[0], 3), "sizes": found}))


if __name__ == "__main__":
    main()
