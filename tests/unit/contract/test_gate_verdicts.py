"""The gate's verdicts are verified only as the trainer signed them, of just that version."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from include.contract.gate_verdicts import sign_verdicts, verify_verdicts
from include.contract.pointer import Pointer
from include.errors import SignatureError

TRAINER, STRANGER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
TRUSTED = (TRAINER.public_key(),)
VERDICTS = b'[{"passed": false, "sentence": "accuracy 0.80, below 0.92"}]'
MANIFEST = "ab" * 32
SIGNED = sign_verdicts(VERDICTS, MANIFEST, TRAINER)


def test_what_the_trainer_signed_is_verified():
    verify_verdicts(SIGNED, VERDICTS, MANIFEST, TRUSTED)


@given(st.integers(0, len(VERDICTS) - 1), st.integers(1, 255))
def test_no_byte_of_the_verdicts_can_differ(position, difference):
    changed = bytearray(VERDICTS)
    changed[position] ^= difference
    with pytest.raises(SignatureError, match="of other verdicts"):
        verify_verdicts(SIGNED, bytes(changed), MANIFEST, TRUSTED)


@given(st.binary(max_size=50) | st.sampled_from([b"{}", b"[]", b"null", b'{"signature": {}}']))
def test_other_bytes_vouch_for_nothing(body):
    with pytest.raises(SignatureError, match="malformed"):
        verify_verdicts(body, VERDICTS, MANIFEST, TRUSTED)


def test_another_version_is_not_vouched_for():
    with pytest.raises(SignatureError, match="of another version"):
        verify_verdicts(SIGNED, VERDICTS, "cd" * 32, TRUSTED)


def test_a_strangers_word_is_refused():
    with pytest.raises(SignatureError, match="not made by a trusted key"):
        verify_verdicts(sign_verdicts(VERDICTS, MANIFEST, STRANGER), VERDICTS, MANIFEST, TRUSTED)


def test_a_signed_pointer_is_no_word_on_verdicts():
    pointer = Pointer("sites", "20261121T020513Z-3f9a1c2b", 7, MANIFEST, "ann", "", "", "run")
    with pytest.raises(SignatureError, match="not made by a trusted key"):
        verify_verdicts(pointer.to_json(TRAINER), VERDICTS, MANIFEST, TRUSTED)
