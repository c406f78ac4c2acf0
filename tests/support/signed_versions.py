"""Signed model versions for tests: real keys, real signatures, small content."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys
from include.contract.gate_verdicts import sign_verdicts
from include.contract.manifest import Manifest, describe_file
from include.contract.schema import InputField
from include.contract.verdicts import Budgets, Thresholds
from include.features.feature_sets import URLS
from include.registry.approve import approve
from include.registry.publish import publish_version
from include.registry.request import Request
from include.urls.reference.build import built_in_bytes
from tests.support.onnx_graphs import text_classifier


@dataclass(frozen=True)
class Signer:
    """A key pair and the file of its private half."""

    path: Path
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls, folder, name):
        key = ec.generate_private_key(ec.SECP256R1())
        path = folder / f"{name}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        path.chmod(0o600)
        return cls(path, key)

    @property
    def trusted(self):
        return (self.key.public_key(),)

    def write_public_pem(self, path):
        path.write_bytes(
            self.key.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )
        return path


DEFAULT_INPUTS = (InputField("a", "int8", (-1, 0, 1), "first"), InputField("b", "int8", (-1, 0, 1)))


@dataclass(frozen=True)
class Version:
    """What a test publishes."""

    name: str
    files: dict[str, bytes] = field(default_factory=lambda: {"model.onnx": b"graph"})
    pipeline: str = "sites"
    inputs: tuple[InputField, ...] = DEFAULT_INPUTS
    threshold: float = 0.5
    review: float | None = None

    def manifest(self, **changes):
        manifest = Manifest(
            pipeline=self.pipeline,
            version=self.name,
            created_at="2026-11-21T02:05:13+00:00",
            files={name: describe_file(body) for name, body in self.files.items()},
            inputs=self.inputs,
            target="phishing",
            labels={"0": "Legitimate", "1": "Phishing"},
            thresholds=Thresholds(
                self.threshold, min(self.threshold, 0.5) if self.review is None else self.review
            ),
            budgets=Budgets(0.01),
            metrics={"test": {}, "random_split": {}},
            snapshot={"digest": "0" * 32, "rows": {}},
            code_commit="",
            libraries={},
            seed=0,
            model={"family": "LogisticRegression", "params": {}},
        )
        return replace(manifest, **changes)


@dataclass(frozen=True)
class TextVersion(Version):
    """What a test publishes for a pipeline of URLs."""

    def manifest(self, **changes):
        return super().manifest(features=URLS.name, **changes)


def url_version(number, phishing):
    """A version of `urls` that gives .9 to the listed domains, and .1 to others."""
    files = {"model.onnx": text_classifier(phishing), "reference.bin": built_in_bytes()}
    inputs = (InputField("url", "string", None, "the URL"),)
    return TextVersion(version_name(number), files, "urls", inputs)


def version_name(number):
    return f"20261121T{number // 3600:02d}{number // 60 % 60:02d}{number % 60:02d}Z-{number:08x}"


def publish(store, version, trainer):
    return publish_version(
        store, version.manifest(), version.files, signing_key=trainer.path, trusted=trainer.trusted
    )


def apply_gate(store, manifest, verdicts, trainer):
    """Leave the gate verdicts of a published version; bytes are left as they are."""
    document = {"schema_version": 1, "verdicts": verdicts}
    said = verdicts if isinstance(verdicts, bytes) else json.dumps(document).encode()
    sha256 = describe_file(manifest.to_json()).sha256
    vouched = sign_verdicts(said, sha256, trainer.key)
    for name, body in (("gate.json", said), ("gate.sig", vouched)):
        store.put(keys.run_file(manifest.pipeline, manifest.model["run_id"], name), body)


def request(version, *, run_id="run-1", pipeline="sites", expected_serial=None, **fields):
    return Request(
        pipeline=pipeline,
        version=version,
        approved_by="ann",
        approved_at="2026-11-21T02:06:00+00:00",
        reason="a test",
        run_id=run_id,
        expected_serial=expected_serial,
        **fields,
    )


def promote(store, version, trainer, approver, **fields):
    """Publish a version and bring it into production."""
    publish(store, version, trainer)
    asked = request(version.name, pipeline=version.pipeline, **fields)
    return approve(store, asked, approver.key, approver.trusted)
