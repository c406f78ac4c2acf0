"""The bucket as the only place of conditional writes, and its faults as errors of ours."""

import boto3
import pytest
from botocore.config import Config

from include.errors import (
    ObjectMissingError,
    PreconditionError,
    StoreUnavailableError,
    VersionRefusedError,
)
from include.stack.ports import pick_port
from include.stores.objects import ObjectStore


@pytest.fixture
def store(s3, bucket):
    return ObjectStore(s3.client(), bucket)


def client(endpoint_url, access_key="key", secret_key="secret"):
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2),
    )


def test_an_object_is_read_back_with_its_etag(store):
    store.put("a", b"one")
    fetched = store.fetch("a")

    assert (fetched.body, store.get("a")) == (b"one", b"one")
    assert store.fetch_if_changed("a", fetched.etag) is None
    assert store.fetch_if_changed("a", None).body == b"one"


def test_a_file_is_put_whole(store, tmp_path):
    path = tmp_path / "big"
    path.write_bytes(b"x" * (9 * 2**20))
    store.put_file("big", path)

    assert len(store.get("big")) == 9 * 2**20


def test_only_the_first_may_put_if_absent(store):
    store.put_if_absent("a", b"one")
    with pytest.raises(PreconditionError):
        store.put_if_absent("a", b"two")

    assert store.get("a") == b"one"


def test_only_who_knows_the_content_may_replace_it(store):
    etag = store.put_if_absent("a", b"one")
    newer = store.replace("a", b"two", etag)
    with pytest.raises(PreconditionError):
        store.replace("a", b"three", etag)

    assert store.fetch("a").etag == newer
    assert store.get("a") == b"two"


def test_listing_is_in_order_and_by_folder(store):
    for key in ("runs/b/x", "runs/a/y", "runs/a/x", "other"):
        store.put(key, b"")

    assert list(store.keys_under("runs/")) == ["runs/a/x", "runs/a/y", "runs/b/x"]
    assert store.folders("runs/") == ["a", "b"]


def test_what_is_not_there_is_named(store):
    with pytest.raises(ObjectMissingError, match="nothing/here"):
        store.get("nothing/here")

    assert not store.exists("nothing/here")
    store.delete("nothing/here")


def test_a_larger_object_than_agreed_is_not_read(store):
    store.put("a", b"x" * 11)
    with pytest.raises(VersionRefusedError, match="11 bytes, the limit is 10"):
        store.get("a", max_bytes=10)


@pytest.mark.parametrize(
    "use",
    [
        pytest.param(lambda store, _: store.get("a"), id="get"),
        pytest.param(lambda store, _: store.put("a", b""), id="put"),
        pytest.param(lambda store, path: store.put_file("a", path), id="put-file"),
        pytest.param(lambda store, _: list(store.keys_under("a")), id="list"),
        pytest.param(lambda store, _: store.exists("a"), id="exists"),
    ],
)
def test_a_server_that_is_away_is_a_passing_fault(use, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    away = ObjectStore(client(f"http://127.0.0.1:{pick_port()}"), "bucket")
    with pytest.raises(StoreUnavailableError):
        use(away, tmp_path / "file")


def test_refused_credentials_are_named_without_the_secret(s3, store):
    store.put("a", b"one")
    refused = ObjectStore(client(s3.endpoint_url, s3.access_key, "wrong-secret"), store.bucket)
    with pytest.raises(StoreUnavailableError) as caught:
        refused.get("a")

    assert "refused" in str(caught.value)
    assert "wrong-secret" not in str(caught.value)
