"""Register versions in MLflow; the alias `champion` is the production version."""

import logging
from collections.abc import Mapping

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS, ErrorCode

from include.contract import keys
from include.contract.pointer import Pointer

_log = logging.getLogger(__name__)
CHAMPION = "champion"
_EXISTS = ErrorCode.Name(RESOURCE_ALREADY_EXISTS)


def model_name(pipeline: str) -> str:
    """Return the name of a pipeline's registered model."""
    return f"nightcatch-{pipeline}"


def register_version(
    client: MlflowClient,
    bucket: str,
    pipeline: str,
    version: str,
    tags: Mapping[str, str],
    run_id: str | None = None,
) -> str:
    """Return MLflow's number of a version, which points to the version's folder.

    Parameters
    ----------
    client : MlflowClient
    bucket, pipeline, version : str
    tags : mapping of str to str
        Set on the version, beside its name.
    run_id : str, optional
        The MLflow run that made it; a version registered for another run is replaced.

    Raises
    ------
    MlflowException
        If the server is unavailable or rejects a request; a retry is safe.
    """
    name = model_name(pipeline)
    found = client.search_model_versions(f"name = '{name}' and tags.version = '{version}'")
    kept = next((each for each in found if run_id in (None, each.run_id)), None)
    if kept is None:
        _ensure_model(client, name, pipeline)
        source = f"s3://{bucket}/{keys.version_prefix(pipeline, version)}"
        tags = {**(found[0].tags if found else {}), "version": version, **tags}
        kept = client.create_model_version(name, source, run_id, tags, await_creation_for=0)
    else:
        for key, value in tags.items():
            client.set_model_version_tag(name, kept.version, key, value)
    for other in found:
        if other.version != kept.version:
            _replace(client, name, other.version, kept.version)
    return str(kept.version)


def follow_pointer(client: MlflowClient, bucket: str, pointer: Pointer) -> None:
    """Set the alias `champion` to the production version.

    Errors are those of `register_version`.
    """
    tags = {
        "manifest_sha256": pointer.manifest_sha256,
        "serial": str(pointer.serial),
        "approved_by": pointer.decided_by,
        "approved_at": pointer.approved_at,
        "approval_reason": pointer.reason,
    }
    number = register_version(client, bucket, pointer.pipeline, pointer.version, tags)
    client.set_registered_model_alias(model_name(pointer.pipeline), CHAMPION, number)
    _log.info("%s: version %s is MLflow's champion", pointer.pipeline, pointer.version)


def _replace(client: MlflowClient, name: str, old: str, new: str) -> None:
    """Move a version's aliases to another, and delete it."""
    for alias in client.get_model_version(name, old).aliases:
        client.set_registered_model_alias(name, alias, new)
    client.delete_model_version(name, old)


def _ensure_model(client: MlflowClient, name: str, pipeline: str) -> None:
    try:
        client.create_registered_model(
            name,
            tags={"pipeline": pipeline},
            description=f"Versions of the pipeline `{pipeline}`. Scorers do not read MLflow: "
            "they follow the signed `approved.json` in the bucket.",
        )
    except MlflowException as err:
        if err.error_code != _EXISTS:
            raise
