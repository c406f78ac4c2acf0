"""URLs scored without a look-up: our model beside a baseline, both on later months.

Trained on `urls_train.csv.gz`; `urls_dev.csv.gz` only evaluates. The threshold is chosen inside the
training file, on registrable domains that the model has not seen then. `domain_ranks.csv.gz` is the
reference data's popularity list.
"""

import json
import resource
from collections.abc import Callable
from time import perf_counter, perf_counter_ns

import numpy as np
import numpy.typing as npt
import onnxruntime
import pandas as pd
from sklearn.metrics import roc_auc_score

from bench._everyday import read_reference
from bench._url_models import features, hard_examples, train_baseline, train_ours
from bench._urls import Urls, bare, read_urls
from include.evaluation.metrics import recall_at_fpr
from include.features.urls import N_COLUMNS, featurise
from include.training.joblib_bytes import joblib_bytes
from include.training.onnx.export import INPUT, OUTPUT, parity, to_onnx
from include.training.threshold import choose_threshold
from include.urls.reference.facts import Reference

FPR_BUDGET = 0.01
ACCOUNT_SOURCES = ("jdm", "2fa", "apple-change-password")
N_TIMED = 500
BASE_RATE = 0.001

Scores = npt.NDArray[np.float64]


def main() -> None:
    """Print both models' figures; the last line is one JSON object."""
    train, later = read_urls("urls_train"), read_urls("urls_dev")
    body, reference, _ = read_reference()
    started = perf_counter()
    baseline, _, baseline_threshold = train_baseline(train)
    plain = baseline.predict_proba(bare(later.urls))[:, 1]
    theirs = {
        **evaluated(later, plain, baseline_threshold),
        "train_seconds": perf_counter() - started,
    }
    started = perf_counter()
    added = hard_examples(train, reference)
    model, _, threshold = train_ours(train, features(train.urls, reference), added)
    seconds = perf_counter() - started
    X = features(later.urls, reference)
    probability = model.predict_proba(X)[:, 1]
    onnx_bytes = to_onnx(model, N_COLUMNS)
    ours = {
        **evaluated(later, probability, threshold),
        "train_seconds": seconds,
        **_served(onnx_bytes, later.urls, reference),
        "size_mb": (len(onnx_bytes) + len(joblib_bytes(model)) + len(body)) / 1e6,
        "parity": parity(onnx_bytes, model, X[:5000]),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    }
    _show(ours, theirs)
    _show_slices(later, probability, threshold)
    print(json.dumps({**ours, "baseline": theirs}))


def evaluated(urls: Urls, probability: Scores, threshold: float) -> dict[str, float]:
    """Return the figures of a model on URLs of later months."""
    y, is_account = urls.y, np.isin(urls.sources, ACCOUNT_SOURCES)
    at_budget = choose_threshold(y, probability, FPR_BUDGET).value
    legitimate = probability[y == 0]
    return {
        "auc": float(roc_auc_score(y, probability)),
        "recall_at_1pct_fpr": recall_at_fpr(y, probability, 0.01),
        "recall_at_01pct_fpr": recall_at_fpr(y, probability, 0.001),
        "auc_unseen": float(roc_auc_score(y[urls.unseen], probability[urls.unseen])),
        "account_fpr": float((probability[is_account] >= at_budget).mean()),
        "threshold_drift": float((legitimate >= threshold).mean()),
        "recall_at_threshold": float((probability[y == 1] >= threshold).mean()),
    }


def _served(onnx_bytes: bytes, urls: list[str], reference: Reference) -> dict[str, float]:
    """Return the time from string to probability as the scorer takes it, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx_bytes, options, providers=["CPUExecutionProvider"])

    def score(batch: list[str]) -> object:
        return session.run([OUTPUT], {INPUT: featurise(batch, reference)})

    one_by_one = [[url] for url in urls[:N_TIMED]]
    thousands = [urls[i : i + 1000] for i in range(0, 10_000, 1000)]
    return {
        "us_p50": _median_us(score, one_by_one),
        "ms_1000": _median_us(score, thousands) / 1000,
    }


def _median_us(score: Callable[[list[str]], object], batches: list[list[str]]) -> float:
    times = []
    for batch in [batches[0], *batches]:
        started = perf_counter_ns()
        score(batch)
        times.append((perf_counter_ns() - started) / 1000)
    return float(np.median(times[1:]))


def _show(ours: dict[str, float], theirs: dict[str, float]) -> None:
    print(f"{'later months':24}{'ours':>12}{'baseline':>12}")
    for name, value in ours.items():
        beside = f"{theirs[name]:12.4f}" if name in theirs else ""
        print(f"{name:24}{value:12.4f}{beside}")
    caught, alarms = ours["recall_at_threshold"] * BASE_RATE, ours["threshold_drift"]
    precision = caught / (caught + alarms * (1 - BASE_RATE))
    print(f"precision at 1 phishing URL in {1 / BASE_RATE:,.0f}: {precision:.1%}")
    print("legitimate URLs come from curated lists; everyday traffic holds others")


def _show_slices(urls: Urls, probability: Scores, threshold: float) -> None:
    frame = pd.DataFrame(
        {
            "flagged": probability >= threshold,
            "source": urls.sources,
            "month": urls.months,
            "phishing": urls.y == 1,
        }
    )
    alarms = frame[~frame.phishing].groupby("source").flagged.agg(["mean", "size"])
    caught = frame[frame.phishing].groupby("month").flagged.agg(["mean", "size"])
    for title, table in (("false alarms by source", alarms), ("recall by month", caught)):
        print(title)
        for name, share, n_rows in table.itertuples():
            print(f"  {name:22}{share:12.4f}{n_rows:12,}")


if __name__ == "__main__":
    main()
