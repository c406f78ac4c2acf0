"""Publishing and approving against a real S3 server: raced, killed anywhere, and run again."""

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import count

import pytest

from include.contract import keys
from include.contract.manifest import check_file
from include.errors import (
    ManifestError,
    PromotionConflictError,
    SignatureError,
    VersionRefusedError,
)
from include.registry.approve import approve, production_pointer, read_history
from include.registry.follow.verify import TrustedKeys
from include.registry.versions import read_signed_manifest
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer, Version, promote, publish, request, version_name

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
    assert production_pointer(store, "sites", approver.trusted) == pointer
    assert serials(store, approver) == [1, 2, 3]


def test_the_same_request_goes_into_production_once(store, trainer, approver):
    first = promote(store, Version(version_name(1)), trainer, approver)
    again = approve(store, request(version_name(1)), approver.key, approver.trusted)

    assert again == first
    assert serials(store, approver) == [1]


def test_a_request_answered_long_ago_is_answered_the_same_again(store, trainer, approver):
    first = promote(store, Version(version_name(1)), trainer, approver, run_id="night-1")
    promote(store, Version(version_name(2)), trainer, approver, run_id="night-2")
    again = request(version_name(1), run_id="night-1")

    assert approve(store, again, approver.key, approver.trusted) == first
    assert production_pointer(store, "sites", approver.trusted).version == version_name(2)


def test_a_request_evaluated_against_an_older_champion_changes_nothing(store, trainer, approver):
    promote(store, Version(version_name(1)), trainer, approver, run_id="night-1")
    with pytest.raises(PromotionConflictError, match="serial 0, but serial 1 is in production"):
        promote(
            store, Version(version_name(2)), trainer, approver, run_id="night-2", expected_serial=0
        )

    assert production_pointer(store, "sites", approver.trusted).version == version_name(1)


def test_an_older_run_takes_no_newer_ones_place_unless_a_person_says_so(store, trainer, approver):
    older, newer = Version(version_name(1)), Version(version_name(2))
    promote(store, newer, trainer, approver, run_id="night-2", never_older=True)
    publish(store, older, trainer)
    asked = request(older.name, run_id="backfill", expected_serial=1, never_older=True)
    with pytest.raises(PromotionConflictError, match=f"older run than {newer.name}, .* serial 1"):
        approve(store, asked, approver.key, approver.trusted)

    assert serials(store, approver) == [1]
    by_a_person = request(older.name, run_id="rollback")
    assert approve(store, by_a_person, approver.key, approver.trusted).serial == 2


@pytest.mark.parametrize("missing", [keys.SIGNATURE, keys.MANIFEST])
def test_a_half_published_version_cannot_be_approved(store, trainer, approver, missing):
    version = Version(version_name(1))
    publish(store, version, trainer)
    store.delete(keys.version_file("sites", version.name, missing))
    with pytest.raises(VersionRefusedError, match="not completely published"):
        approve(store, request(version.name), approver.key, approver.trusted)


PROCESSES, THREADS = 4, 8


@pytest.fixture
def rounds(is_full_run):
    return 100 if is_full_run else 4


def race(client, bucket, approver, barrier, process, rounds, won):
    """Eight threads approve once in each round; the round of each that wins goes to `won`."""
    store = ObjectStore(client, bucket)

    def racer(thread):
        name = version_name(process * THREADS + thread + 1)
        for round_number in range(rounds):
            run_id = f"round-{round_number}-{name}"
            asked = request(name, run_id=run_id, expected_serial=round_number)
            barrier.wait(600)
            try:
                pointer = approve(store, asked, approver.key, approver.trusted)
            except PromotionConflictError:
                continue
            won.put((round_number, pointer.serial, run_id))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(racer, range(THREADS)))


def test_of_32_racing_approvals_one_wins_in_each_round(store, s3, trainer, approver, rounds):
    for number in range(PROCESSES * THREADS):
        publish(store, Version(version_name(number + 1)), trainer)
    barrier, won = fork.Barrier(PROCESSES * THREADS), fork.Queue()
    racers = [
        fork.Process(
            target=race, args=(s3.client(), store.bucket, approver, barrier, number, rounds, won)
        )
        for number in range(PROCESSES)
    ]
    for process in racers:
        process.start()
    winners = [won.get(timeout=600) for _ in range(rounds)]
    for process in racers:
        process.join(600)
    history = list(read_history(store, "sites", approver.trusted))

    assert [process.exitcode for process in racers] == [0] * PROCESSES
    assert won.empty()
    assert sorted(winners) == [
        (number, number + 1, history[number].run_id) for number in range(rounds)
    ]
    assert [pointer.serial for pointer in history] == list(range(1, rounds + 1))
    assert production_pointer(store, "sites", approver.trusted) == history[-1]


def killed_at(step, client, bucket, work):
    """Run `work(store)` in a process that is killed with SIGKILL around its nth S3 request.

    Odd steps die before the request is sent, even ones after its answer. The process is started.
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

        event = "before-send.s3" if step % 2 else "after-call.s3"
        client.meta.events.register(event, die_at((step + 1) // 2))
        with suppress(PromotionConflictError):
            work(ObjectStore(client, bucket))

    process = fork.Process(target=child)
    process.start()
    return process


def watch(store, trusted_keys, last_serial, stopped):
    """Read what is in production all the time: it must be whole, signed, and never go back."""
    newest = 0
    while not stopped.is_set():
        pointer = production_pointer(store, "sites", trusted_keys.approvers)
        if pointer is None:
            continue
        assert pointer.serial >= newest
        newest = pointer.serial
        manifest, _ = read_signed_manifest(store, "sites", pointer.version, trusted_keys)
        for name, entry in manifest.files.items():
            check_file(name, store.get(keys.version_file("sites", pointer.version, name)), entry)
    assert newest == last_serial


@pytest.fixture
def watched(store, s3, trainer, approver, rounds):
    trusted_keys = TrustedKeys(approver.trusted, trainer.trusted, 1_000_000)
    stopped = fork.Event()
    own = ObjectStore(s3.client(), store.bucket)
    watcher = fork.Process(target=watch, args=(own, trusted_keys, rounds, stopped))
    watcher.start()
    yield trusted_keys
    stopped.set()
    watcher.join(600)
    assert watcher.exitcode == 0, "what was in production could not be verified"


def test_killed_at_any_request_among_rivals_and_run_again_gives_one_approval_in_each_round(
    store, s3, trainer, approver, watched, rounds, is_full_run
):
    rivals = [version_name(1_000 + number) for number in range(3)]
    for name in rivals:
        publish(store, Version(name), trainer)
    # Never used here, so that no two processes share a connection of it.
    unused, n_killed = s3.client(), 0
    stride = 1 if is_full_run else 7  # odd, so that both sides of a request are met
    steps = count(1, stride)

    def ask(version, number):
        asked = request(version, run_id=f"{number}-{version}", expected_serial=number)
        with suppress(PromotionConflictError):
            return approve(store, asked, approver.key, approver.trusted)

    def publish_and_ask(own, version, number):
        publish(own, Version(version), trainer)
        asked = request(version, run_id=f"{number}-{version}", expected_serial=number)
        return approve(own, asked, approver.key, approver.trusted)

    for number in range(rounds):
        victim = version_name(number + 1)
        work = partial(publish_and_ask, version=victim, number=number)
        process = killed_at(next(steps), unused, store.bucket, work)
        if number % 4:  # else the victim is alone, and may be killed half-way into its approval
            with ThreadPoolExecutor(3) as pool:
                won = list(filter(None, pool.map(partial(ask, number=number), rivals)))
        else:
            won = []
        process.join(600)
        if process.exitcode == 0:
            steps = count(1, stride)
        else:
            n_killed += 1
        assert published_or_refused(store, victim, watched)
        with suppress(PromotionConflictError):
            won.append(work(store))

        assert len(won) == 1
        assert production_pointer(store, "sites", approver.trusted) == won[0]
        assert won[0].serial == number + 1

    history = [pointer.serial for pointer in read_history(store, "sites", approver.trusted)]
    assert history == list(range(1, rounds + 1))
    assert n_killed > 0.6 * rounds, "the kill never landed"


def published_or_refused(store, version, trusted_keys):
    """Whether a version is whole and signed, or nobody can approve it."""
    try:
        manifest, _ = read_signed_manifest(store, "sites", version, trusted_keys)
    except VersionRefusedError:
        return True
    found = set(store.keys_under(keys.version_prefix("sites", version)))
    return {keys.version_file("sites", version, name) for name in manifest.files} <= found
