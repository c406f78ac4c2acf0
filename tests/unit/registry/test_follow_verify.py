"""The whole chain from pointer to model: any byte that differs is refused, or changes nothing."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from include.contract.manifest import describe_file
from include.contract.pointer import Pointer, parse_pointer
from include.errors import (
    ManifestError,
    NightCatchError,
    PointerError,
    SignatureError,
    VersionRefusedError,
)
from include.registry.follow.verify import TrustedKeys, VersionBytes, verify_version
from include.registry.publish import sign_folder
from tests.support import onnx_graphs
from tests.support.signed_versions import Signer, Version, version_name

NAMES = ("pointer", "manifest", "signature", "model", "reference")
REFUSALS = (ManifestError, PointerError, SignatureError, VersionRefusedError)
MODEL, REFERENCE = onnx_graphs.logistic(), b"what is known of domains"
FILES = {"model.onnx": MODEL, "reference.bin": REFERENCE}


class Chain:
    """Signers, and versions that they vouch for."""

    def __init__(self, folder):
        self.trainer = Signer.new(folder, "trainer")
        self.approver = Signer.new(folder, "approver")
        self.trusted_keys = TrustedKeys(self.approver.trusted, self.trainer.trusted, 10_000)
        self.whole = self.signed(Version(version_name(1), files=FILES).manifest())

    def signed(self, manifest, **changes):
        """All that a follower reads of a version whose manifest is this one."""
        body = manifest.to_json()
        return VersionBytes(
            pointer=self.pointer(body, manifest.version, **changes),
            manifest=body,
            signature=sign_folder({"manifest.json": body, **FILES}, self.trainer.path),
            model=MODEL,
            reference=REFERENCE,
        )

    def pointer(self, manifest_body, version, **changes):
        digest = describe_file(manifest_body).sha256
        at = "2026-11-21T02:06:00+00:00"
        pointer = Pointer("sites", version, 1, digest, "ann", at, "a test", "run-1")
        return replace(pointer, **changes).to_json(self.approver.key)

    def verify(self, content):
        pointer = parse_pointer(content.pointer, self.trusted_keys.approvers, pipeline="sites")
        return pointer, verify_version(content, pointer, self.trusted_keys)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return Chain(tmp_path_factory.mktemp("chain"))


def altered(body, how, position, byte):
    position %= len(body)
    kept = {"change": 1, "delete": 1, "insert": 0}[how]
    new = b"" if how == "delete" else bytes([byte])
    return body[:position] + new + body[position + kept :]


def test_the_chain_holds(chain):
    pointer, manifest = chain.verify(chain.whole)

    assert (pointer.version, manifest.version) == (version_name(1), version_name(1))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=400, deadline=None)
@given(
    how=st.sampled_from(["change", "delete", "insert"]),
    position=st.integers(0, 20_000),
    byte=st.integers(0, 255),
)
@example(how="insert", position=0, byte=ord(" "))
@example(how="insert", position=1, byte=ord("\n"))
@example(how="delete", position=20_000, byte=0)
def test_one_byte_that_differs_is_refused_or_means_the_same(chain, name, how, position, byte):
    body = altered(getattr(chain.whole, name), how, position, byte)
    content = replace(chain.whole, **{name: body})
    try:
        believed = chain.verify(content)
    except REFUSALS:
        return

    assert believed == chain.verify(chain.whole)
    assert content.manifest == chain.whole.manifest
    assert (content.model, content.reference) == (chain.whole.model, chain.whole.reference)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=100))
def test_junk_in_the_place_of_a_file_is_refused(chain, name, body):
    with pytest.raises(REFUSALS):
        chain.verify(replace(chain.whole, **{name: body}))


@pytest.mark.parametrize("name", NAMES)
def test_no_file_of_another_approved_version_takes_its_place(chain, name):
    files = {"model.onnx": onnx_graphs.logistic((1.0, 1.0)), "reference.bin": b"other"}
    other = chain.signed(Version(version_name(2), files=files).manifest())
    theirs = {"model": files["model.onnx"], "reference": files["reference.bin"]}
    body = theirs.get(name) or getattr(other, name)

    with pytest.raises(REFUSALS):
        chain.verify(replace(chain.whole, **{name: body}))


HOSTILE = [
    "../model.onnx", "/etc/passwd", "a/b", "..", ".hidden", "", "a\0b", "a\nb", "x" * 101,
    "C:\\model.onnx", "модель.onnx", "-rf",
]  # fmt: skip


@pytest.mark.parametrize("file_name", HOSTILE)
def test_a_hostile_file_name_is_refused_though_all_is_signed(chain, file_name):
    manifest = Version(version_name(1), files={"model.onnx": MODEL, file_name: b"x"}).manifest()
    body = manifest.to_json()
    pointer = chain.pointer(body, manifest.version)

    with pytest.raises(ManifestError, match="file"):
        chain.verify(replace(chain.whole, pointer=pointer, manifest=body))


@pytest.mark.parametrize("version", ["../../x", "20261121T000001Z-00000001/../x", ""])
def test_a_hostile_version_is_refused_though_it_is_signed(chain, version):
    with pytest.raises(NightCatchError):
        chain.verify(replace(chain.whole, pointer=chain.pointer(chain.whole.manifest, version)))


def test_reference_data_that_the_manifest_does_not_list_are_refused(chain):
    alone = Version(version_name(3), files={"model.onnx": MODEL}).manifest()
    body = alone.to_json()
    content = VersionBytes(
        pointer=chain.pointer(body, alone.version),
        manifest=body,
        signature=sign_folder({"manifest.json": body, "model.onnx": MODEL}, chain.trainer.path),
        model=MODEL,
    )

    assert chain.verify(content)[1] == alone
    with pytest.raises(ManifestError, match=r"no reference\.bin"):
        chain.verify(replace(content, reference=REFERENCE))
