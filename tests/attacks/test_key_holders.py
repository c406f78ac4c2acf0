"""Attacker: whoever holds one of the private keys, and can write the bucket.

Aim: more than the key's duty. Each document is taken from the key of its role and from no other.
"""

from datetime import UTC, datetime

import pytest

from include.contract.approval_response import ApprovalResponse, parse_response
from include.contract.gate_verdicts import sign_verdicts, verify_verdicts
from include.contract.pointer import Pointer, parse_pointer
from include.contract.run_steps import RunChain, parse_chain
from include.contract.signature import signed_document, verify_bundle
from include.contract.timestamp import Timestamp, parse_timestamp
from include.errors import PointerError, RunDocumentError, SignatureError
from include.registry.publish import sign_folder
from tests.support.followed_bucket import FIRST, SECOND, FollowedBucket, production_version
from tests.support.signed_versions import Signer

ROLES = ("trainer", "approver", "watcher", "stranger")
NOW = datetime(2026, 11, 21, tzinfo=UTC)
POINTER = Pointer("sites", FIRST, 1, "ab" * 32, "ann", "", "a test", "run")
RESPONSE = ApprovalResponse("sites", "run", FIRST, False, "ann", "", "a test")
CHAIN = RunChain("sites", "run", FIRST, "ab" * 32, ())
# Each kind of document: whose it is, how a holder of any key makes one, and how it is read.
DOCUMENTS = {
    "approval": (
        "approver",
        lambda signer: POINTER.to_json(signer.key),
        lambda body, trusted: parse_pointer(body, trusted, pipeline="sites"),
    ),
    "response": (
        "approver",
        lambda signer: RESPONSE.to_json(signer.key),
        lambda body, trusted: parse_response(body, trusted, pipeline="sites", run_id="run"),
    ),
    "timestamp": (
        "watcher",
        lambda signer: Timestamp("sites", 1, "ab" * 32, NOW).to_json(signer.key),
        lambda body, trusted: parse_timestamp(body, trusted, pipeline="sites"),
    ),
    "version": (
        "trainer",
        lambda signer: sign_folder({"manifest.json": b"{}"}, signer.path),
        verify_bundle,
    ),
    "verdicts": (
        "trainer",
        lambda signer: sign_verdicts(b"{}", "ab" * 32, signer.key),
        lambda body, trusted: verify_verdicts(body, b"{}", "ab" * 32, trusted),
    ),
    "chain": ("trainer", lambda signer: CHAIN.to_json(signer.key), parse_chain),
}


@pytest.fixture(scope="module")
def signers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {role: Signer.new(folder, role) for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_document_is_taken_from_the_key_of_its_role_only(signers, kind, role):
    owner, make, read = DOCUMENTS[kind]
    body, trusted = make(signers[role]), signers[owner].trusted

    if role == owner:
        read(body, trusted)
    else:
        with pytest.raises(SignatureError):
            read(body, trusted)


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize("other", DOCUMENTS)
def test_what_a_key_signed_for_one_purpose_is_not_taken_for_another(signers, kind, other):
    """With all keys in one hand, the reader of one kind refuses every other kind."""
    if kind == other:
        return
    _, make, _ = DOCUMENTS[kind]
    _, _, read = DOCUMENTS[other]
    with pytest.raises((SignatureError, PointerError, RunDocumentError)):
        read(make(signers["trainer"]), signers["trainer"].trusted)


def test_a_signature_moved_to_other_content_is_refused(signers):
    approver = signers["approver"]
    forged = signed_document("application/vnd.other+json", {"version": SECOND}, approver.key)
    with pytest.raises(SignatureError):
        parse_pointer(forged, approver.trusted, pipeline="sites")


@pytest.fixture
def site(s3, bucket, tmp_path):
    made = FollowedBucket(s3.client(), bucket, tmp_path)
    made.promote(FIRST)
    return made


def test_the_trainer_brings_nothing_into_production(site):
    follower = site.follower()
    follower.poll_once()
    site.put_pointer(site.trainer, serial=2, reason="mine")

    assert (follower.poll_once().kind, production_version(follower)) == ("refused", FIRST)


def test_the_approver_brings_nothing_into_production_that_no_trainer_made(site):
    follower = site.follower()
    follower.poll_once()
    site.promote(SECOND, trainer=site.approver)

    assert (follower.poll_once().kind, production_version(follower)) == ("refused", FIRST)
