"""Separation of duties: who trains may not approve, who approves may not train; keys change."""

from datetime import UTC, datetime

import pytest

from include.contract import keys
from include.contract.pointer import parse_pointer
from include.errors import SignatureError
from include.inference.model import load_model
from include.registry.approve import approve, read_history
from include.registry.follow import Follower, LastGood, TrustedKeys
from include.stores.objects import ObjectStore
from tests.support import onnx_graphs
from tests.support.signed_versions import Signer, Version, publish, request, version_name

MAX_MODEL_BYTES = 100_000
FIRST, SECOND = version_name(1), version_name(2)
NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)


class RealServers:
    """A bucket, a trainer, an approver, and scorers that trust whom they are told to."""

    def __init__(self, store, folder):
        self.store, self.folder = store, folder
        self.trainer, self.approver = self.signer("trainer"), self.signer("approver")
        self.now = NOW

    def signer(self, name):
        return Signer.new(self.folder, name)

    def scorer(self, *, approvers=None, trainers=None, cache="cache"):
        """A scorer's follower, as it is just after its start."""
        trusted_keys = TrustedKeys(
            approvers or self.approver.trusted, trainers or self.trainer.trusted, MAX_MODEL_BYTES
        )
        follower = Follower(
            self.store, "sites", trusted_keys, LastGood(self.folder / cache, MAX_MODEL_BYTES),
            load_model,
            now=lambda: self.now,
        )  # fmt: skip
        follower.restore()
        return follower

    def promote(self, name, *, trainer=None, approver=None, trusted=None, **fields):
        """Publish with one key, approve with the other."""
        weight = float(int(name[-8:], 16))
        version = Version(name, files={"model.onnx": onnx_graphs.logistic((weight, -1.0))})
        publish(self.store, version, trainer or self.trainer)
        approver = approver or self.approver
        asked = request(name, run_id=f"approves {name}", **fields)
        return approve(self.store, asked, approver.key, trusted or approver.trusted)


@pytest.fixture
def servers(s3, bucket, tmp_path):
    return RealServers(ObjectStore(s3.client(), bucket), tmp_path)


def served(follower):
    return follower.in_production and follower.in_production.pointer.version


def test_with_a_key_each_a_version_goes_into_production(servers):
    servers.promote(FIRST)
    scorer = servers.scorer()

    assert scorer.poll_once().kind == "swapped"
    assert served(scorer) == FIRST


def test_a_pointer_that_the_trainer_signed_is_refused(servers):
    servers.promote(FIRST)
    scorer = servers.scorer()
    scorer.poll_once()
    servers.promote(SECOND, approver=servers.trainer, trusted=servers.approver.trusted)
    outcome = scorer.poll_once()

    assert (outcome.kind, outcome.failure) == ("refused", "SignatureError")
    assert served(scorer) == FIRST
    assert servers.scorer(cache="fresh").poll_once().kind == "refused"


def test_a_version_that_the_approver_signed_is_refused(servers):
    servers.promote(FIRST)
    scorer = servers.scorer()
    scorer.poll_once()
    servers.promote(SECOND, trainer=servers.approver)
    outcome = scorer.poll_once()

    assert (outcome.kind, outcome.failure) == ("refused", "SignatureError")
    assert served(scorer) == FIRST


def test_who_holds_the_trainers_key_only_cannot_follow_an_approval(servers):
    servers.promote(FIRST)
    with pytest.raises(SignatureError):
        servers.promote(SECOND, approver=servers.trainer)

    pointer = parse_pointer(
        servers.store.get(keys.approved("sites")), servers.approver.trusted, pipeline="sites"
    )
    assert pointer.version == FIRST


def test_the_approvers_key_is_changed_without_a_gap(servers):
    new = servers.signer("new-approver")
    old_only, both, new_only = (
        servers.approver.trusted, (*servers.approver.trusted, *new.trusted), new.trusted
    )  # fmt: skip
    servers.promote(FIRST)
    before = servers.scorer(approvers=old_only)
    before.poll_once()
    during = servers.scorer(approvers=both)
    during.poll_once()
    servers.promote(SECOND, approver=new, trusted=both)
    kinds = [before.poll_once().kind, during.poll_once().kind]
    after = servers.scorer(approvers=new_only)
    after.poll_once()

    assert kinds == ["refused", "swapped"]
    assert (served(before), served(during), served(after)) == (FIRST, SECOND, SECOND)
    assert [pointer.serial for pointer in read_history(servers.store, "sites", both)] == [1, 2]


def test_the_trainers_key_is_changed_without_a_gap(servers):
    new = servers.signer("new-trainer")
    both = (*servers.trainer.trusted, *new.trusted)
    servers.promote(FIRST)
    during = servers.scorer(trainers=both)
    during.poll_once()
    too_early = servers.scorer(trainers=new.trusted, cache="too-early").poll_once()
    servers.promote(SECOND, trainer=new)
    during.poll_once()
    after = servers.scorer(trainers=new.trusted)
    after.poll_once()

    assert (too_early.kind, too_early.failure) == ("refused", "SignatureError")
    assert (served(during), served(after)) == (SECOND, SECOND)


def test_a_retired_approvers_entries_do_not_hinder_approvals_that_follow_any_serial(servers):
    new = servers.signer("new-approver")
    both = (*servers.approver.trusted, *new.trusted)
    servers.promote(FIRST)
    servers.promote(SECOND, approver=new, trusted=both)
    again = request(FIRST, run_id="a rollback")
    pointer = approve(servers.store, again, new.key, new.trusted)

    assert (pointer.version, pointer.serial) == (FIRST, 3)


def test_a_request_is_not_taken_for_done_on_a_strangers_word(servers):
    stranger = servers.signer("stranger")
    first = servers.promote(FIRST)
    servers.promote(SECOND)
    forged = parse_pointer(
        servers.store.get(keys.history("sites", 1)), servers.approver.trusted, pipeline="sites"
    ).to_json(stranger.key)
    servers.store.put(keys.history("sites", 1), forged)
    again = request(FIRST, run_id=first.run_id)
    with pytest.raises(SignatureError):
        approve(servers.store, again, servers.approver.key, servers.approver.trusted)
