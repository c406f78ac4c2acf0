"""Which version a run is compared with, in a real bucket."""

import json
from dataclasses import dataclass

from include import pipelines
from include.contract.manifest import Manifest
from include.contract.schema import InputField
from include.registry.approve import approve
from include.registry.follow.verify import TrustedKeys
from include.registry.publish import publish_version
from include.run import champion
from include.run.first_attempt import TrainerKeys
from include.run.run_context import RunContext
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer, Version, promote, request, version_name


@dataclass(frozen=True)
class OldVersion(Version):
    """A version of `urls` whose feature set this release no longer has."""

    pipeline: str = "urls"
    inputs: tuple[InputField, ...] = (InputField("url", "string", None, "the URL"),)

    def manifest(self, **changes):
        return super().manifest(features="urls-1", **changes)


@dataclass(frozen=True)
class OldManifest(Manifest):
    """A manifest as the releases before wrote it: one threshold."""

    def to_json(self):
        document = json.loads(super().to_json())
        del document["thresholds"], document["budgets"]
        old = {**document, "schema_version": 1, "threshold": 0.5, "fpr_budget": 0.01}
        return json.dumps(old).encode()


def test_production_version_of_an_old_manifest_is_no_champion(s3, bucket, tmp_path, caplog):
    store = ObjectStore(s3.client(), bucket)
    trainer, approver = (Signer.new(tmp_path, name) for name in ("trainer", "approver"))
    trusted_keys = TrustedKeys(approver.trusted, trainer.trusted, 50_000_000)
    version = Version(version_name(1))
    manifest = OldManifest(**vars(version.manifest()))
    publish_version(
        store, manifest, version.files, signing_key=trainer.path, trusted=trainer.trusted
    )
    approve(store, request(version.name), approver.key, approver.trusted)
    run = RunContext(store, pipelines.get("sites"), "run-2")
    champion.pin_champion(run, trusted_keys, TrainerKeys(trainer.key, trainer.trusted))

    assert champion.read_champion(run, trusted_keys) is None
    assert "schema version 1" in caplog.text
    assert "train a new version" in caplog.text


def test_production_version_of_an_old_feature_set_is_no_champion(s3, bucket, tmp_path, caplog):
    store = ObjectStore(s3.client(), bucket)
    trainer, approver = (Signer.new(tmp_path, name) for name in ("trainer", "approver"))
    trusted_keys = TrustedKeys(approver.trusted, trainer.trusted, 50_000_000)
    promote(store, OldVersion(version_name(1)), trainer, approver)
    run = RunContext(store, pipelines.get("urls"), "run-2")
    pin = champion.pin_champion(run, trusted_keys, TrainerKeys(trainer.key, trainer.trusted))

    assert champion.read_champion(run, trusted_keys) is None
    assert pin.serial == 1  # the approval still replaces it by compare-and-swap
    assert "urls-1" in caplog.text
