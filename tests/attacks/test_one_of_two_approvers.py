"""Attacker: one of two approvers, who also can write the bucket.

Aim: to bring a version into production alone, where two must have signed.
"""

import json
import secrets
import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from include.contract import keys
from include.contract.manifest import describe_file
from include.contract.pointer import GATE, MAX_POINTER_BYTES, parse_pointer, pointer_sha256
from include.contract.proposal import VALID_FOR
from include.contract.signature import Approvers, any_one
from include.errors import GateRejectedError, PointerError, PromotionConflictError, SignatureError
from include.registry.approve import approve, production_pointer, propose
from include.registry.follow import TrustedKeys
from include.registry.production import newest_approval
from include.registry.witness import check_history, sign_timestamp
from include.run.rollback import reinstate
from tests.support.followed_bucket import FIRST, MAX_MODEL_BYTES, SECOND, FollowedBucket
from tests.support.followed_bucket import production_version as serves
from tests.support.signed_versions import Signer, publish, version_name
from tests.support.signed_versions import request as requested

THIRD = version_name(3)


class BucketOfTwo(FollowedBucket):
    """A bucket whose scorers and watcher want the signatures of two: ann's and bob's."""

    def __init__(self, client, bucket, folder):
        super().__init__(client, bucket, folder)
        self.ann, self.bob = self.approver, Signer.new(folder, "bob")
        self.watcher = Signer.new(folder, "watcher")
        self.two = Approvers((*self.ann.trusted, *self.bob.trusted), 2)
        self.trusted_keys = TrustedKeys(
            self.two, self.trainer.trusted, MAX_MODEL_BYTES, self.watcher.trusted
        )

    def ask(self, version, by, **fields):
        at = self.now.isoformat(timespec="seconds")
        asked = requested(version, run_id=fields.pop("run_id", secrets.token_hex(8)))
        return replace(asked, approved_by=by, approved_at=at, **fields)

    def publish(self, name):
        publish(self.store, self.version(name), self.trainer)

    def propose(self, name, signer=None, by="ann"):
        return propose(self.store, self.ask(name, by), (signer or self.ann).key, self.two)

    def approve(self, name, signer=None, by="bob", **fields):
        asked = self.ask(name, by, **fields)
        return approve(self.store, asked, (signer or self.bob).key, self.two)

    def by_two(self, name):
        self.publish(name)
        self.propose(name)
        return self.approve(name)

    def watch(self):
        return sign_timestamp(self.store, "sites", self.watcher.key, self.two, self.now)

    def body(self):
        return self.store.get(keys.approved("sites"), MAX_POINTER_BYTES)

    def pointer(self):
        return parse_pointer(self.body(), self.two, pipeline="sites")

    def overwrite(self, signer, **changes):
        """Put an approval into the bucket that the attacker signed, whatever the code refuses."""
        before = self.body()
        pointer = parse_pointer(before, any_one(self.two), pipeline="sites")
        fields = {
            "serial": pointer.serial + 1,
            "previous_sha256": pointer_sha256(before),
            "approved_at": self.now.isoformat(timespec="seconds"),
            "proposal": "",
            "reinstates": "",
            **changes,
        }
        forged = replace(pointer, **fields)
        for key in (keys.approved("sites"), keys.history("sites", forged.serial)):
            self.store.put(key, forged.to_json(signer.key))

    def manifest_sha256(self, version):
        body = self.store.get(keys.version_file("sites", version, keys.MANIFEST))
        return describe_file(body).sha256


@pytest.fixture
def site(s3, bucket, tmp_path):
    """A bucket in which two have approved FIRST, and in which SECOND waits."""
    made = BucketOfTwo(s3.client(), bucket, tmp_path)
    made.by_two(FIRST)
    made.watch()
    made.publish(SECOND)
    return made


def refused(site, follower):
    """Return whether a scorer that runs, a new one and the watcher refuse what is there."""
    new = site.follower(cache_dir=site.cache_dir.with_name("new"))
    outcomes = [follower.poll_once(), new.poll_once()]
    with pytest.raises((SignatureError, PointerError)):
        site.watch()
    with pytest.raises((SignatureError, PointerError)):
        newest_approval(site.store, "sites", site.two)
    return [each.kind for each in outcomes] == ["refused"] * 2 and serves(follower) == FIRST


@pytest.fixture
def follower(site):
    made = site.follower()
    assert made.poll_once().kind == "swapped"
    return made


def test_what_two_approved_is_served_and_says_who(site, follower):
    site.propose(SECOND)
    site.approve(SECOND)
    site.watch()

    assert (follower.poll_once().kind, serves(follower)) == ("swapped", SECOND)
    assert follower.in_production.pointer.decided_by == "bob and ann"
    assert check_history(site.store, "sites", site.trusted_keys).startswith("2 approvals")
    assert site.follower().restore().kind == "swapped"  # from disk, verified again


def test_either_of_them_may_propose(site, follower):
    site.propose(SECOND, site.bob, "bob")
    site.approve(SECOND, site.ann, "ann")

    assert (follower.poll_once().kind, serves(follower)) == ("swapped", SECOND)


def test_one_approver_alone_approves_nothing(site):
    before = site.body()
    with pytest.raises(PointerError, match="nobody has proposed"):
        site.approve(SECOND)

    assert site.body() == before


def test_one_signature_in_the_bucket_is_refused_by_all(site, follower):
    site.overwrite(site.bob, version=SECOND, manifest_sha256=site.manifest_sha256(SECOND))

    assert refused(site, follower)


@pytest.mark.parametrize("name", ["ann", "bob"])
def test_one_key_for_both_signatures_is_refused(site, follower, name):
    """Whatever names it gives."""
    signer = getattr(site, name)
    site.propose(SECOND, signer, "ann")
    with pytest.raises(SignatureError, match="not signed by another approver"):
        site.approve(SECOND, signer, "bob")

    body = site.store.get(keys.proposal("sites", 2, SECOND)).decode()
    digest = site.manifest_sha256(SECOND)
    site.overwrite(signer, version=SECOND, manifest_sha256=digest, proposal=body)
    assert refused(site, follower)


def test_one_person_with_both_keys_is_refused_by_name(site):
    site.propose(SECOND, by="Ann")
    with pytest.raises(PointerError, match="two people are needed"):
        site.approve(SECOND, by=" ann")


def test_the_gate_is_none_of_the_two(site):
    site.propose(SECOND)
    with pytest.raises(PointerError, match="two people are needed"):
        site.approve(SECOND, by=GATE)
    with pytest.raises(PointerError, match="a person"):
        site.propose(SECOND, by=GATE)


def test_the_same_key_named_twice_makes_no_two(site):
    with pytest.raises(SignatureError, match="name as many keys"):
        Approvers((*site.ann.trusted, *site.ann.trusted), 2)


@pytest.mark.parametrize("signer", ["stranger", "trainer", "watcher"])
def test_a_proposal_of_another_key_is_none(site, follower, signer):
    site.propose(SECOND, getattr(site, signer))
    with pytest.raises(SignatureError, match="not signed by another approver"):
        site.approve(SECOND)

    body = site.store.get(keys.proposal("sites", 2, SECOND)).decode()
    digest = site.manifest_sha256(SECOND)
    site.overwrite(site.bob, version=SECOND, manifest_sha256=digest, proposal=body)
    assert refused(site, follower)


def test_a_proposal_is_of_one_version(site, follower):
    site.publish(THIRD)
    site.propose(SECOND)
    body = site.store.get(keys.proposal("sites", 2, SECOND))
    site.store.put(keys.proposal("sites", 2, THIRD), body)
    with pytest.raises(PointerError, match="another version"):
        site.approve(THIRD)

    digest = site.manifest_sha256(THIRD)
    site.overwrite(site.bob, version=THIRD, manifest_sha256=digest, proposal=body.decode())
    assert refused(site, follower)


def test_a_proposal_is_used_once(site, follower):
    """Two approved SECOND, then FIRST again: bob cannot replay ann's word for SECOND."""
    site.propose(SECOND)
    body = site.store.get(keys.proposal("sites", 2, SECOND))
    site.publish(THIRD)
    site.propose(THIRD)
    site.approve(THIRD)
    site.watch()
    site.store.put(keys.proposal("sites", 3, SECOND), body)
    with pytest.raises(PointerError, match="another serial"):
        site.approve(SECOND)

    digest = site.manifest_sha256(SECOND)
    site.overwrite(site.bob, version=SECOND, manifest_sha256=digest, proposal=body.decode())
    new = site.follower(cache_dir=site.cache_dir.with_name("new"))
    assert (new.poll_once().kind, serves(new)) == ("refused", None)


def test_an_expired_proposal_is_none(site, follower):
    site.propose(SECOND)
    site.now += VALID_FOR + timedelta(seconds=1)
    with pytest.raises(PointerError, match="expired"):
        site.approve(SECOND)

    site.propose(SECOND)  # a new one replaces it
    assert site.approve(SECOND).version == SECOND


def test_an_expired_proposal_is_none_though_the_approval_is_backdated(site, follower):
    site.propose(SECOND)
    body = site.store.get(keys.proposal("sites", 2, SECOND)).decode()
    in_time = site.now.isoformat(timespec="seconds")
    for _ in range(5):
        site.now += timedelta(hours=20)
        site.watch()
        follower.poll_once()
    digest = site.manifest_sha256(SECOND)
    site.overwrite(
        site.bob, version=SECOND, manifest_sha256=digest, proposal=body, approved_at=in_time
    )

    assert follower.poll_once().kind == "refused"
    assert serves(follower) == FIRST
    with pytest.raises(PointerError, match="expired"):
        site.watch()


def test_a_lifetime_that_the_proposer_chose_is_refused(site):
    proposed = site.propose(SECOND)
    longer = replace(proposed, expires_at=(site.now + 2 * VALID_FOR).isoformat())
    site.store.put(keys.proposal("sites", 2, SECOND), longer.to_json(site.ann.key))
    with pytest.raises(PointerError, match="malformed"):
        site.approve(SECOND)


def test_of_two_proposals_one_comes_into_production(site, follower):
    """Both were proposed to follow serial 1; the one that is approved first ends the other."""
    site.publish(THIRD)
    site.propose(SECOND)
    site.propose(THIRD, site.bob, "bob")
    ended = {}

    def run(name, signer, by):
        try:
            ended[name] = site.approve(name, signer, by).serial
        except (PointerError, PromotionConflictError) as err:
            ended[name] = type(err)

    threads = [
        threading.Thread(target=run, args=each)
        for each in ((SECOND, site.bob, "bob"), (THIRD, site.ann, "ann"))
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert [each for each in ended.values() if each == 2] == [2]
    assert follower.poll_once().kind == "swapped"
    assert ended[serves(follower)] == 2


def test_the_same_approval_run_again_is_made_once(site):
    site.propose(SECOND)

    assert [site.approve(SECOND, run_id="x").serial, site.approve(SECOND, run_id="x").serial] == [
        2,
        2,
    ]


def test_one_may_return_to_what_two_approved_and_to_nothing_else(site, follower):
    site.propose(SECOND)
    site.approve(SECOND)
    follower.poll_once()
    site.watch()
    site.now += timedelta(days=30)  # longer than any proposal is valid
    site.watch()
    pointer = site.approve(FIRST, site.ann, "ann")
    site.watch()

    assert (pointer.serial, pointer.decided_by) == (3, "ann")
    assert (follower.poll_once().kind, serves(follower)) == ("swapped", FIRST)
    assert site.approve(SECOND, site.ann, "ann").serial == 4  # and forth, at any distance
    assert site.approve(FIRST, site.bob, "bob").serial == 5
    site.publish(THIRD)
    with pytest.raises(PointerError, match="nobody has proposed"):
        site.approve(THIRD, site.ann, "ann")


def test_a_return_to_another_version_than_two_approved_is_refused(site, follower):
    approved = site.body().decode()
    digest = site.manifest_sha256(SECOND)
    site.overwrite(site.bob, version=SECOND, manifest_sha256=digest, reinstates=approved)

    assert refused(site, follower)


def test_a_return_to_what_one_approved_is_refused(site, follower):
    """An approval by one, in the history, makes no second one."""
    digest = site.manifest_sha256(SECOND)
    site.overwrite(site.bob, version=SECOND, manifest_sha256=digest)
    alone = site.body().decode()
    site.overwrite(site.bob, version=SECOND, manifest_sha256=digest, reinstates=alone)

    assert refused(site, follower)


def test_nothing_is_built_upon_an_approval_of_one(site):
    site.overwrite(site.bob, version=SECOND, manifest_sha256=site.manifest_sha256(SECOND))
    site.publish(THIRD)
    with pytest.raises(SignatureError, match="two are needed"):
        site.propose(THIRD)


def test_an_approval_of_one_hidden_in_the_history_is_found(site, follower):
    """One that runs with a lower number of approvers builds upon it; scorers follow neither."""
    site.overwrite(site.bob, version=SECOND, manifest_sha256=site.manifest_sha256(SECOND))
    site.publish(THIRD)
    one = any_one(site.two)
    propose(site.store, site.ask(THIRD, "ann"), site.ann.key, one)
    approve(site.store, site.ask(THIRD, "bob", countersign=True), site.bob.key, one)
    outcome = follower.poll_once()

    assert (outcome.kind, serves(follower)) == ("refused", FIRST)
    assert "serial 2 has one approver, serial 1 has two" in outcome.reason
    with pytest.raises(PointerError, match="one approver"):
        site.watch()


def test_what_one_wrote_into_the_history_replaces_no_gate(site):
    one = replace(
        site.pointer(),
        version=SECOND,
        manifest_sha256=site.manifest_sha256(SECOND),
        serial=9,
        proposal="",
    )
    site.store.put(keys.history("sites", 9), one.to_json(site.ann.key))
    with pytest.raises(GateRejectedError):
        reinstate(site.store, site.ask(SECOND, "bob"), site.bob.key, site.trusted_keys)


def test_two_may_begin_where_one_approved_before(s3, bucket, tmp_path):
    """The first approval of two is made while one still suffices; then two are needed."""
    site = BucketOfTwo(s3.client(), bucket, tmp_path)
    site.promote(FIRST)
    site.publish(SECOND)
    one = any_one(site.two)
    propose(site.store, site.ask(SECOND, "ann"), site.ann.key, one)
    with pytest.raises(SignatureError, match="two are needed"):
        production_pointer(site.store, "sites", site.two)
    approve(site.store, site.ask(SECOND, "bob", countersign=True), site.bob.key, one)
    follower = site.follower()

    assert (follower.poll_once().kind, serves(follower)) == ("swapped", SECOND)
    assert check_history(site.store, "sites", site.trusted_keys).startswith("2 approvals")
    with pytest.raises(PointerError, match="nobody has proposed"):  # FIRST had one
        site.approve(FIRST)


def test_one_approver_signs_as_before(s3, bucket, tmp_path):
    """Where one suffices, nothing of a second one is in the object, or is looked for."""
    site = FollowedBucket(s3.client(), bucket, tmp_path)
    site.promote(FIRST)
    document = json.loads(site.store.get(keys.approved("sites")))

    assert not {"proposal", "reinstates"} & document.keys()
    assert not list(site.store.keys_under("models/sites/proposals/"))
