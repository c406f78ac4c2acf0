"""Publishing and approving against a real S3 server: raced, killed anywhere, and run again."""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from include.contract import keys
from include.errors import (
    ManifestError,
    PromotionConflictError,
    SignatureError,
    VersionRefusedError,
)
from include.registry.approve import approve, pointer_in_force, read_history
from include.stores.objects import ObjectStore
from tests.versions import Signer, Version, promote, publish, request, version_name

fork = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def trainer(tmp_path_factory):
    return Signer.new(tmp_path_factory.mktemp("trainer"), "trainer")


@pytest.fixture(scope="module")
def approver(tmp_path_factory):
    return Signer.new(tmp_path_factory.mktemp("approver"), "approver")


@pytest.fixture
def store(s3, bucket):
    return ObjectStore(s3.client(), bucket)


def serials(store, approver, pipeline="sites"):
    return [pointer.serial for pointer in read_history(store, pipeline, approver.trusted)]


def test_a_published_version_is_complete_and_can_be_published_again(store, trainer):
    version = Version(version_name(1))
    first = publish(store, version, trainer)
    signature = store.get(keys.version_file("sites", version.name, keys.SIGNATURE))

    assert publish(store, version, trainer) == first
    assert store.get(keys.version_file("sites", version.name, keys.SIGNATURE)) == signature


def test_a_version_never_changes(store, trainer):
    publish(store, Version(version_name(1)), trainer)
    with pytest.raises(VersionRefusedError, match=r"model\.onnx exists with other content"):
        publish(store, Version(version_name(1), {"model.onnx": b"another"}), trainer)


def test_a_manifest_must_describe_the_files(store, trainer):
    from include.registry.publish import publish_version

    with pytest.raises(ManifestError, match=r"model\.onnx"):
        publish_version(
            store,
            Version(version_name(1)).manifest(),
            {"model.onnx": b"other"},
            signing_key=trainer.path,
            trusted=trainer.trusted,
        )


def test_a_version_signed_by_an_untrusted_key_is_noticed_by_its_publisher(store, trainer, approver):
    from include.registry.publish import publish_version

    version = Version(version_name(1))
    with pytest.raises(SignatureError):
        publish_version(
            store,
            version.manifest(),
            version.files,
            signing_key=trainer.path,
            trusted=approver.trusted,
        )


def test_serials_rise_and_history_keeps_every_approval(store, trainer, approver):
    for number in (1, 2):
        promote(store, Version(version_name(number)), trainer, approver, run_id=f"run-{number}")
    back = request(version_name(1), run_id="rollback")
    pointer = approve(store, back, approver.key, approver.trusted)

    assert (pointer.version, pointer.serial) == (version_name(1), 3)
    assert pointer_in_force(store, "sites", approver.trusted) == pointer
    assert serials(store, approver) == [1, 2, 3]


def test_the_same_request_comes_into_force_once(store, trainer, approver):
    first = promote(store, Version(version_name(1)), trainer, approver)
    again = approve(store, request(version_name(1)), approver.key, approver.trusted)

    assert again == first
    assert serials(store, approver) == [1]


def test_a_request_answered_long_ago_is_answered_the_same_again(store, trainer, approver):
    first = promote(store, Version(version_name(1)), trainer, approver, run_id="night-1")
    promote(store, Version(version_name(2)), trainer, approver, run_id="night-2")
    again = request(version_name(1), run_id="night-1")

    assert approve(store, again, approver.key, approver.trusted) == first
    assert pointer_in_force(store, "sites", approver.trusted).version == version_name(2)


def test_a_request_judged_against_an_older_champion_changes_nothing(store, trainer, approver):
    promote(store, Version(version_name(1)), trainer, approver, run_id="night-1")
    with pytest.raises(PromotionConflictError, match="serial 0, but serial 1 is in force"):
        promote(
            store, Version(version_name(2)), trainer, approver, run_id="night-2", expected_serial=0
        )

    assert pointer_in_force(store, "sites", approver.trusted).version == version_name(1)


@pytest.mark.parametrize("missing", [keys.SIGNATURE, keys.MANIFEST])
def test_a_half_published_version_cannot_be_approved(store, trainer, approver, missing):
    version = Version(version_name(1))
    publish(store, version, trainer)
    store.delete(keys.version_file("sites", version.name, missing))
    with pytest.raises(VersionRefusedError, match="not completely published"):
        approve(store, request(version.name), approver.key, approver.trusted)


def test_of_32_racing_approvals_one_wins(store, s3, trainer, approver):
    names = [version_name(number) for number in range(1, 33)]
    for name in names:
        publish(store, Version(name), trainer)
    start = threading.Barrier(32)

    def race(name):
        own = ObjectStore(s3.client(), store.bucket)
        asked = request(name, run_id=f"run-{name}", expected_serial=0)
        start.wait()
        try:
            return approve(own, asked, approver.key, approver.trusted)
        except PromotionConflictError:
            return None

    with ThreadPoolExecutor(32) as pool:
        winners = [pointer for pointer in pool.map(race, names) if pointer]

    assert len(winners) == 1
    assert pointer_in_force(store, "sites", approver.trusted) == winners[0]
    assert serials(store, approver) == [1]


def killed_at(step, s3, bucket, work):
    """Run `work(store)` in a process that is killed with SIGKILL around its nth S3 request.

    Odd steps die before the request is sent, even ones after its answer. True when it got through.
    """

    def child():
        requests = 0

        def die_at(wanted):
            def handler(**_):
                nonlocal requests
                requests += 1
                if requests == wanted:
                    os.kill(os.getpid(), signal.SIGKILL)

            return handler

        client = s3.client()
        event = "before-send.s3" if step % 2 else "after-call.s3"
        client.meta.events.register(event, die_at((step + 1) // 2))
        work(ObjectStore(client, bucket))

    process = fork.Process(target=child)
    process.start()
    process.join(60)
    return process.exitcode == 0


def test_killed_at_any_request_and_run_again_gives_one_version_and_one_approval(
    store, s3, trainer, approver
):
    killed = 0
    for step in range(1, 100):
        name = f"p{step}"
        promote(store, Version(version_name(0), pipeline=name), trainer, approver, run_id="before")

        version = Version(version_name(step), pipeline=name)
        work = partial(promote, version=version, trainer=trainer, approver=approver, run_id="night")

        got_through = killed_at(step, s3, store.bucket, work)
        work(store)

        assert pointer_in_force(store, name, approver.trusted).version == version_name(step)
        assert serials(store, approver, name) == [1, 2]
        if got_through:
            break
        killed += 1

    assert killed > 15, "the kill never landed"
