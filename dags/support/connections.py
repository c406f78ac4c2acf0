"""What the DAGs share: connections, keys, and which failure is worth another try.

The only module that reads Airflow's connections and the environment for a task.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.sdk import Asset, ExceptionRetryPolicy, RetryAction, RetryRule, get_current_context
from airflow.sdk.configuration import conf

from dags.support.failures import keep_reason, remedy_first
from include.contract import keys
from include.errors import SettingMissingError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )
    from mlflow import MlflowClient

    from include.registry.follow.verify import TrustedKeys
    from include.run.first_attempt import TrainerKeys
    from include.run.run_context import TrainingOptions
    from include.stores.objects import ObjectStore

BUCKET = os.environ.get("NIGHTCATCH_S3_BUCKET", "nightcatch")
MAX_MODEL_BYTES = 200_000_000
# Heavy tasks share it, a slot for each gigabyte they may need; the plugin `pools` makes it.
POOL, POOL_SLOTS = "nightcatch_memory_gb", 6
RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception="include.errors.StoreUnavailableError",
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=10),
            reason="MongoDB or S3 was unavailable",
        ),
        RetryRule(
            exception="include.errors.ClusterUnavailableError",
            action=RetryAction.RETRY,
            retry_delay=timedelta(seconds=30),
            reason="the Dask cluster was unavailable",
        ),
        RetryRule(
            exception="airflow.sdk.exceptions.AirflowNotFoundException",
            action=RetryAction.FAIL,
            reason="a connection is not configured",
        ),
        RetryRule(
            exception="include.errors.NightCatchError",
            action=RetryAction.FAIL,
            reason="a retry cannot succeed",
        ),
    ]
)


# Short timeouts, and no telemetry to anybody.
_MLFLOW_CLIENT = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}

DEFAULT_ARGS = {
    "owner": "nightcatch",
    "retries": 2,
    "retry_delay": timedelta(seconds=10),
    "retry_policy": RETRY_POLICY,
    "on_failure_callback": keep_reason,
    "pre_execute": remedy_first,
}


def approved_model(pipeline_name: str) -> Asset:
    """Name the asset that other DAGs follow: a pipeline's version in production."""
    uri = f"s3://{BUCKET}/{keys.approved(pipeline_name)}"
    return Asset(name=f"approved_model_{pipeline_name}", uri=uri, group="nightcatch")


def labels(pipeline_name: str) -> Asset:
    """Name the asset that other DAGs follow: enough new labels of a pipeline."""
    return Asset(name=f"labels_{pipeline_name}", group="nightcatch")


def finished_runs() -> Asset:
    """Name the asset that `send_tracking` and `watch_models` follow: there may be news."""
    return Asset(name="finished_runs", group="nightcatch")


def mlflow_url() -> str:
    """Return the address of MLflow; empty where runs are not tracked."""
    return os.environ.get("NIGHTCATCH_MLFLOW_URL", "")


def mlflow_page(pipeline_name: str) -> str:
    """Return the address that leads to a pipeline's runs in MLflow; empty if none are tracked."""
    is_tracked = os.environ.get("NIGHTCATCH_MLFLOW_PUBLIC_URL") or mlflow_url()
    return f"/models/{pipeline_name}/runs" if is_tracked else ""


def mlflow_client() -> "MlflowClient":
    """Open MLflow, with short timeouts and without its telemetry."""
    for name, value in _MLFLOW_CLIENT.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    return MlflowClient(mlflow_url())


def open_store(*, short_timeouts: bool = False) -> "ObjectStore":
    """Open the bucket by Airflow's connection."""
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from botocore.config import Config

    from include.stores.objects import ObjectStore

    once = {"total_max_attempts": 1}
    config = Config(connect_timeout=2, read_timeout=4, retries=once) if short_timeouts else None
    return ObjectStore(S3Hook(aws_conn_id="nightcatch_s3", config=config).get_conn(), BUCKET)


def loader_connection() -> str:
    """Return the MongoDB connection that writes records: the loader's own if it exists."""
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        BaseHook.get_connection("nightcatch_mongo_loader")
    except AirflowNotFoundException:
        return "nightcatch_mongo"
    return "nightcatch_mongo_loader"


def dag_link(dag_id: str) -> str:
    """Return the address of a DAG in Airflow's UI."""
    return page_link(f"/dags/{dag_id}")


def page_link(path: str) -> str:
    """Return the address of a page of Airflow's UI; its path where `[api] base_url` is not set."""
    return f"{conf.get('api', 'base_url', fallback='').rstrip('/')}{path}"


def run_link(dag_id: str, run_id: str) -> str:
    """Return the address of a run in Airflow's UI."""
    return f"{dag_link(dag_id)}/runs/{quote(run_id, safe='')}"


def training_options() -> "TrainingOptions":
    """Read the options of the run's form."""
    from include.run.run_context import TrainingOptions
    from include.training.memory import memory_limit

    params = get_current_context()["params"]
    imputer = params.get("imputer", "simple")
    memory_mb = memory_limit(os.environ.get("NIGHTCATCH_TRAINING_MEMORY_MB", ""))
    return TrainingOptions(
        params["effort"], params["seed"], params["fpr_budget"], imputer, memory_mb
    )


def known_on() -> datetime | None:
    """Return the time as of which a run reads records: its form's day, or the one backfilled."""
    context = get_current_context()
    if day := context["params"]["known_on"]:
        return datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)
    dag_run = context["dag_run"]
    return dag_run.logical_date if dag_run.run_type == "backfill" else None


def parallel_tasks() -> "AbstractContextManager[None]":
    """Compute features and fit folds on this machine or in a Dask cluster, by the environment."""
    from include.training.parallel import parallel_tasks

    backend = os.environ.get("NIGHTCATCH_JOBLIB_BACKEND", "")
    return parallel_tasks(backend, os.environ.get("DASK_SCHEDULER_ADDRESS", ""))


def trusted_keys() -> "TrustedKeys":
    """Read the public keys named by the environment; several while keys are rotated."""
    from include.contract.signature import Approvers
    from include.registry.follow.verify import TrustedKeys

    needed = os.environ.get("NIGHTCATCH_APPROVERS_NEEDED") or "1"
    if needed not in ("1", "2"):
        raise SettingMissingError(f"NIGHTCATCH_APPROVERS_NEEDED must be 1 or 2, not {needed}")
    approvers = Approvers(public_keys("NIGHTCATCH_APPROVER_PUBLIC_KEY"), int(needed))
    trainers = public_keys("NIGHTCATCH_TRAINER_PUBLIC_KEY")
    variable = "NIGHTCATCH_WATCHER_PUBLIC_KEY"
    watchers = public_keys(variable) if os.environ.get(variable) else ()
    return TrustedKeys(approvers, trainers, MAX_MODEL_BYTES, watchers)


def trainer_keys() -> "TrainerKeys":
    """Read the trainer's private key and the public keys of all trainers."""
    from include.run.first_attempt import TrainerKeys

    trusted = public_keys("NIGHTCATCH_TRAINER_PUBLIC_KEY")
    return TrainerKeys(private_key("NIGHTCATCH_TRAINER_KEY"), trusted)


def public_keys(variable: str) -> "tuple[EllipticCurvePublicKey, ...]":
    """Read the PEM files, separated by colons, that an environment variable names."""
    from include.contract.signature import load_public_key

    paths = [Path(part) for part in required(variable).split(":") if part]
    return tuple(load_public_key(path.read_bytes()) for path in paths)


def private_key(variable: str) -> "EllipticCurvePrivateKey":
    """Read the PEM file that an environment variable names."""
    from include.contract.signature import load_private_key

    return load_private_key(Path(required(variable)).read_bytes())


def data_dir() -> Path | None:
    """Return the folder of the user's data sets; None if none is named."""
    given = os.environ.get("NIGHTCATCH_DATA_DIR")
    return Path(given) if given else None


def download_dir() -> Path:
    """Return the folder in which downloads are kept."""
    return Path(os.environ.get("NIGHTCATCH_DOWNLOAD_DIR", "~/.cache/nightcatch")).expanduser()


def required(variable: str) -> str:
    """Return an environment variable's value.

    Raises
    ------
    SettingMissingError
        If it is not set.
    """
    if not (value := os.environ.get(variable)):
        raise SettingMissingError(f"{variable} is not set")
    return value
