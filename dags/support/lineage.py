"""Send OpenLineage events of training tasks, besides those of the provider.

Without an OpenLineage transport in Airflow's settings nothing is sent; a fault is a warning.
"""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from include.contract.run_documents import PackagedVersion, SnapshotSummary
    from include.run.run_context import RunContext
    from include.stores.documents import Documents


def emit_snapshot(run: "RunContext", collection: "Documents", taken: "SnapshotSummary") -> None:
    """Report that this task made a snapshot of a collection."""
    from airflow.providers.openlineage.api import emit_dataset_lineage

    from include.tracking import lineage

    name, bucket, digest = run.pipeline.name, run.store.bucket, taken.digest
    emit_dataset_lineage(
        inputs=[lineage.collection_read(collection)],
        outputs=[lineage.snapshot_written(bucket, name, digest, taken.rows)],
        additional_run_facets=_tags(name, snapshot_digest=digest),
    )


def emit_version(run: "RunContext", packaged: "PackagedVersion") -> None:
    """Report that this task made a model version of a snapshot."""
    from airflow.providers.openlineage.api import emit_dataset_lineage

    from include.contract.run_documents import SnapshotSummary
    from include.tracking import lineage

    name, bucket = run.pipeline.name, run.store.bucket
    digest = run.read(SnapshotSummary).digest
    emit_dataset_lineage(
        inputs=[lineage.snapshot_read(bucket, name, digest)],
        outputs=[lineage.version_written(bucket, name, packaged)],
        additional_run_facets=_tags(name, snapshot_digest=digest, version=packaged.version),
    )


def _tags(pipeline_name: str, **tags: str) -> dict[str, Any]:
    from include.tracking import lineage

    commit = os.environ.get("NIGHTCATCH_CODE_COMMIT", "")
    return lineage.run_tags({"pipeline": pipeline_name, "code_commit": commit, **tags})
