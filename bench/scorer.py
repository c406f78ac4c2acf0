"""The scoring service under load, beside a route that does nothing and the ways of others.

All servers hold the same random forest (but the one that does nothing), get the same record at
concurrency 16 and take turns, on the machine that also makes the load. Then versions change under
80 % of what the service can answer, three of ten of them bad; then a table is scored.
"""

import argparse
import json
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no annotations
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from bench._load import generate, question
from bench._procedure import split
from bench._published import Published
from bench._servers import MODEL_VARIABLE, save_for_mlflow
from bench._serving import GUNICORN, MLFLOW, UVICORN, Plan, Server, measure, running
from bench._sites import Records, read_records
from bench._swaps import Swaps, swap
from bench._tables import TableFigures, score_table
from include.pipelines.sites.records import FIELDS
from include.training.joblib_bytes import joblib_bytes
from include.training.onnx.export import to_onnx

CAPACITY_SHARE = 0.8
POLL_INTERVAL_S = "0.5"


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    seconds: float = 2.0
    rounds: int = 7
    swaps: int = 100
    swap_every_s: float = 2.0
    table_rows: int = 1_000_000


QUICK = Size(seconds=1.0, rounds=3, swaps=10, table_rows=100_000)


def main() -> None:
    """Print tables; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look, in about a minute")
    size = QUICK if parser.parse_args().quick else Size()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the servers are stopped
    train = split(read_records(), "0").train
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        graph = _fit(train, folder)
        published = Published(folder)
        published.server.start()
        stack.callback(published.server.kill)
        _step_back(published)
        published.promote(graph, FIELDS)
        plans = _plans(folder, published, train.X[0].tolist())
        servers = [stack.enter_context(running(plan, folder)) for plan in plans]
        measure(servers, size.rounds, size.seconds)
        _print_table(servers)
        ours, rps = servers[1], CAPACITY_SHARE * servers[1].rps
        swaps = swap(ours, published, graph, rps=rps, n=size.swaps, every_s=size.swap_every_s)
        table = score_table(ours, train.X, size.table_rows, folder)
        published.promote(_fit_boosting(train), FIELDS)
        reasons_ms = _explain_ms(ours, published)
    _print_figures(servers, swaps, table, reasons_ms)


def _fit(train: Records, folder: Path) -> bytes:
    """Return the graph of the forest that the others find in `folder`, as joblib leaves it."""
    forest = RandomForestClassifier(n_estimators=256, random_state=0)
    pipeline = make_pipeline(SimpleImputer(strategy="most_frequent"), forest).fit(train.X, train.y)
    (folder / "model.joblib").write_bytes(joblib_bytes(pipeline))
    save_for_mlflow(folder / "model.joblib", folder / "mlflow")
    return to_onnx(pipeline, len(FIELDS))


def _fit_boosting(train: Records) -> bytes:
    """Return a graph of the kind that wins the nightly run of sites."""
    boosting = HistGradientBoostingClassifier(max_iter=200, random_state=0)
    imputer = SimpleImputer(strategy="most_frequent")
    return to_onnx(make_pipeline(imputer, boosting).fit(train.X, train.y), len(FIELDS))


def _step_back(published: Published) -> None:
    # The store is on another machine; on this one it must not take what the scorer needs.
    for process in (psutil.Process(pid) for pid in [published.server.process.pid] if pid):
        process.nice(10)


def _plans(folder: Path, published: Published, values: list[float]) -> Iterator[Plan]:
    record = {name.name: int(value) for name, value in zip(FIELDS, values, strict=True)}
    body = json.dumps({"record": record}).encode()
    model = {MODEL_VARIABLE: str(folder / "model.joblib")}
    scorer = {
        **published.scorer_environment(),
        "NIGHTCATCH_PIPELINES": "sites",
        "NIGHTCATCH_CACHE_DIR": str(folder / "cache"),
        "NIGHTCATCH_POLL_INTERVAL_S": POLL_INTERVAL_S,
    }
    wsgi = "include.services.scorer.wsgi:create()"
    yield Plan("noop", (*GUNICORN, "bench._servers:noop()"), {}, "/predict", body)
    yield Plan("nightcatch", (*GUNICORN, wsgi), scorer, "/predict", body)
    yield Plan("seeds", (*GUNICORN, "bench._servers:seeds()"), model, "/predict", body)
    fastapi = (*UVICORN, "bench._servers:seeds_fastapi")
    yield Plan("seeds-fastapi", fastapi, model, "/predict", body)
    of_mlflow = json.dumps({"dataframe_records": [record]}).encode()
    home = {"HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true"}
    serve = (*MLFLOW, "--model-uri", str(folder / "mlflow"))
    yield Plan("mlflow", serve, home, "/invocations", of_mlflow)


def _explain_ms(server: Server, published: Published) -> float:
    """Return the median latency of reasons, once the newest version gives them in all workers."""
    server.wait_for("/explain", published.newest)
    asked = question(server.port, "/explain", server.plan.body)
    return generate(server.port, asked, n_connections=1, seconds=2.0).ms(50)


def _print_table(servers: list[Server]) -> None:
    print(f"{'server':16}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}{'failed':>8}")
    for server in servers:
        failed = sum(load.failed for load in server.rounds)
        figures = f"{server.rps:12.0f}{server.ms(50):10.2f}{server.ms(99):10.2f}{failed:8}"
        print(f"{server.plan.name:16}{figures}", flush=True)


def _print_figures(
    servers: list[Server], swaps: Swaps, table: TableFigures, reasons_ms: float
) -> None:
    noop, ours, seeds, fastapi, mlflow = servers
    steady, changing = swaps.steady, swaps.changing
    print(f"at {steady.rps:.0f} requests/s: p99 {steady.ms(99):.2f} ms steady,", end=" ")
    print(f"{changing.ms(99):.2f} ms while versions change ({changing.failed} failed)")
    print(f"with one version a worker has {swaps.mib_before} MiB before and", end=" ")
    print(f"{swaps.mib_after} MiB after", end="; ")
    print(f"a table of {table.sent_bytes / 1e6:.0f} MB becomes {table.received_bytes / 1e6:.0f} MB")
    figures = {
        "ratio_to_noop": round(ours.ratio_to(noop), 3),
        "ratio_to_seeds": round(ours.ratio_to(seeds), 2),
        "ratio_to_seeds_fastapi": round(ours.ratio_to(fastapi), 2),
        "ratio_to_mlflow": round(ours.ratio_to(mlflow), 2),
        "p99_ratio_to_noop": round(ours.p99_ratio_to(noop), 2),
        "failed_in_swaps": changing.failed,
        "p99_in_swaps_ratio": round(changing.ms(99) / steady.ms(99), 2),
        "requests_in_swaps": len(changing.latencies_s),
        "rss_growth_in_swaps_mb": swaps.mib_after - swaps.mib_before,
        "csv_seconds": round(table.seconds, 2),
        "csv_mb": table.peak_mib,
        "explain_p50_ms": round(reasons_ms, 2),
        "rps": round(ours.rps),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
