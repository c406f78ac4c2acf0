"""OpenLineage's view of a run: a collection becomes a snapshot, a snapshot a model version.

Names follow https://openlineage.io/docs/spec/naming; no address here holds a user or a password.
"""

from collections.abc import Mapping
from typing import Any

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    dataset_version_dataset,
    output_statistics_output_dataset,
    tags_run,
)

from include.contract import keys
from include.contract.run_documents import PackagedVersion
from include.stores.documents import Documents


def collection_read(collection: Documents) -> InputDataset:
    """Return the collection that a snapshot was taken of; nothing is asked of its server again."""
    database = collection.database
    host, port = min(database.client.nodes, default=("unknown", 0))
    return InputDataset(f"mongodb://{host}:{port}", f"{database.name}.{collection.name}")


def snapshot_read(bucket: str, pipeline: str, digest: str) -> InputDataset:
    """Return the snapshot that a model was trained on."""
    namespace, name = _snapshot(bucket, pipeline, digest)
    return InputDataset(namespace, name, facets={"version": _version(digest)})


def snapshot_written(bucket: str, pipeline: str, digest: str, n_rows: int) -> OutputDataset:
    """Return the snapshot that was taken, with its size."""
    namespace, name = _snapshot(bucket, pipeline, digest)
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(n_rows)
    return OutputDataset(
        namespace,
        name,
        facets={"version": _version(digest)},
        outputFacets={"outputStatistics": statistics},
    )


def version_written(bucket: str, pipeline: str, packaged: PackagedVersion) -> OutputDataset:
    """Return the model version that was published.

    Parameters
    ----------
    bucket, pipeline : str
    packaged : PackagedVersion
        ``version``, ``manifest_sha256`` (becomes the data set's version) and ``size_bytes``.
    """
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        size=packaged.size_bytes
    )
    return OutputDataset(
        f"s3://{bucket}",
        keys.version_prefix(pipeline, packaged.version).rstrip("/"),
        facets={"version": _version(packaged.manifest_sha256)},
        outputFacets={"outputStatistics": statistics},
    )


def run_tags(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the facet that ties an event to what `tags` name; empty ones are left out."""
    fields = [
        tags_run.TagsRunFacetFields(key, value, "nightcatch")
        for key, value in tags.items()
        if value
    ]
    return {"tags": tags_run.TagsRunFacet(fields)}


def _snapshot(bucket: str, pipeline: str, digest: str) -> tuple[str, str]:
    return f"s3://{bucket}", keys.snapshot_prefix(pipeline, digest).rstrip("/")


def _version(name: str) -> dataset_version_dataset.DatasetVersionDatasetFacet:
    return dataset_version_dataset.DatasetVersionDatasetFacet(name)
