"""Send queued runs and the production version to MLflow, in order."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from include.contract.pointer import Pointer
from include.contract.signature import PublicKeys
from include.errors import ManifestError, RunDocumentError, TrackingUnavailableError
from include.stores.objects import ObjectStore
from include.tracking.delivery_queue import dequeue, is_reported, mark_reported, queued_runs
from include.tracking.models import follow_pointer, register_version
from include.tracking.record import read_record
from include.tracking.run_outcome import RunOutcome
from include.tracking.runs import send_run
from include.tracking.translate import translate

_log = logging.getLogger(__name__)
_VERSION_TAGS = ("dag_run_id", "outcome", "manifest_sha256", "snapshot_digest", "code_commit")


def send_unsent(
    store: ObjectStore,
    client: MlflowClient,
    pipeline: str,
    pointer: Pointer | None,
    approvers: PublicKeys,
) -> None:
    """Send the queued runs of a pipeline, and its production version, to MLflow.

    Parameters
    ----------
    store : ObjectStore
    client : MlflowClient
    pipeline : str
    pointer : Pointer or None
        Of the production version; the alias `champion` follows it.
    approvers : sequence of EllipticCurvePublicKey
        Whose signature on a person's response is accepted.

    Raises
    ------
    TrackingUnavailableError
        If MLflow is unavailable: unsent runs stay queued. If it rejects a run: that one stays
        queued, all others are sent.
    """
    rejected = []
    for outcome in queued_runs(store, pipeline):
        try:
            with _translated():
                _send_run(store, client, outcome, approvers)
        except (TrackingUnavailableError, ManifestError, RunDocumentError) as err:
            if isinstance(err, TrackingUnavailableError) and not _is_rejection(err.__cause__):
                raise
            _log.error("%s: %s: %s", pipeline, outcome.run_id, err)
            rejected.append(outcome.run_id)
        else:
            dequeue(store, outcome)
    if pointer is not None and not is_reported(store, pointer):
        with _translated():
            follow_pointer(client, store.bucket, pointer)
        mark_reported(store, pointer)
    if rejected:
        raise TrackingUnavailableError(f"{pipeline}: MLflow rejected {', '.join(rejected)}")


def _send_run(
    store: ObjectStore, client: MlflowClient, outcome: RunOutcome, approvers: PublicKeys
) -> None:
    record = read_record(store, outcome, approvers)
    tracked = translate(record)
    run_id = send_run(client, tracked, record.content_sha256)
    if record.version is not None:
        tags = {name: tracked.tags[name] for name in _VERSION_TAGS if name in tracked.tags}
        register_version(client, store.bucket, outcome.pipeline, record.version, tags, run_id)


def _is_rejection(err: BaseException | None) -> bool:
    """Return whether MLflow rejected the request, as opposed to being unavailable."""
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
        raise TrackingUnavailableError(f"MLflow: {reason}") from err
