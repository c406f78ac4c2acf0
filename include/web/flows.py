"""What happens in each DAG, for its picture; a test compares the boxes with the DAGs' tasks."""

from include.errors import ObjectMissingError
from include.web.flow import Flow, Step, draw_flow

TRAINING = "train"
FLOWS: dict[str, Flow] = {
    TRAINING: (
        (Step("MongoDB", "labelled records", "store"),),
        (
            Step("take_snapshot", "one read, as it is now"),
            Step("S3: snapshots", "immutable Parquet", "store", aside=True),
        ),
        (
            Step("validate", "Great Expectations suite"),
            Step("S3: quarantine", "bad rows, with reasons", "store", aside=True),
        ),
        (
            Step("measure_drift", "for report and gate", ends=True),
            Step("plan_search", "which families"),
        ),
        (Step("search", "one task per family: grid search, group-disjoint folds", copies=True),),
        (Step("choose", "best by cross-validation; calibrate; threshold"),),
        (Step("evaluate", "the one look at the test side; beside the champion"),),
        (
            Step("package", "ONNX, report, signed"),
            Step("S3: models", "one folder a version", "store", aside=True),
        ),
        (Step("infra_validate", "the scorer's own code scores every test row"),),
        (Step("gate", "every rule passed, or the run fails"),),
        (Step("how_to_approve", "auto, or ask; never an older run over a newer"),),
        (
            Step("wait_for_approval", "only if asked for", "person"),
            Step("keep_newer", "the newer one stays", ends=True),
        ),
        (
            Step("approve", "compare-and-swap"),
            Step("approved.json", "scorers follow", "store", aside=True),
        ),
        (Step("track", "how the run ended, whatever happened; for MLflow"),),
    ),
    "load_records": (
        (Step("file, public set or simulator", "as the form says", "store"),),
        (Step("load", "checks every line; the same record never twice"),),
        (Step("MongoDB", "upserts: run again whenever you like", "store"),),
    ),
    "approve_model": (
        (Step("somebody", "names a version and says why", "person"),),
        (
            Step("set_production", "tries it, then swaps"),
            Step("S3: history", "who, when and why", "store", aside=True),
        ),
        (Step("approved.json", "serial + 1; every scorer follows within one poll", "store"),),
    ),
    "retain": (
        (Step("retention.toml", "how long each kind of thing is kept", "store"),),
        (
            Step("tidy", "one per pipeline", copies=True),
            Step("S3", "what is older goes", "store", aside=True),
        ),
    ),
    "watch_models": (
        (
            Step("approved.json", "what is in production", "store"),
            Step("scorers", "who serves it", "store"),
        ),
        (Step("look", "too old? not answering? another serial?"),),
        (Step("send", "CloudEvents, and what could not be sent before"),),
        (Step("webhook, mail, log", "once a day while it lasts, and when it is over", "person"),),
    ),
    "watch_traffic": (
        (
            Step("S3: traffic", "what was scored", "store"),
            Step("S3: feedback", "what it really was", "store"),
        ),
        (
            Step("look", "drift, scores, quality", copies=True),
            Step("S3: monitoring", "figures and a page", "store", aside=True),
        ),
        (
            Step("notify", "when it begins, and ends", copies=True),
            Step("webhook, mail, log", "alerts", "person", aside=True),
        ),
        (
            Step("retrain", "if allowed; once a day", copies=True),
            Step("train_<pipeline>", "unless it runs", "store", aside=True),
        ),
    ),
    "send_tracking": (
        (Step("S3: outbox", "runs that MLflow does not know yet", "store"),),
        (Step("send", "one per pipeline, in order", copies=True),),
        (Step("MLflow", "runs, candidates, the champion", "store"),),
    ),
}


def picture_of(name: str) -> str:
    """Return the picture of a DAG's flow; all training DAGs share one.

    Raises
    ------
    ObjectMissingError
        If there is none.
    """
    if name not in FLOWS:
        raise ObjectMissingError(f"there is no picture of {name!r}")
    return draw_flow(f"The flow of {name}", FLOWS[name])
