"""The scoring service under load, beside a route that does nothing and the way of the seeds.

All servers hold the same random forest (but the one that does nothing), get the same record at
concurrency 16 and take turns, on the machine that also makes the load. Then versions change under
80 % of what the service can answer. `mlflow models serve` is not measured: it is not in the lock.
"""

import argparse
import json
import multiprocessing
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from bench._load import Load, answer_once, generate, question
from bench._procedure import split
from bench._published import Published
from bench._servers import MODEL_VARIABLE
from bench._sites import read_records
from include.pipelines.sites.records import FIELDS
from include.stack.ports import pick_port
from include.stack.process import ServerProcess
from include.training.package import joblib_bytes, to_onnx

ROOT = Path(__file__).resolve().parents[1]
N_CONNECTIONS = 16
CAPACITY_SHARE = 0.8
BAD_OF_TEN = (2, 5, 8)
POLL_INTERVAL_S = "0.1"
BAD_LASTS_S = 0.4
READY_TIMEOUT_S = 60.0
GUNICORN = (sys.executable, "-m", "gunicorn", "-c", "python:include.services.scorer.gunicorn_conf")
UVICORN = (sys.executable, "-m", "uvicorn", "--workers", "2", "--log-level", "warning")


@dataclass
class Server:
    """A running server and what it did in each round."""

    name: str
    port: int
    rounds: list[Load] = field(default_factory=list)

    @property
    def rps(self) -> float:
        """Median over the rounds."""
        return statistics.median(load.rps for load in self.rounds)

    def ms(self, percentile: float) -> float:
        """Median over the rounds of a percentile of the latency."""
        return statistics.median(load.ms(percentile) for load in self.rounds)

    def ratio_to(self, other: "Server") -> float:
        """Return the median over the rounds of the throughput against another server's."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(ours.rps / theirs.rps for ours, theirs in pairs)


def main() -> None:
    """Print a table; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--swaps", type=int, default=100)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the servers are stopped
    train = split(read_records(), "0").train
    forest = RandomForestClassifier(n_estimators=256, random_state=0)
    pipeline = make_pipeline(SimpleImputer(strategy="most_frequent"), forest).fit(train.X, train.y)
    graph = to_onnx(pipeline, len(FIELDS))
    values = train.X[0].tolist()
    record = {name.name: int(value) for name, value in zip(FIELDS, values, strict=True)}
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "model.joblib").write_bytes(joblib_bytes(pipeline))
        published = Published(folder)
        published.server.start()
        stack.callback(published.server.kill)
        published.promote(graph, FIELDS)
        servers: list[Server] = [
            stack.enter_context(entry) for entry in _servers(folder, published)
        ]
        body = json.dumps({"record": record}).encode()
        _measure(servers, body, options.rounds, options.seconds)
        _print_table(servers)
        asked = question(servers[1].port, "/predict", body)
        rps = CAPACITY_SHARE * servers[1].rps
        steady = generate(
            servers[1].port, asked, n_connections=N_CONNECTIONS, seconds=options.seconds, rps=rps
        )
        swaps = _load_while_versions_change(servers[1], asked, rps, published, graph, options.swaps)
        reasons_ms = _explain_ms(servers[1].port, body)
    _print_figures(servers, steady, swaps, reasons_ms)


def _servers(folder: Path, published: Published) -> Iterator[AbstractContextManager[Server]]:
    model = {MODEL_VARIABLE: str(folder / "model.joblib")}
    scorer = {
        **published.scorer_environment(),
        "NIGHTCATCH_CACHE_DIR": str(folder / "cache"),
        "NIGHTCATCH_POLL_INTERVAL_S": POLL_INTERVAL_S,
    }
    yield _running("noop", folder, (*GUNICORN, "bench._servers:noop()"), {})
    wsgi = "include.services.scorer.wsgi:create()"
    yield _running("nightcatch", folder, (*GUNICORN, wsgi), scorer)
    yield _running("seeds", folder, (*GUNICORN, "bench._servers:seeds()"), model)
    fastapi = (*UVICORN, "--factory", "bench._servers:seeds_fastapi")
    yield _running("seeds-fastapi", folder, fastapi, model)


@contextmanager
def _running(
    name: str, folder: Path, command: tuple[str, ...], env: Mapping[str, str]
) -> Iterator[Server]:
    port = pick_port()
    address = ["--port", str(port)] if command[2] == "uvicorn" else ["--bind", f"127.0.0.1:{port}"]
    whole = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "TMPDIR": str(folder), **env}
    process = ServerProcess(name, folder)
    try:
        process.start([*command[:3], *address, *command[3:]], whole, ROOT)
        process.wait_until(lambda: _answers(port), READY_TIMEOUT_S)
        yield Server(name, port)
    finally:
        process.kill()


def _answers(port: int) -> bool:
    try:
        return bool(answer_once(port, "/predict", b"{}"))
    except OSError:
        return False


def _measure(servers: list[Server], body: bytes, n_rounds: int, seconds: float) -> None:
    for number in range(n_rounds + 1):
        for server in servers:
            asked = question(server.port, "/predict", body)
            load = generate(
                server.port,
                asked,
                n_connections=N_CONNECTIONS,
                seconds=seconds if number else 1.0,  # the first round warms up
            )
            if number:
                server.rounds.append(load)


def _load_while_versions_change(
    server: Server, asked: bytes, rps: float, published: Published, graph: bytes, n_swaps: int
) -> Load:
    body = asked.partition(b"\r\n\r\n")[2]
    # Another process: signing and sending must not delay the thread that takes the time.
    changing = multiprocessing.get_context("fork").Process(
        target=_change_versions, args=(server.port, body, published, graph, n_swaps)
    )
    changing.start()
    load = generate(
        server.port,
        asked,
        n_connections=N_CONNECTIONS,
        rps=rps,
        until=lambda: not changing.is_alive(),
    )
    changing.join()
    return load


def _change_versions(
    port: int, body: bytes, published: Published, graph: bytes, n_swaps: int
) -> None:
    """Return after each good version was seen to answer, and each bad one had its time."""
    for number in range(n_swaps):
        is_bad = number % 10 in BAD_OF_TEN
        version = published.promote(graph, FIELDS, is_bad=is_bad)
        deadline = time.monotonic() + (BAD_LASTS_S if is_bad else READY_TIMEOUT_S)
        while time.monotonic() < deadline:
            if json.loads(answer_once(port, "/predict", body))["model"]["version"] == version:
                break
            time.sleep(0.02)


def _explain_ms(port: int, body: bytes) -> float:
    asked = question(port, "/explain", body)
    for _ in range(12):  # a connection each: every worker reads the trees once
        answer_once(port, "/explain", body)
    return generate(port, asked, n_connections=1, seconds=2.0).ms(50)


def _print_table(servers: list[Server]) -> None:
    print(f"{'server':16}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}{'failed':>8}")
    for server in servers:
        failed = sum(load.failed for load in server.rounds)
        print(
            f"{server.name:16}{server.rps:12.0f}{server.ms(50):10.2f}{server.ms(99):10.2f}{failed:8}"
        )


def _print_figures(servers: list[Server], steady: Load, swaps: Load, reasons_ms: float) -> None:
    noop, ours, seeds, fastapi = servers
    print(f"at {steady.rps:.0f} requests/s: p99 {steady.ms(99):.2f} ms steady,", end=" ")
    print(f"{swaps.ms(99):.2f} ms while versions change ({swaps.failed} failed)")
    print(
        json.dumps(
            {
                "ratio_to_noop": round(ours.ratio_to(noop), 3),
                "ratio_to_seeds": round(ours.ratio_to(seeds), 2),
                "ratio_to_seeds_fastapi": round(ours.ratio_to(fastapi), 2),
                "p99_ratio_to_noop": round(ours.ms(99) / noop.ms(99), 2),
                "failed_in_swaps": swaps.failed,
                "p99_swaps_to_steady": round(swaps.ms(99) / steady.ms(99), 2),
                "requests_in_swaps": len(swaps.latencies_s),
                "explain_ms_p50": round(reasons_ms, 2),
                "rps": round(ours.rps),
            }
        )
    )


if __name__ == "__main__":
    main()
