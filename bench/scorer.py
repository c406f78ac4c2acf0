"""The scoring service under load, beside a route that does nothing and what others would serve.

All servers have two workers and the same random forest (but for the one that does nothing), get the
same record at concurrency 16 and take turns, on the machine that also makes the load. Then versions
change under 80 % of the load that the service can take, three of ten of them bad; then a table is
scored.
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

from bench._load import generate, post_of
from bench._procedure import split
from bench._published import Published
from bench._seeds import MODEL_VARIABLE, save_for_mlflow
from bench._servers import GRAPH_VARIABLE
from bench._serving import (
    GRANIAN_ASGI,
    GRANIAN_WSGI,
    MLFLOW,
    SCORER,
    UVICORN,
    Plan,
    Server,
    measure,
    running,
)
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
    rounds: int = 6
    swaps: int = 100
    swap_every_s: float = 1.5
    table_rows: int = 1_000_000


QUICK = Size(seconds=1.0, rounds=3, swaps=10, table_rows=100_000)


def main() -> None:
    """Print tables; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, in two minutes")
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
        plans = list(_plans(folder, published, train.X[0].tolist()))
        servers = stack.enter_context(running(plans, folder))
        measure(servers, size.rounds, size.seconds)
        _print_table(servers)
        ours, rps = servers[1], CAPACITY_SHARE * servers[1].rps
        swaps = swap(ours, published, graph, rps=rps, n=size.swaps, every_s=size.swap_every_s)
        table = score_table(ours, train.X, size.table_rows, folder)
        published.promote(_fit_boosting(train), FIELDS)
        explain_ms = _explain_ms(ours, published)
    _print_figures({each.plan.name: each for each in servers}, swaps, table, explain_ms)


def _fit(train: Records, folder: Path) -> bytes:
    """Return the graph of the forest that the others find in `folder`."""
    forest = RandomForestClassifier(n_estimators=256, random_state=0)
    pipeline = make_pipeline(SimpleImputer(strategy="most_frequent"), forest).fit(train.X, train.y)
    (folder / "model.joblib").write_bytes(joblib_bytes(pipeline))
    save_for_mlflow(folder / "model.joblib", folder / "mlflow")
    graph = to_onnx(pipeline, len(FIELDS))
    (folder / "model.onnx").write_bytes(graph)
    return graph


def _fit_boosting(train: Records) -> bytes:
    """Return a graph of the family that mostly wins on sites."""
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
    graph = {GRAPH_VARIABLE: str(folder / "model.onnx")}
    for name, command, env in (
        ("noop", (*GRANIAN_WSGI, "bench._servers:noop"), {}),
        ("nightcatch", SCORER, scorer),
        ("flask_ort", (*GRANIAN_WSGI, "bench._servers:flask_ort"), graph),
        ("fastapi_ort", (*UVICORN, "bench._servers:fastapi_ort"), graph),
        ("fastapi_granian_ort", (*GRANIAN_ASGI, "bench._servers:fastapi_ort"), graph),
        ("raw_asgi_ort", (*GRANIAN_ASGI, "bench._servers:raw_asgi_ort"), graph),
        ("seeds", (*GRANIAN_WSGI, "bench._seeds:seeds"), model),
    ):
        yield Plan(name, command, env, "/predict", body)
    of_mlflow = json.dumps({"dataframe_records": [record]}).encode()
    home = {"HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true"}
    serve = (*MLFLOW, "--model-uri", str(folder / "mlflow"))
    yield Plan("mlflow", serve, home, "/invocations", of_mlflow)


def _explain_ms(server: Server, published: Published) -> float:
    """Return the median latency of `/explain`, once all workers have the newest version."""
    server.wait_for("/explain", published.newest)
    request = post_of(server.port, "/explain", server.plan.body)
    return generate(server.port, request, n_connections=1, seconds=2.0).ms(50)


def _print_table(servers: list[Server]) -> None:
    print(f"{'server':16}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}{'failed':>8}")
    for server in servers:
        failed = sum(load.failed for load in server.rounds)
        figures = f"{server.rps:12.0f}{server.ms(50):10.2f}{server.ms(99):10.2f}{failed:8}"
        print(f"{server.plan.name:16}{figures}", flush=True)


def _print_figures(
    servers: dict[str, Server], swaps: Swaps, table: TableFigures, explain_ms: float
) -> None:
    ours = servers.pop("nightcatch")
    steady, changing = swaps.steady, swaps.changing
    print(f"at {steady.rps:.0f} requests/s: p99 {steady.ms(99):.2f} ms steady,", end=" ")
    print(f"{changing.ms(99):.2f} ms while versions change ({changing.failed} failed)")
    print(f"with one version a worker has {swaps.mib_before} MiB before and", end=" ")
    print(f"{swaps.mib_after} MiB after", end="; ")
    print(f"a table of {table.sent_bytes / 1e6:.0f} MB becomes {table.received_bytes / 1e6:.0f} MB")
    figures = {
        **{f"ratio_to_{name}": round(ours.ratio_to(each), 2) for name, each in servers.items()},
        "p99_ratio_to_fastapi_ort": round(ours.p99_ratio_to(servers["fastapi_ort"]), 2),
        "failed_in_swaps": changing.failed,
        "p99_in_swaps_ratio": round(changing.ms(99) / steady.ms(99), 2),
        "requests_in_swaps": len(changing.latencies_s),
        "rss_growth_in_swaps_mb": swaps.mib_after - swaps.mib_before,
        "csv_seconds": round(table.seconds, 2),
        "csv_mb": table.peak_mib,
        "explain_p50_ms": round(explain_ms, 2),
        "rps": round(ours.rps),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
