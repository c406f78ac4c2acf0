"""The version in production, and the list, for commands that score without a server."""

from datetime import UTC, datetime

from include.cli.installation import Installation
from include.cli.screen import complain
from include.errors import ModelUnavailableError
from include.inference.listed import ListLookup
from include.inference.model import OnnxModel, load_model
from include.registry.follow import Follower, LastGood, ListFollower, ProductionModel
from include.stores.objects import ObjectStore


def last_good(installation: Installation, pipeline: str) -> LastGood:
    """Return where the last verified version is kept on this machine."""
    max_bytes = installation.trusted_keys.max_model_bytes
    return LastGood(installation.versions_dir / pipeline, max_bytes)


def production_model(
    installation: Installation, store: ObjectStore, pipeline: str
) -> ProductionModel[OnnxModel]:
    """Return the version in production, or the last one verified here if S3 is down.

    Raises
    ------
    ModelUnavailableError
        If there is neither.
    """
    follower = Follower(
        store,
        pipeline,
        installation.trusted_keys,
        last_good(installation, pipeline),
        load_model,
        now=lambda: datetime.now(UTC),
    )
    follower.restore()
    outcome = follower.poll_once()
    in_production = follower.in_production
    if in_production is None:
        raise ModelUnavailableError(
            f"no version of {pipeline} is in production ({outcome.reason}):"
            f" ./nightcatch demo --pipeline {pipeline} trains one"
        )
    if outcome.failure:
        version = in_production.pointer.version
        complain(f"{outcome.reason}; version {version} is used, verified earlier")
    return in_production


def list_in_effect(
    installation: Installation, store: ObjectStore, pipeline: str
) -> ListLookup | None:
    """Return the list of allowed and blocked sites; None if there is none."""
    path = installation.versions_dir / pipeline / "list.json"
    sites = ListFollower(store, pipeline, installation.trusted_keys.approvers, path, ListLookup)
    sites.restore()
    sites.poll_once()
    return sites.current
