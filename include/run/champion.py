"""The production version that a run is compared with: verified as in a scorer, never unpickled."""

import logging
from dataclasses import dataclass

from include.contract.manifest import Manifest
from include.contract.pointer import Pointer, parse_pointer
from include.contract.run_documents import ChampionPin
from include.errors import ManifestSchemaError, PointerError
from include.features.feature_sets import is_known
from include.inference.model import OnnxModel, load_model
from include.registry.follow.read_version import read_version
from include.registry.follow.verify import TrustedKeys
from include.registry.production import newest_approval
from include.run.first_attempt import TrainerKeys, keep_first
from include.run.run_context import RunContext, recorded_step
from include.stores.objects import ObjectStore

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Champion:
    """A version that a scorer would serve.

    Attributes
    ----------
    pointer : Pointer
    manifest : Manifest
    model : OnnxModel
    """

    pointer: Pointer
    manifest: Manifest
    model: OnnxModel


@recorded_step("pin_champion")
def pin_champion(run: RunContext, trusted_keys: TrustedKeys, trainer: TrainerKeys) -> ChampionPin:
    """Return the approval in production when this run began, as the approver signed it.

    A second attempt of the run, even after the run's own approval, compares with the same one.

    Raises
    ------
    SignatureError, PointerError
        If the approval in production cannot be verified, or is older than the history.
    """
    return keep_first(
        run, ChampionPin, ChampionPin.NAME, lambda: _in_production(run, trusted_keys), trainer
    )


def _in_production(run: RunContext, trusted_keys: TrustedKeys) -> ChampionPin:
    name = run.pipeline.name
    body = newest_approval(run.store, name, trusted_keys.approvers)
    if body is None:
        return ChampionPin(serial=0)
    pointer = parse_pointer(body, trusted_keys.approvers, pipeline=name)
    return ChampionPin(serial=pointer.serial, pointer=body.decode())


def pinned_pointer(run: RunContext, trusted_keys: TrustedKeys) -> Pointer | None:
    """Return the approval that the run is compared with, verified again; None if there was none.

    Raises
    ------
    SignatureError, PointerError
        If it cannot be verified.
    RunDocumentError
        If it is not the one that this run pinned.
    """
    pin = run.read(ChampionPin)
    if pin.serial == 0:
        return None
    pointer = parse_pointer(
        pin.pointer.encode(), trusted_keys.approvers, pipeline=run.pipeline.name
    )
    if pointer.serial != pin.serial:
        raise PointerError(f"{run.pipeline.name}: the pinned approval has another serial")
    return pointer


def read_champion(run: RunContext, trusted_keys: TrustedKeys) -> Champion | None:
    """Return the version this run is compared with, or None if there is none to compare with.

    There is none if nothing had been approved, or if the approved version was made by a release
    whose manifests or feature sets this one does not read: only the absolute limits of the gate
    apply.

    Raises
    ------
    ManifestError, VersionRefusedError
        If the version cannot be verified; other errors as in `pinned_pointer`.
    """
    pointer = pinned_pointer(run, trusted_keys)
    if pointer is None:
        return None
    try:
        content, manifest = read_version(run.store, pointer, trusted_keys)
    except ManifestSchemaError as err:
        _log.warning(
            "%s %s was made by another release (%s): the candidate is not compared with it",
            *(pointer.pipeline, pointer.version, err),
        )
        return None
    if manifest.features and not is_known(manifest.features):
        _log.warning(
            "%s %s was trained on the feature set %s, which this release does not compute: "
            "the candidate is not compared with it",
            *(pointer.pipeline, pointer.version, manifest.features),
        )
        return None
    return Champion(pointer, manifest, load_model(content.model, manifest, content.reference))


def provisional_pointer(pipeline: str, version: str, manifest_sha256: str) -> Pointer:
    """Return a pointer to the version that is neither signed nor written."""
    return Pointer(
        pipeline=pipeline,
        version=version,
        serial=1,
        manifest_sha256=manifest_sha256,
        approved_by="",
        approved_at="",
        reason="not approved",
        run_id="",
    )


def load_version(store: ObjectStore, pointer: Pointer, trusted_keys: TrustedKeys) -> Champion:
    """Return the version that `pointer` names, verified and warmed up as in the scorer.

    Errors are those of `read_champion`.
    """
    content, manifest = read_version(store, pointer, trusted_keys)
    return Champion(pointer, manifest, load_model(content.model, manifest, content.reference))
