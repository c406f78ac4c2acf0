"""One record scored in process: the published ONNX form beside the scikit-learn pipeline."""

import json
from collections.abc import Callable
from time import perf_counter_ns

import numpy as np
import onnxruntime
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bench._procedure import search, ship, split
from bench._sites import read_records
from include.training.onnx.export import INPUT, OUTPUT, parity, to_onnx

SALT = "0"
N_RECORDS = 2000
N_SKLEARN_RECORDS = 200
N_WARM_UP = 50


def main() -> None:
    """Print the median and the 99th percentile of both; the last line is one JSON object."""
    sides = split(read_records(), SALT)
    packaged = ship(search(sides.train, "default"), sides)
    onnx_bytes = to_onnx(packaged.model, sides.test.X.shape[1])
    session = onnxruntime.InferenceSession(
        onnx_bytes, _one_thread(), providers=["CPUExecutionProvider"]
    )
    ours = _microseconds(lambda row: session.run([OUTPUT], {INPUT: row}), sides.test.X, N_RECORDS)
    with threadpool_limits(limits=1):
        theirs = _microseconds(packaged.model.predict_proba, sides.test.X, N_SKLEARN_RECORDS)
    difference = parity(onnx_bytes, packaged.model, sides.test.X)
    print(f"{packaged.candidate.family} {packaged.candidate.params}")
    print(f"{len(onnx_bytes) / 1e6:.2f} MB, largest probability difference {difference:.1e}")
    for name, times in (("ONNX Runtime, one thread", ours), ("scikit-learn, one thread", theirs)):
        p50, p99 = np.percentile(times, [50, 99])
        print(f"{name:26} p50 {p50:9.1f} us   p99 {p99:9.1f} us")
    print(
        json.dumps(
            {
                "us_p50": float(np.median(ours)),
                "us_p99": float(np.percentile(ours, 99)),
                "sklearn_us_p50": float(np.median(theirs)),
                "parity": difference,
                "family": packaged.candidate.family,
            }
        )
    )


def _one_thread() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return options


def _microseconds(
    score: Callable[[np.ndarray], object], X: np.ndarray, n_records: int
) -> list[float]:
    rows = [X[i % len(X) : i % len(X) + 1] for i in range(n_records + N_WARM_UP)]
    times = []
    for row in rows:
        started = perf_counter_ns()
        score(row)
        times.append((perf_counter_ns() - started) / 1000)
    return times[N_WARM_UP:]


if __name__ == "__main__":
    main()
