"""Reference data in a bucket: the built-in ones until others are current, never altered ones."""

import hashlib

import pytest

from include.contract import keys
from include.errors import ManifestError
from include.registry.references import (
    CurrentReference,
    current_digest,
    read_current,
    read_reference_bytes,
    set_current,
)
from include.stores.objects import ObjectStore
from include.urls.reference.build import build_reference, built_in_bytes
from tests.support.signed_versions import Signer

OTHER = build_reference([("example.com", 1)], ["a list of 2026-11-01"])


@pytest.fixture
def store(s3, bucket):
    return ObjectStore(s3.client(), bucket)


@pytest.fixture
def trainer(tmp_path):
    return Signer.new(tmp_path, "trainer")


def test_built_in_reference_is_used_until_another_is_current(store, trainer):
    first, again = current_digest(store, trainer.trusted), current_digest(store, trainer.trusted)
    digest = hashlib.sha256(OTHER).hexdigest()
    set_current(
        store,
        OTHER,
        CurrentReference(digest, {"tranco": '"v1"'}, "2026-11-01T00:00:00Z"),
        trainer.key,
    )

    assert first == again == hashlib.sha256(built_in_bytes()).hexdigest()
    assert read_reference_bytes(store, first) == built_in_bytes()
    assert current_digest(store, trainer.trusted) == digest
    assert read_reference_bytes(store, digest) == OTHER
    assert read_current(store, trainer.trusted).etags == {"tranco": '"v1"'}


def test_reference_that_was_altered_is_refused(store, trainer):
    digest = current_digest(store, trainer.trusted)
    store.put(keys.reference_file(digest), OTHER)

    with pytest.raises(ManifestError, match="other content"):
        read_reference_bytes(store, digest)


def test_unreadable_current_object_is_named(store, trainer):
    store.put(keys.current_reference(), b"not JSON")

    with pytest.raises(ManifestError, match=r"current\.json"):
        current_digest(store, trainer.trusted)
