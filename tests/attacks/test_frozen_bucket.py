"""Attacker: whoever can write the bucket, or stands in the network between it and a scorer.

Aim: hold back an approval, above all a rollback, or have a new scorer load an old version. The
attacker also may hold the approver's key, and then wants to hide what was approved before.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from include.contract import keys
from include.contract.pointer import pointer_sha256
from include.contract.timestamp import VALID_FOR, Timestamp
from include.errors import ListRefusedError, PointerError, SignatureError
from include.registry.follow import ListFollower, TrustedKeys
from include.registry.lists import ListChange, change_list, list_entry
from include.registry.witness import check_history, read_timestamp, sign_timestamp
from tests.support.followed_bucket import FIRST, MAX_MODEL_BYTES, SECOND, FollowedBucket
from tests.support.followed_bucket import production_version as serves
from tests.support.signed_versions import Signer, version_name

THIRD = version_name(3)


class WatchedBucket(FollowedBucket):
    """A bucket with a watcher, whose public key its scorers hold."""

    def __init__(self, client, bucket, folder):
        super().__init__(client, bucket, folder)
        self.watcher = Signer.new(folder, "watcher")
        self.trusted_keys = TrustedKeys(
            *(self.approver.trusted, self.trainer.trusted, MAX_MODEL_BYTES, self.watcher.trusted)
        )

    def watch(self):
        return sign_timestamp(
            *(self.store, "sites", self.watcher.key, self.approver.trusted, self.now)
        )

    def everything(self):
        return {key: self.store.get(key) for key in self.store.keys_under("models/sites/")}

    def put_back(self, saved):
        for key in set(self.store.keys_under("models/sites/")) - saved.keys():
            self.store.delete(key)
        for key, body in saved.items():
            self.store.put(key, body)


@pytest.fixture
def bucket_of_two(s3, bucket, tmp_path):
    """A bucket in which FIRST is in production and confirmed."""
    made = WatchedBucket(s3.client(), bucket, tmp_path)
    made.promote(FIRST)
    made.watch()
    return made


def test_a_confirmed_bucket_is_followed(bucket_of_two):
    follower = bucket_of_two.follower()
    follower.poll_once()
    bucket_of_two.promote(SECOND)
    follower.poll_once()

    assert serves(follower) == SECOND  # it need not wait for the next timestamp
    assert not follower.freshness.is_stale


def test_a_bucket_that_stands_still_is_noticed_and_the_model_goes_on_scoring(bucket_of_two):
    follower = bucket_of_two.follower()
    follower.poll_once()
    bucket_of_two.now += VALID_FOR + timedelta(seconds=1)
    outcome = follower.poll_once()

    assert follower.freshness.is_stale
    assert (outcome.kind, serves(follower)) == ("unchanged", FIRST)


def test_it_is_ready_again_once_the_watcher_confirms(bucket_of_two):
    follower = bucket_of_two.follower()
    bucket_of_two.now += VALID_FOR + timedelta(seconds=1)
    follower.poll_once()
    bucket_of_two.watch()
    follower.poll_once()

    assert (follower.freshness.is_stale, serves(follower)) == (False, FIRST)


def test_a_new_scorer_takes_nothing_from_a_bucket_of_long_ago(bucket_of_two):
    bucket_of_two.now += VALID_FOR + timedelta(seconds=1)
    follower = bucket_of_two.follower()
    outcome = follower.poll_once()

    assert (outcome.kind, serves(follower)) == ("refused", None)
    assert "the watcher confirmed nothing since" in outcome.reason


def test_an_old_approval_put_back_for_a_new_scorer_is_refused(bucket_of_two):
    old = bucket_of_two.store.get(keys.approved("sites"))
    bucket_of_two.promote(SECOND)
    bucket_of_two.watch()
    bucket_of_two.store.put(keys.approved("sites"), old)
    follower = bucket_of_two.follower()
    outcome = follower.poll_once()

    assert (outcome.kind, serves(follower)) == ("refused", None)
    assert "is not the approval that the watcher confirmed" in outcome.reason


def test_the_watcher_confirms_no_bucket_that_was_put_back(bucket_of_two):
    old = bucket_of_two.store.get(keys.approved("sites"))
    bucket_of_two.promote(SECOND)
    bucket_of_two.watch()
    for put_back in (
        lambda: bucket_of_two.store.put(keys.approved("sites"), old),
        lambda: bucket_of_two.store.delete(keys.approved("sites")),
    ):
        put_back()
        with pytest.raises(PointerError, match=r"put back|is gone"):
            bucket_of_two.watch()


def test_an_older_timestamp_put_back_does_not_make_the_bucket_young(bucket_of_two):
    follower = bucket_of_two.follower()
    follower.poll_once()
    old = bucket_of_two.store.get(keys.watched("sites"))
    bucket_of_two.now += timedelta(hours=1)
    bucket_of_two.watch()
    follower.poll_once()
    seen = follower.freshness.confirmed_at
    bucket_of_two.store.put(keys.watched("sites"), old)

    assert follower.poll_once().kind == "refused"
    assert follower.freshness.confirmed_at == seen


@pytest.mark.parametrize("who", ["stranger", "trainer", "approver"])
def test_nobody_but_the_watcher_confirms(bucket_of_two, who):
    body = bucket_of_two.store.get(keys.approved("sites"))
    later = bucket_of_two.now + timedelta(days=300)
    forged = Timestamp("sites", 1, pointer_sha256(body), later)
    key = getattr(bucket_of_two, who).key
    bucket_of_two.store.put(keys.watched("sites"), forged.to_json(key))
    follower = bucket_of_two.follower()

    assert (follower.poll_once().kind, follower.freshness.confirmed_at < later) == ("refused", True)
    with pytest.raises(SignatureError):
        read_timestamp(bucket_of_two.store, "sites", bucket_of_two.watcher.trusted)


def test_the_watcher_cannot_approve(bucket_of_two):
    follower = bucket_of_two.follower()
    follower.poll_once()
    bucket_of_two.put_pointer(bucket_of_two.watcher, serial=2)

    assert (follower.poll_once().kind, serves(follower)) == ("refused", FIRST)


def rewrite(bucket):
    """Replace serial 2, with the approver's key, and let serial 3 follow the replacement."""
    second = keys.history("sites", 2)
    saved = bucket.everything()
    changed = replace(bucket.pointer(), reason="never happened")
    forged = changed.to_json(bucket.approver.key)
    bucket.put_back({**saved, second: forged, keys.approved("sites"): forged})


def test_a_history_rewritten_with_the_approvers_key_is_refused_and_found(bucket_of_two):
    bucket_of_two.promote(SECOND)
    bucket_of_two.watch()
    follower = bucket_of_two.follower()
    follower.poll_once()
    rewrite(bucket_of_two)
    bucket_of_two.promote(THIRD)

    assert (follower.poll_once().kind, serves(follower)) == ("refused", SECOND)
    with pytest.raises(PointerError, match="the history was rewritten"):
        bucket_of_two.watch()
    with pytest.raises(PointerError, match="the history was rewritten"):
        check_history(bucket_of_two.store, "sites", bucket_of_two.trusted_keys)


def test_what_a_scorer_saw_finds_what_the_bucket_alone_would_hide(bucket_of_two):
    bucket_of_two.promote(SECOND)
    follower = bucket_of_two.follower()
    follower.poll_once()
    served = follower.in_production
    rewrite(bucket_of_two)
    bucket_of_two.store.delete(keys.watched("sites"))
    store, trusted_keys = bucket_of_two.store, bucket_of_two.trusted_keys

    assert check_history(store, "sites", trusted_keys) == "2 approvals, each follows the one before"
    with pytest.raises(PointerError, match="serial 2 is not the approval that was seen"):
        check_history(store, "sites", trusted_keys, (served.pointer.serial, served.approval_sha256))


def test_an_approval_taken_out_of_the_history_is_found(bucket_of_two):
    for name in (SECOND, THIRD):
        bucket_of_two.promote(name)
    follower = bucket_of_two.follower()
    bucket_of_two.store.delete(keys.history("sites", 2))

    with pytest.raises(PointerError, match="the history has a gap"):
        check_history(bucket_of_two.store, "sites", bucket_of_two.trusted_keys)
    with pytest.raises(PointerError, match="the history has a gap"):
        bucket_of_two.watch()
    assert serves(follower) is None


def test_a_scorer_that_was_away_follows_every_approval_in_between(bucket_of_two):
    follower = bucket_of_two.follower()
    follower.poll_once()
    for name in (SECOND, FIRST, THIRD):
        bucket_of_two.promote(name)
    follower.poll_once()

    assert (serves(follower), follower.in_production.pointer.serial) == (THIRD, 4)


def change_sites(bucket, action, host):
    entry = list_entry(action, "host", host, reason="a test", author="ann", added_at="2026-11-21")
    change = ListChange("sites", "ann", "2026-11-21", "a test", f"{action}-{host}", add=(entry,))
    return change_list(bucket.store, change, bucket.approver.key, bucket.approver.trusted)


@pytest.fixture
def listed(bucket_of_two, tmp_path):
    """The bucket with two states of its list; `old` puts the first of them back."""
    change_sites(bucket_of_two, "allow", "hostile.example")
    first = bucket_of_two.store.get(keys.decision_list("sites"))
    change_sites(bucket_of_two, "block", "hostile.example")
    bucket_of_two.old = lambda: bucket_of_two.store.put(keys.decision_list("sites"), first)
    bucket_of_two.gone = lambda: bucket_of_two.store.delete(keys.decision_list("sites"))
    return bucket_of_two


def sites_of(bucket, follower, folder):
    """Who follows the list, beside a follower of the version."""
    return ListFollower(
        bucket.store, "sites", bucket.approver.trusted, folder / "list.json", lambda found: found,
        follower.freshness,
    )  # fmt: skip


@pytest.mark.parametrize("put_back", ["old", "gone"])
def test_a_new_scorer_takes_no_older_list_and_is_not_ready(listed, tmp_path, put_back):
    listed.watch()
    getattr(listed, put_back)()
    follower = listed.follower()
    sites = sites_of(listed, follower, tmp_path)
    follower.poll_once()
    sites.poll_once()

    assert (sites.current, follower.freshness.is_stale) == (None, True)
    assert serves(follower) == FIRST
    with pytest.raises(PointerError, match="an older list was put back"):
        listed.watch()


def test_a_list_that_is_held_back_is_noticed_by_scorers_that_run(listed, tmp_path):
    follower = listed.follower()
    sites = sites_of(listed, follower, tmp_path)
    before = listed.store.get(keys.decision_list("sites"))
    change_sites(listed, "block", "another.example")
    newest = listed.store.get(keys.decision_list("sites"))
    listed.watch()
    listed.store.put(keys.decision_list("sites"), before)
    follower.poll_once()
    sites.poll_once()
    held_back = follower.freshness.is_stale
    listed.store.put(keys.decision_list("sites"), newest)
    sites.poll_once()

    assert (held_back, sites.current.serial, follower.freshness.is_stale) == (True, 3, False)


@pytest.mark.parametrize("put_back", ["old", "gone"])
def test_nothing_is_built_upon_an_older_approval_that_was_put_back(bucket_of_two, put_back):
    """Scorers would refuse what follows it, and whoever rolled back would think that it is done."""
    old = bucket_of_two.store.get(keys.approved("sites"))
    bucket_of_two.promote(SECOND)
    if put_back == "old":
        bucket_of_two.store.put(keys.approved("sites"), old)
    else:
        bucket_of_two.store.delete(keys.approved("sites"))

    with pytest.raises(PointerError, match="was put back"):
        bucket_of_two.promote(THIRD)


@pytest.mark.parametrize("put_back", ["old", "gone"])
def test_nothing_is_built_upon_an_older_list_that_was_put_back(listed, put_back):
    """Else an entry that was taken away would be in effect again."""
    getattr(listed, put_back)()

    with pytest.raises(ListRefusedError, match="was put back"):
        change_sites(listed, "block", "third.example")
