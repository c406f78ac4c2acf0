"""A pointer is verified only as its approver signed it, and never goes back."""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from include.contract.pointer import (
    MAX_POINTER_BYTES,
    Pointer,
    check_succession,
    parse_pointer,
)
from include.errors import PointerError, SignatureError

APPROVER = ec.generate_private_key(ec.SECP256R1())
STRANGER = ec.generate_private_key(ec.SECP256R1())
TRUSTED = (APPROVER.public_key(),)
POINTER = Pointer(
    pipeline="sites",
    version="20261121T020513Z-3f9a1c2b",
    serial=7,
    manifest_sha256="ab" * 32,
    approved_by="ann",
    approved_at="2026-11-21T02:06:00+00:00",
    reason="passed the gate",
    run_id="scheduled__2026-11-21",
)
SIGNED = POINTER.to_json(APPROVER)


def test_a_signed_pointer_is_read_back_as_it_was():
    assert parse_pointer(SIGNED, TRUSTED, pipeline="sites") == POINTER


def test_the_fields_can_be_read_without_knowing_the_signature():
    document = json.loads(SIGNED)

    assert document["version"] == POINTER.version
    assert document["serial"] == 7


@given(st.integers(0, len(SIGNED) - 1), st.integers(1, 255))
def test_any_one_byte_changed_is_refused_or_changes_nothing(position, difference):
    corrupt = bytearray(SIGNED)
    corrupt[position] ^= difference
    try:
        pointer = parse_pointer(bytes(corrupt), TRUSTED, pipeline="sites")
    except (PointerError, SignatureError):
        return

    # White space and the key id are outside the signature.
    assert pointer == POINTER


@given(st.binary(max_size=200))
def test_junk_is_a_pointer_error(junk):
    with pytest.raises((PointerError, SignatureError)):
        parse_pointer(junk, TRUSTED, pipeline="sites")


def test_a_strangers_signature_is_refused():
    with pytest.raises(SignatureError, match="not made by a trusted key"):
        parse_pointer(POINTER.to_json(STRANGER), TRUSTED, pipeline="sites")


def test_any_of_several_trusted_keys_suffices():
    keys = (STRANGER.public_key(), APPROVER.public_key())

    assert parse_pointer(SIGNED, keys, pipeline="sites") == POINTER


def test_another_pipelines_pointer_is_refused():
    with pytest.raises(PointerError, match="of pipeline sites"):
        parse_pointer(SIGNED, TRUSTED, pipeline="urls")


def test_an_oversize_pointer_is_refused_before_it_is_parsed():
    with pytest.raises(PointerError, match="larger than"):
        parse_pointer(b" " * MAX_POINTER_BYTES + SIGNED, TRUSTED, pipeline="sites")


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"version": "../../etc/passwd"}, id="version-with-a-path"),
        pytest.param({"serial": 0}, id="serial-zero"),
        pytest.param({"serial": True}, id="serial-true"),
        pytest.param({"pipeline": "Sites!"}, id="no-pipeline-name"),
    ],
)
def test_what_even_the_approver_may_not_sign_is_refused(changed):
    with pytest.raises(PointerError):
        parse_pointer(replace(POINTER, **changed).to_json(APPROVER), TRUSTED, pipeline="sites")


@pytest.mark.parametrize(
    ("current", "new"),
    [
        pytest.param(None, POINTER, id="first"),
        pytest.param(POINTER, POINTER, id="the-same-again"),
        pytest.param(POINTER, replace(POINTER, serial=8), id="next"),
        pytest.param(POINTER, replace(POINTER, serial=12), id="some-were-missed"),
    ],
)
def test_a_pointer_may_follow(current, new):
    check_succession(current, new)


@pytest.mark.parametrize(
    "new",
    [
        pytest.param(replace(POINTER, serial=6), id="older"),
        pytest.param(replace(POINTER, reason="another"), id="same-serial-other-content"),
    ],
)
def test_a_replayed_pointer_may_not_follow(new):
    with pytest.raises(PointerError, match="cannot follow serial 7"):
        check_succession(POINTER, new)
