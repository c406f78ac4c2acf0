"""Which version a run is compared with, in a real bucket."""

from dataclasses import dataclass

from include import pipelines
from include.contract.schema import InputField
from include.registry.follow.verify import TrustedKeys
from include.run import champion
from include.run.first_attempt import TrainerKeys
from include.run.run_context import RunContext
from include.stores.objects import ObjectStore
from tests.support.signed_versions import Signer, Version, promote, version_name


@dataclass(frozen=True)
class OldVersion(Version):
    """A version of `urls` whose feature set this release no longer has."""

    pipeline: str = "urls"
    inputs: tuple[InputField, ...] = (InputField("url", "string", None, "the URL"),)

    def manifest(self, **changes):
        return super().manifest(features="urls-1", **changes)


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
