"""A bucket with signed and approved versions, for measurements of those who follow it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from include.contract.manifest import Manifest, describe_file
from include.contract.schema import InputField
from include.contract.signature import load_private_key, load_public_key
from include.contract.verdicts import Budgets, Thresholds
from include.features.feature_sets import URLS
from include.registry.approve import approve
from include.registry.publish import publish_version
from include.registry.request import Request
from include.stack.keys import Secrets, ensure_secrets
from include.stack.seaweed import SeaweedServer
from include.stores.objects import ObjectStore


class Published:
    """A real S3 server, and the keys that its versions are signed with.

    Parameters
    ----------
    folder : Path
        Of the server and of the keys.
    """

    def __init__(self, folder: Path) -> None:
        self.secrets = ensure_secrets(folder / "keys")
        self._stranger = ensure_secrets(folder / "stranger")
        self.server = SeaweedServer(
            folder / "s3", self.secrets.s3_access_key, self.secrets.s3_secret_key
        )
        self.n_versions = 0

    @property
    def newest(self) -> bytes:
        """What only the last version's name ends with."""
        return f"-{self.n_versions:08x}".encode()

    def scorer_environment(self) -> dict[str, str]:
        """Return what a scorer must be told to follow this bucket."""
        return {
            "NIGHTCATCH_S3_ENDPOINT": self.server.endpoint_url,
            "NIGHTCATCH_S3_BUCKET": self.server.bucket,
            "AWS_ACCESS_KEY_ID": self.server.access_key,
            "AWS_SECRET_ACCESS_KEY": self.server.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "NIGHTCATCH_TRAINER_PUBLIC_KEY": str(self.secrets.trainer_public_key),
            "NIGHTCATCH_APPROVER_PUBLIC_KEY": str(self.secrets.approver_public_key),
        }

    def promote(self, body: bytes, inputs: tuple[InputField, ...], *, is_bad: bool = False) -> str:
        """Return a version of `sites` that is approved now; nobody trusts the key of a bad one."""
        signer = self._stranger if is_bad else self.secrets
        return self._promote(_manifest("sites", self._next(), inputs), {"model.onnx": body}, signer)

    def promote_urls(
        self, body: bytes, reference: bytes, inputs: tuple[InputField, ...], thresholds: Thresholds
    ) -> str:
        """Return a version of `urls` that is approved now."""
        manifest = _manifest("urls", self._next(), inputs)
        manifest = replace(manifest, thresholds=thresholds, features=URLS.name)
        return self._promote(
            manifest, {"model.onnx": body, "reference.bin": reference}, self.secrets
        )

    def _next(self) -> str:
        self.n_versions += 1
        number = self.n_versions
        version = f"20261121T{number // 3600:02d}{number // 60 % 60:02d}{number % 60:02d}Z"
        return f"{version}-{number:08x}"

    def _promote(self, manifest: Manifest, files: Mapping[str, bytes], signer: Secrets) -> str:
        described = {name: describe_file(body) for name, body in files.items()}
        manifest = replace(manifest, files=described)
        store = ObjectStore(self.server.client(), self.server.bucket)
        trusted = (load_public_key(signer.trainer_public_key.read_bytes()),)
        publish_version(store, manifest, files, signing_key=signer.trainer_key, trusted=trusted)
        asked = Request(
            pipeline=manifest.pipeline,
            version=manifest.version,
            approved_by="bench",
            approved_at=datetime.now(UTC).isoformat(timespec="seconds"),
            reason="a measurement",
            run_id=f"run-{self.n_versions}",
            expected_serial=None,
        )
        key = load_private_key(self.secrets.approver_key.read_bytes())
        approve(
            store, asked, key, (load_public_key(self.secrets.approver_public_key.read_bytes()),)
        )
        return manifest.version


def _manifest(pipeline: str, version: str, inputs: tuple[InputField, ...]) -> Manifest:
    return Manifest(
        pipeline=pipeline,
        version=version,
        created_at="2026-11-21T00:00:00+00:00",
        files={},
        inputs=inputs,
        target="phishing",
        labels={"0": "Legitimate", "1": "Phishing"},
        thresholds=Thresholds(0.5, 0.5),
        budgets=Budgets(0.01),
        metrics={"test": {}, "random_split": {}},
        snapshot={"digest": "0" * 32, "rows": {}},
        code_commit="",
        libraries={},
        seed=0,
        model={"family": "RandomForest", "params": {}},
    )
