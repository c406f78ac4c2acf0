"""The environment variables that the embedded Airflow, scorer and MLflow are started with."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from include.pipelines import names
from include.stack.keys import Secrets
from include.stack.mongo import LOADER, READER, user_url
from include.stack.ports import HOST
from include.stack.seaweed import REGION
from include.stack.settings import StackSettings

# Addresses of alerts and events may hold passwords: Airflow alone gets them.
_ALERTS = ("NIGHTCATCH_ALERTS_", "NIGHTCATCH_EVENTS_")
# Settings of Airflow, MLflow and OpenLineage and the object store's credentials are the stack's
# own, never the caller's; without byte-code every process would compile 180 packages at each start.
_NOT_INHERITED = (
    *("AIRFLOW", "AWS_", "MLFLOW_", "_MLFLOW_", "OPENLINEAGE_", *_ALERTS),
    *("PYTHONDONTWRITEBYTECODE", "PYTHONPATH"),
)

# Scheduled checks are no step of any data.
_LINEAGE_POLICY = [
    {"scope": {}, "controls": {"include_source_code": False}},
    {"scope": {"dag_id": "send_tracking"}, "controls": {"emit": False}},
    {"scope": {"dag_id": "watch_models"}, "controls": {"emit": False}},
    {"scope": {"dag_id": "watch_release"}, "controls": {"emit": False}},
]


def scorer_environment(
    settings: StackSettings, secrets: Secrets, environ: Mapping[str, str]
) -> dict[str, str]:
    """Return the scorer's whole environment: the bucket, public keys, the secret of its links.

    Parameters
    ----------
    settings : StackSettings
    secrets : Secrets
    environ : mapping of str to str
        The environment to start from.

    Returns
    -------
    dict of str to str
    """
    return {
        **_inherited(settings.root, environ),
        **_object_store(settings, secrets),
        "NIGHTCATCH_TRAINER_PUBLIC_KEY": str(secrets.trainer_public_key),
        "NIGHTCATCH_APPROVER_PUBLIC_KEY": str(secrets.approver_public_key),
        "NIGHTCATCH_WATCHER_PUBLIC_KEY": str(secrets.watcher_public_key),
        "NIGHTCATCH_BUILD": code_commit(settings.root),
        "NIGHTCATCH_CACHE_DIR": str(settings.state_dir / "scorer"),
        "NIGHTCATCH_PIPELINES": environ.get("NIGHTCATCH_PIPELINES", ",".join(names())),
        "NIGHTCATCH_POLL_INTERVAL_S": environ.get("NIGHTCATCH_POLL_INTERVAL_S", "3"),
        "NIGHTCATCH_LINK_KEY": secrets.link_key,
        "NIGHTCATCH_TRAFFIC_LOG": environ.get("NIGHTCATCH_TRAFFIC_LOG", "inputs"),
        "NIGHTCATCH_TRAFFIC_INTERVAL_S": environ.get("NIGHTCATCH_TRAFFIC_INTERVAL_S", "3"),
    }


def airflow_environment(
    settings: StackSettings,
    secrets: Secrets,
    environ: Mapping[str, str],
    dags_dir: Path | None = None,
) -> dict[str, str]:
    """Return the whole environment of Airflow and of its tasks.

    Parameters
    ----------
    settings : StackSettings
    secrets : Secrets
    environ : mapping of str to str
        The environment to start from.
    dags_dir : Path, optional
        Folder of DAGs; by default those of the checkout.

    Returns
    -------
    dict of str to str
    """
    return {
        **_inherited(settings.root, environ),
        **_object_store(settings, secrets),
        **_airflow_settings(settings, secrets, dags_dir or settings.root / "dags"),
        **_airflow_connections(settings, secrets),
        **_lineage(settings, environ),
        "NIGHTCATCH_ALERTS_SCORER_URLS": settings.scorer_url,
        **{name: value for name, value in environ.items() if name.startswith(_ALERTS)},
        "NIGHTCATCH_TRAINER_KEY": str(secrets.trainer_key),
        "NIGHTCATCH_TRAINER_PUBLIC_KEY": str(secrets.trainer_public_key),
        "NIGHTCATCH_APPROVER_KEY": str(secrets.approver_key),
        "NIGHTCATCH_APPROVER_PUBLIC_KEY": str(secrets.approver_public_key),
        "NIGHTCATCH_WATCHER_KEY": str(secrets.watcher_key),
        "NIGHTCATCH_WATCHER_PUBLIC_KEY": str(secrets.watcher_public_key),
        "NIGHTCATCH_CODE_COMMIT": code_commit(settings.root),
        "NIGHTCATCH_DOWNLOAD_DIR": str(settings.downloads_dir),
        "NIGHTCATCH_MLFLOW_URL": settings.mlflow_url,
        "NIGHTCATCH_MLFLOW_PUBLIC_URL": environ.get(
            "NIGHTCATCH_MLFLOW_PUBLIC_URL", settings.mlflow_public_url
        ),
        "GX_ANALYTICS_ENABLED": "false",
        "MPLCONFIGDIR": str(settings.state_dir / "matplotlib"),
        # Tasks run side by side; an OpenMP thread per core in each of them makes all of them slow.
        "OMP_NUM_THREADS": "1",
    }


def mlflow_environment(settings: StackSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the whole environment of MLflow's server, which gets no key to anything.

    Parameters
    ----------
    settings : StackSettings
    environ : mapping of str to str
        The environment to start from.

    Returns
    -------
    dict of str to str
    """
    return {
        **_inherited(settings.root, environ),
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # Jobs evaluate language models; each would be a process.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "OMP_NUM_THREADS": "1",
    }


def code_commit(root: Path) -> str:
    """Return the commit of the checkout, marked when files differ from it; empty without git.

    Parameters
    ----------
    root : Path
        The checkout.

    Returns
    -------
    str
    """
    describe = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        result = subprocess.run(describe, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip()


def _inherited(root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    kept = {k: value for k, value in environ.items() if not k.startswith(_NOT_INHERITED)}
    if data_dir := environ.get("NIGHTCATCH_DATA_DIR"):
        kept["NIGHTCATCH_DATA_DIR"] = str(Path(data_dir).resolve())
    direct = ",".join(filter(None, (environ.get("NO_PROXY"), HOST, "localhost")))
    return {**kept, "PYTHONPATH": str(root), "NO_PROXY": direct, "no_proxy": direct}


def _object_store(settings: StackSettings, secrets: Secrets) -> dict[str, str]:
    return {
        "NIGHTCATCH_S3_ENDPOINT": settings.s3_url,
        "NIGHTCATCH_S3_BUCKET": settings.bucket,
        "AWS_ACCESS_KEY_ID": secrets.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": secrets.s3_secret_key,
        "AWS_DEFAULT_REGION": REGION,
    }


def _airflow_settings(settings: StackSettings, secrets: Secrets, dags_dir: Path) -> dict[str, str]:
    home = settings.state_dir / "airflow"
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__BASE_URL": settings.airflow_url,
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(settings.airflow_port),
        "AIRFLOW__API__SECRET_KEY": secrets.airflow_jwt_secret,
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.airflow_jwt_secret,
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags_dir),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{settings.airflow_url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__FERNET_KEY": secrets.airflow_fernet_key,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": str(max(4, os.cpu_count() or 1)),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(settings.root / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(secrets.airflow_passwords),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        # The callback of a failed run needs this time on a busy machine.
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "120",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
        "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        # Python's SQLite gives up after 5 s; the scheduler of a busy machine writes for longer.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}?timeout=60",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        # After a restart, tasks that were killed with the last scheduler are tried again soon.
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    }


def _lineage(settings: StackSettings, environ: Mapping[str, str]) -> dict[str, str]:
    """Events go to a file, and besides to the user's own OpenLineage server, if there is one."""
    path = settings.state_dir / "airflow" / "lineage.jsonl"
    transport: dict[str, Any] = {"type": "file", "log_file_path": str(path), "append": True}
    if url := environ.get("NIGHTCATCH_OPENLINEAGE_URL"):
        # An address that does not respond costs each event two seconds; tasks go on.
        http = {"type": "http", "url": url, "timeout": 2.0, "retry": {"total": 0}}
        transport = {"type": "composite", "transports": {"file": transport, "http": http}}
    return {
        "AIRFLOW__OPENLINEAGE__EMISSION_POLICY": json.dumps(_LINEAGE_POLICY),
        "AIRFLOW__OPENLINEAGE__NAMESPACE": "nightcatch",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
    }


def _airflow_connections(settings: StackSettings, secrets: Secrets) -> dict[str, str]:
    s3 = {
        "conn_type": "aws",
        "login": secrets.s3_access_key,
        "password": secrets.s3_secret_key,
        "extra": {"endpoint_url": settings.s3_url, "region_name": REGION},
    }
    port, scheme = settings.mongo_port, ("mongodb://", "mongo://")
    reader = user_url(READER, secrets.mongo_reader_password, port).replace(*scheme)
    loader = user_url(LOADER, secrets.mongo_loader_password, port).replace(*scheme)
    return {
        "AIRFLOW_CONN_NIGHTCATCH_S3": json.dumps(s3),
        "AIRFLOW_CONN_NIGHTCATCH_MONGO": reader,
        "AIRFLOW_CONN_NIGHTCATCH_MONGO_LOADER": loader,
    }
