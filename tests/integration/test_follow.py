"""Following a pipeline in a real S3 server: whatever is wrong, the model in production stays."""

import json
import logging
import multiprocessing
import os
import signal
from dataclasses import replace
from itertools import count

import pytest

from include.contract import keys
from include.contract.manifest import describe_file
from include.contract.schema import InputField
from include.registry.follow import LastGood
from include.registry.publish import sign_folder
from include.stores.objects import ObjectStore
from tests.support import onnx_graphs
from tests.support.followed_bucket import (
    FIRST,
    MAX_MODEL_BYTES,
    SECOND,
    FollowedBucket,
    production_version,
)
from tests.support.signed_versions import promote, version_name

fork = multiprocessing.get_context("fork")


@pytest.fixture
def site(s3, bucket, tmp_path):
    return FollowedBucket(s3.client(), bucket, tmp_path)


@pytest.fixture
def unreachable(s3, site):
    """The same bucket at an address where nobody listens."""
    client = s3.client()
    client.meta.events.register(
        "before-sign.s3", lambda request, **_: setattr(request, "url", "http://127.0.0.1:1/")
    )
    return ObjectStore(client, site.store.bucket)


def test_an_approved_version_goes_into_production_and_is_read_once(site):
    follower = site.follower()
    before = follower.poll_once()
    site.promote(FIRST)
    site.asked.clear()
    kinds = [follower.poll_once().kind for _ in range(3)]

    assert (before.kind, before.failure) == ("nothing_approved", "")
    assert kinds == ["swapped", "unchanged", "unchanged"]
    assert production_version(follower) == FIRST
    assert site.asked == [
        "approved.json",
        "manifest.json",
        "model.sig",
        "model.onnx",
        "approved.json",
        "approved.json",
    ]


def test_a_rollback_is_a_new_serial_of_an_old_version(site):
    follower = site.follower()
    seen = []
    for name in (FIRST, SECOND, FIRST):
        site.promote(name)
        follower.poll_once()
        seen.append((production_version(follower), follower.in_production.pointer.serial))

    assert seen == [(FIRST, 1), (SECOND, 2), (FIRST, 3)]


def flip(body, position=None):
    changed = bytearray(body)
    changed[len(body) // 2 if position is None else position] ^= 0x01
    return bytes(changed)


def damage(name, change):
    def apply(site):
        site.store.put(site.key(name), change(site.store.get(site.key(name))))

    return apply


def remove(name):
    return lambda site: site.store.delete(site.key(name))


def sign_with_unknown_key(site):
    names = ("manifest.json", "model.onnx", "model.joblib")
    files = {name: site.store.get(site.key(name)) for name in names}
    site.store.put(site.key("model.sig"), sign_folder(files, site.stranger.path))


def signature_of_first(site):
    site.store.put(site.key("model.sig"), site.store.get(site.key("model.sig", FIRST)))


def manifest_of_first(site):
    site.store.put(site.key("manifest.json"), site.store.get(site.key("manifest.json", FIRST)))


def unsigned_pointer(site):
    pointer = json.loads(site.store.get(keys.approved("sites")))
    site.store.put(keys.approved("sites"), json.dumps({**pointer, "serial": 9}).encode())


def hostile_file_name(site):
    manifest = json.loads(site.store.get(site.key("manifest.json")))
    manifest["files"]["../../../approved.json"] = manifest["files"]["model.onnx"]
    body = json.dumps(manifest).encode()
    site.store.put(site.key("manifest.json"), body)
    site.put_pointer(manifest_sha256=describe_file(body).sha256, serial=3)


DAMAGES = {
    "model corrupt": (damage("model.onnx", flip), "ManifestError"),
    "model truncated": (damage("model.onnx", lambda body: body[:-1]), "ManifestError"),
    "model empty": (damage("model.onnx", lambda body: b""), "ManifestError"),
    "model longer": (damage("model.onnx", lambda body: body + b"x"), "VersionRefusedError"),
    "model absent": (remove("model.onnx"), "ObjectMissingError"),
    "manifest corrupt": (damage("manifest.json", flip), "ManifestError"),
    "manifest absent": (remove("manifest.json"), "ObjectMissingError"),
    "manifest of another version": (manifest_of_first, "ManifestError"),
    "manifest with a hostile file name": (hostile_file_name, "ManifestError"),
    "signature corrupt": (damage("model.sig", flip), "SignatureError"),
    "signature empty": (damage("model.sig", lambda body: b""), "SignatureError"),
    "signature absent": (remove("model.sig"), "ObjectMissingError"),
    "signature of an unknown key": (sign_with_unknown_key, "SignatureError"),
    "signature of another version": (signature_of_first, "SignatureError"),
    "pointer unsigned": (unsigned_pointer, "SignatureError"),
    "pointer garbage": (damage("approved.json", lambda body: b"{"), "PointerError"),
    "pointer vast": (
        damage("approved.json", lambda body: body + b" " * 2**20),
        "VersionRefusedError",
    ),
    "pointer of a stranger": (
        lambda site: site.put_pointer(site.stranger, serial=3),
        "SignatureError",
    ),
    "pointer absent": (remove("approved.json"), "ObjectMissingError"),
    "pointer to no version": (
        lambda site: site.put_pointer(version=version_name(99), serial=3),
        "ObjectMissingError",
    ),
    "pointer of another pipeline": (
        lambda site: site.put_pointer(pipeline="urls", serial=3),
        "PointerError",
    ),
    "older serial replayed": (
        lambda site: site.store.put(
            keys.approved("sites"), site.store.get(keys.history("sites", 1))
        ),
        None,
    ),
}


@pytest.mark.parametrize(("damage", "failure"), DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_version_is_refused_and_recovery_needs_no_hand(site, caplog, damage, failure):
    follower = site.follower()
    site.promote(FIRST)
    follower.poll_once()
    site.promote(SECOND)
    names = ("approved.json", "manifest.json", "model.sig", "model.onnx")
    whole = {site.key(name): site.store.get(site.key(name)) for name in names}
    damage(site)
    outcomes = [follower.poll_once() for _ in range(2)]
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]

    assert {outcome.failure for outcome in outcomes} == {failure or ""}
    assert {outcome.kind for outcome in outcomes} == {"refused" if failure else "unchanged"}
    assert len(warnings) == (1 if failure else 0)
    assert production_version(follower) == FIRST
    for key, body in whole.items():
        site.store.put(key, body)
    # The same pointer, refused twice, is left alone for one poll.
    assert "swapped" in [follower.poll_once().kind for _ in range(2)]
    assert production_version(follower) == SECOND


@pytest.mark.parametrize(
    ("body", "version", "failure"),
    [
        (onnx_graphs.with_external_weights(), {}, "VersionRefusedError"),
        (onnx_graphs.with_operator("Loop"), {}, "VersionRefusedError"),
        (onnx_graphs.constant(2.0), {}, "ModelOutputError"),
        (onnx_graphs.text_classifier(), {}, "VersionRefusedError"),
        (b"pickle", {}, "VersionRefusedError"),
        (onnx_graphs.logistic() + b"\0" * MAX_MODEL_BYTES, {}, "VersionRefusedError"),
        (None, {"inputs": (InputField("a", "int8", None),)}, "VersionRefusedError"),
        (None, {"files": {"model.joblib": b"pickle"}}, "ManifestError"),
    ],
    ids=[
        "external data", "operator", "no probability", "text", "no ONNX", "oversize", "inputs",
        "no model.onnx",
    ],
)  # fmt: skip
def test_a_well_signed_version_that_cannot_serve_is_refused(site, body, version, failure):
    follower = site.follower()
    site.promote(FIRST)
    follower.poll_once()
    second = replace(site.version(SECOND, body), **version)
    promote(site.store, second, site.trainer, site.approver, run_id="run-2")
    outcome = follower.poll_once()

    assert (outcome.kind, outcome.failure) == ("refused", failure)
    assert production_version(follower) == FIRST
    site.promote(version_name(3))
    assert follower.poll_once().kind == "swapped"
    assert production_version(follower) == version_name(3)


@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
@pytest.mark.parametrize("replay", ["older", "same serial"])
def test_a_replay_is_refused_also_after_a_restart(site, restarted, replay):
    follower = site.follower()
    for name in (FIRST, SECOND):
        site.promote(name)
        follower.poll_once()
    if restarted:
        follower = site.follower()
        follower.restore()
    if replay == "older":
        site.store.put(keys.approved("sites"), site.store.get(keys.history("sites", 1)))
    else:
        site.put_pointer(version=FIRST, reason="another story")
    outcome = follower.poll_once()

    assert (outcome.kind, outcome.failure) == ("refused", "PointerError")
    assert production_version(follower) == SECOND


def test_the_last_good_version_serves_when_s3_is_down_at_the_start(site, unreachable):
    site.promote(FIRST)
    site.follower().poll_once()
    follower = site.follower(unreachable)

    assert follower.restore().kind == "swapped"
    assert production_version(follower) == FIRST
    assert follower.poll_once().is_unreachable
    assert production_version(follower) == FIRST


def test_a_worker_that_came_too_late_takes_what_another_one_kept(site, unreachable):
    site.promote(FIRST)
    late = site.follower(unreachable)
    late.restore()
    site.follower().poll_once()

    assert late.poll_once().is_unreachable
    assert production_version(late) == FIRST


def test_nothing_on_disk_and_nothing_in_s3_is_no_failure(site):
    follower = site.follower()

    assert follower.restore().failure == ""
    assert follower.poll_once().failure == ""
    assert follower.in_production is None


@pytest.mark.parametrize("name", ["approved.json", "manifest.json", "model.sig", "model.onnx"])
@pytest.mark.parametrize(
    "change",
    [flip, lambda body: body[: len(body) // 2], lambda body: None],
    ids=["flipped", "truncated", "absent"],
)
def test_a_damaged_file_on_disk_is_refused(site, name, change):
    site.promote(FIRST)
    site.follower().poll_once()
    (path,) = site.cache_dir.glob(f"*/{name}")
    changed = change(path.read_bytes())
    path.unlink()
    if changed is not None:
        path.write_bytes(changed)
    follower = site.follower()

    assert follower.restore().kind == "refused"
    assert follower.in_production is None
    assert follower.poll_once().kind == "swapped"
    assert site.follower().restore().kind == "swapped"


def test_a_slower_worker_never_turns_the_shared_folder_back(site):
    slow, fast = site.follower(), site.follower()
    site.promote(FIRST)
    slow.poll_once()
    slow_content = LastGood(site.cache_dir, MAX_MODEL_BYTES).read()
    site.promote(SECOND)
    fast.poll_once()
    LastGood(site.cache_dir, MAX_MODEL_BYTES).keep(1, slow_content)
    restarted = site.follower()
    restarted.restore()

    assert production_version(restarted) == SECOND
    assert [path.name for path in site.cache_dir.iterdir() if path.is_dir()] == ["00000002"]


def test_a_full_disk_is_reported_and_does_not_stop_the_swap(site):
    site.promote(FIRST)
    (site.cache_dir / "unfinished").mkdir(parents=True)
    (site.cache_dir / "00000001").write_text("a file where a folder should be")
    follower = site.follower()
    outcome = follower.poll_once()

    assert (outcome.kind, outcome.failure) == ("swapped", "NotADirectoryError")
    assert production_version(follower) == FIRST


def test_a_reason_is_logged_once_and_again_after_recovery(site, caplog):
    caplog.set_level(logging.INFO, logger="include.registry.follow")
    follower = site.follower()
    site.promote(FIRST)
    follower.poll_once()
    good = site.store.get(keys.approved("sites"))
    for _ in range(2):
        site.store.put(keys.approved("sites"), b"{")
        for _ in range(5):
            follower.poll_once()
        site.store.put(keys.approved("sites"), good)
        follower.poll_once()

    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 2
    assert FIRST in warnings[0].message


def test_a_refused_version_is_fetched_ever_more_rarely(site):
    follower = site.follower()
    site.promote(FIRST, b"pickle")
    outcomes = {follower.poll_once().failure for _ in range(60)}

    assert outcomes == {"VersionRefusedError"}
    assert 5 <= site.asked.count("model.onnx") <= 10
    site.promote(SECOND)
    assert follower.poll_once().kind == "swapped"


def keep_for_ever(folder, contents, first_serial):
    for serial in count(first_serial):
        LastGood(folder, MAX_MODEL_BYTES).keep(serial, contents[serial % 2])


def newest_on_disk(folder):
    return max((int(path.name) for path in folder.glob("0*")), default=0)


def test_a_worker_killed_while_it_writes_leaves_a_whole_version(site, tmp_path):
    contents = []
    for name in (FIRST, SECOND):
        site.promote(name)
        site.follower().poll_once()
        contents.append(LastGood(site.cache_dir, MAX_MODEL_BYTES).read())
    shared = tmp_path / "shared"
    for round_number in range(20):
        newest = newest_on_disk(shared)
        writer = fork.Process(target=keep_for_ever, args=(shared, contents, newest + 1))
        writer.start()
        while newest_on_disk(shared) < newest + 1 + round_number % 5:
            assert writer.is_alive()
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()

        assert site.follower(cache_dir=shared).restore().kind == "swapped"
    assert newest_on_disk(shared) >= 20
