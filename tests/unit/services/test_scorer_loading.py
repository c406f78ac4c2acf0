"""A version that is loaded while requests come is checked and tried as any other."""

import pytest

from include.errors import VersionRefusedError
from include.services.scorer.serving import model_loader
from include.services.scorer.serving.model_loader import Loader, check_apart
from tests.support import onnx_graphs
from tests.support.signed_versions import Version, version_name

MANIFEST = Version(version_name(1)).manifest()


@pytest.fixture
def loader():
    loader = Loader()
    loader.is_serving = True
    return loader


def test_a_sound_model_is_loaded_beside_the_requests(loader):
    model = loader.load(onnx_graphs.constant(0.25), MANIFEST)

    assert model.score(model.schema.encode([{"a": 1, "b": 1}])).tolist() == [0.25]


def test_whose_version_is_under_way_is_known_until_it_is_loaded(loader, monkeypatch):
    seen = []
    monkeypatch.setattr(model_loader, "load_model", lambda *_: seen.append(set(loader.under_way)))
    loader.load(b"", MANIFEST)

    assert seen == [{MANIFEST.pipeline}]
    assert not loader.under_way


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (onnx_graphs.with_external_weights(), "in another file"),
        (b"no model", "not an ONNX model"),
        (onnx_graphs.logistic((1.0,)), "inputs .* are not those of the manifest"),
    ],
    ids=["refused apart", "unreadable", "refused here"],
)
def test_what_is_refused_is_refused_for_the_same_reason(loader, body, reason):
    with pytest.raises(VersionRefusedError, match=reason):
        loader.load(body, MANIFEST)


def test_a_check_that_cannot_be_made_refuses(monkeypatch):
    monkeypatch.setattr("sys.executable", "/bin/false")

    with pytest.raises(VersionRefusedError, match="ended with 1"):
        check_apart(onnx_graphs.constant(0.5))
