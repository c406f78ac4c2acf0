"""Everything that waits goes to MLflow, in order; what could not be sent waits on."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from include.contract.pointer import Pointer
from include.errors import ManifestError, TrackingUnavailableError
from include.stores.objects import ObjectStore
from include.tracking.delivery_queue import is_reported, mark_reported, strike_out, waiting
from include.tracking.models import follow_pointer, register_version
from include.tracking.record import read_record
from include.tracking.run_outcome import Ending
from include.tracking.runs import send_run
from include.tracking.translate import translate

_log = logging.getLogger(__name__)
_VERSION_TAGS = ("dag_run_id", "outcome", "manifest_sha256", "snapshot_digest", "code_commit")


def send_news(
    store: ObjectStore, client: MlflowClient, pipeline: str, pointer: Pointer | None
) -> None:
    """Return when MLflow knows all runs of a pipeline that waited, and what is in production.

    Parameters
    ----------
    store : ObjectStore
    client : MlflowClient
    pipeline : str
    pointer : Pointer or None
        What is in production; the alias `champion` follows it.

    Raises
    ------
    TrackingUnavailableError
        If MLflow is away: whatever it does not know waits on. If it answers that it does not take
        a run: that one waits on, everything else is sent.
    """
    refused = []
    for ending in waiting(store, pipeline):
        try:
            with _translated():
                _send_run(store, client, ending)
        except (TrackingUnavailableError, ManifestError) as err:
            if isinstance(err, TrackingUnavailableError) and not _is_refusal(err.__cause__):
                raise
            _log.error("%s: %s: %s", pipeline, ending.run_id, err)
            refused.append(ending.run_id)
        else:
            strike_out(store, ending)
    if pointer is not None and not is_reported(store, pointer):
        with _translated():
            follow_pointer(client, store.bucket, pointer)
        mark_reported(store, pointer)
    if refused:
        raise TrackingUnavailableError(f"{pipeline}: MLflow refuses {', '.join(refused)}")


def _send_run(store: ObjectStore, client: MlflowClient, ending: Ending) -> None:
    record = read_record(store, ending)
    tracked = translate(record)
    run_id = send_run(client, tracked, record.content_sha256)
    if record.version is not None:
        tags = {name: tracked.tags[name] for name in _VERSION_TAGS if name in tracked.tags}
        register_version(client, store.bucket, ending.pipeline, record.version, tags, run_id)


def _is_refusal(err: BaseException | None) -> bool:
    """Tell a run that MLflow does not take from a server that is away."""
    if not isinstance(err, MlflowException):
        return False
    status: int = err.get_http_status_code()  # type: ignore[no-untyped-call]  # not annotated
    return status < 500


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (MlflowException, requests.RequestException) as err:
        reason = str(err).partition("\n")[0]
        raise TrackingUnavailableError(f"MLflow was not told: {reason}") from err
