"""Versions that pass through a follower leave no memory behind."""

import gc
import weakref
from datetime import UTC, datetime

import numpy as np
import psutil
import pytest
from onnx import numpy_helper

from include.contract.manifest import describe_file
from include.registry.follow import Follower, LastGood, TrustedKeys
from include.services.scorer.serving.model_loader import Loader
from tests.support import onnx_graphs
from tests.support.followed_bucket import FIRST, SECOND, FollowedBucket

WARM_UP = 20
MAX_MODEL_BYTES = 4_000_000
MIB = 1024 * 1024


@pytest.fixture
def site(s3, bucket, tmp_path):
    return FollowedBucket(s3.client(), bucket, tmp_path)


def graph_of_two_megabytes(weight):
    ballast = numpy_helper.from_array(np.ones(500_000, dtype=np.float32), "ballast")
    weights = [*onnx_graphs.logistic_weights((weight, -1.0), 0.0), ballast]
    return onnx_graphs.model(onnx_graphs.logistic_nodes(), weights, 2)


def resident_mib():
    gc.collect()
    return psutil.Process().memory_info().rss / MIB


def test_memory_is_flat_over_many_swaps(site, tmp_path, is_full_run):
    n_swaps = 200 if is_full_run else 40
    bodies = {
        name: graph_of_two_megabytes(float(number)) for number, name in ((1, FIRST), (2, SECOND))
    }
    for name, body in bodies.items():
        site.promote(name, body)
    follower = Follower(
        site.store,
        "sites",
        TrustedKeys(site.approver.trusted, site.trainer.trusted, MAX_MODEL_BYTES),
        LastGood(tmp_path / "last-good", MAX_MODEL_BYTES),
        Loader().load,
        now=lambda: datetime(2026, 11, 21, 3, tzinfo=UTC),
    )
    manifests = {
        name: describe_file(site.store.get(site.key("manifest.json", name))).sha256
        for name in bodies
    }
    models, before_mib = [], 0.0
    for number in range(WARM_UP + n_swaps):
        name = (FIRST, SECOND)[number % 2]
        serial = 3 + 2 * number
        site.put_pointer(serial=serial, version=name, manifest_sha256=manifests[name])
        assert follower.poll_once().kind == "swapped"
        models.append(weakref.ref(follower.in_production.model))
        # A version that is refused, each for a reason of its own.
        site.put_pointer(serial=serial + 1, version=f"{name[:-8]}{number:08x}")
        assert follower.poll_once().kind == "refused"
        if number == WARM_UP:
            before_mib = resident_mib()

    assert resident_mib() - before_mib < 40  # each version has 2 MB, twice
    assert sum(model() is not None for model in models) == 1
