"""Data sets of OpenLineage: one name for what one task writes and the next reads."""

import pytest
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.serde import Serde

from include.contract.run_documents import PackagedVersion
from include.tracking import lineage
from tests.support.tracked_run import DIGEST, VERSION

PACKAGED = PackagedVersion(VERSION, "ab" * 32, size_bytes=5)


def test_the_snapshot_written_is_the_snapshot_read():
    written = lineage.snapshot_written("nightcatch", "sites", DIGEST, 10)
    read = lineage.snapshot_read("nightcatch", "sites", DIGEST)

    assert (written.namespace, written.name) == (read.namespace, read.name)
    assert (read.namespace, read.name) == ("s3://nightcatch", f"snapshots/sites/{DIGEST}")
    assert read.facets["version"].datasetVersion == DIGEST


def test_a_version_is_known_by_its_manifest():
    written = lineage.version_written("nightcatch", "sites", PACKAGED)

    assert written.name == f"models/sites/{VERSION}"
    assert written.facets["version"].datasetVersion == "ab" * 32


@pytest.mark.parametrize(
    ("sent", "left"), [({"code_commit": "c0ffee"}, ["code_commit"]), ({"code_commit": ""}, [])]
)
def test_tags_hold_what_is_known(sent, left):
    facet = lineage.run_tags(sent)["tags"]

    assert [field.key for field in facet.tags] == left


def test_an_event_of_them_can_be_sent():
    event = RunEvent(
        eventType=RunState.RUNNING,
        eventTime="2026-11-21T02:00:00Z",
        run=Run("01a1fd57-fe6c-721f-9241-9030508b4368", lineage.run_tags({"version": VERSION})),
        job=Job("nightcatch", "train_sites.package"),
        inputs=[lineage.snapshot_read("nightcatch", "sites", DIGEST)],
        outputs=[lineage.version_written("nightcatch", "sites", PACKAGED)],
        producer="https://example.com",
    )

    assert VERSION in Serde.to_json(event)
