"""Our reader of Model Signing bundles accepts what the library signs, and nothing else."""

import base64
import json

import model_signing
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from include.contract import signature
from include.contract.manifest import describe_file
from include.errors import SignatureError
from include.registry.publish import check_signed, sign_folder

FILES = {"model.onnx": b"\x08\x0agraph", "manifest.json": b"{}", "model.joblib": b"pickle"}


def private_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@pytest.fixture(scope="module")
def trainer():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def signing_key(trainer, tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "trainer.pem"
    path.write_bytes(private_pem(trainer))
    return path


@pytest.fixture(scope="module")
def bundle(signing_key):
    return sign_folder(FILES, signing_key)


def test_the_library_verifies_the_folder_we_sign(bundle, trainer, tmp_path):
    folder = tmp_path / "version"
    folder.mkdir()
    for name, body in {**FILES, "model.sig": bundle}.items():
        (folder / name).write_bytes(body)
    (tmp_path / "trainer.pub").write_bytes(public_pem(trainer))

    config = model_signing.verifying.Config()
    config.use_elliptic_key_verifier(public_key=tmp_path / "trainer.pub")
    config.verify(folder, folder / "model.sig")


def test_our_reader_returns_the_digest_of_every_file(bundle, trainer):
    expected = {name: describe_file(body).sha256 for name, body in FILES.items()}

    assert signature.verify_bundle(bundle, (trainer.public_key(),)) == expected


def test_another_key_is_refused(bundle):
    stranger = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(SignatureError, match="not made by a trusted key"):
        signature.verify_bundle(bundle, (stranger,))


@given(data=st.data())
def test_any_one_byte_changed_never_vouches_for_other_files(bundle, trainer, data):
    position = data.draw(st.integers(0, len(bundle) - 1))
    corrupt = bytearray(bundle)
    corrupt[position] ^= data.draw(st.integers(1, 255))
    try:
        signed = signature.verify_bundle(bytes(corrupt), (trainer.public_key(),))
    except SignatureError:
        return

    assert signed == {name: describe_file(body).sha256 for name, body in FILES.items()}


def test_a_signed_statement_of_another_kind_is_refused(trainer):
    statement = json.dumps({"predicateType": "https://slsa.dev/provenance/v1"}).encode()
    kind = "application/vnd.in-toto+json"
    envelope = {
        "payload": base64.b64encode(statement).decode(),
        "payloadType": kind,
        "signatures": [{"sig": signature.sign(kind, statement, trainer)}],
    }
    with pytest.raises(SignatureError, match="predicate"):
        signature.verify_bundle(
            json.dumps({"dsseEnvelope": envelope}).encode(), (trainer.public_key(),)
        )


def test_a_signature_of_fewer_files_does_not_cover_the_folder(signing_key, trainer):
    partial = sign_folder({"manifest.json": FILES["manifest.json"]}, signing_key)
    with pytest.raises(SignatureError, match=r"model\.joblib, model\.onnx"):
        check_signed(partial, FILES, (trainer.public_key(),))


@pytest.mark.parametrize(
    "pem",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", id="junk"),
        pytest.param(public_pem(ec.generate_private_key(ec.SECP384R1())), id="another-curve"),
    ],
)
def test_what_is_no_p256_public_key_is_refused(pem):
    with pytest.raises(SignatureError):
        signature.load_public_key(pem)


def test_a_private_key_is_read_back(trainer):
    loaded = signature.load_private_key(private_pem(trainer))

    assert signature.key_id(loaded.public_key()) == signature.key_id(trainer.public_key())


def test_a_public_key_is_no_private_key(trainer):
    with pytest.raises(SignatureError):
        signature.load_private_key(public_pem(trainer))
