"""What is kept of two versions beside each other: replayed traffic, and labelled disagreements."""

import logging
from collections.abc import Mapping
from typing import Any

from include.contract import keys
from include.contract.first_documents import first_name, parse_first
from include.contract.manifest import Manifest
from include.contract.run_documents import Disagreements, Drawn, Replay, parse
from include.contract.signature import PublicKeys
from include.errors import ObjectMissingError, RunDocumentError, SignatureError
from include.stores.objects import ObjectStore

_log = logging.getLogger(__name__)


def read_disagreements(
    store: ObjectStore, pipeline: str, version: str, before: str
) -> Disagreements:
    """Return what was drawn of two versions, with its labels; nothing where nothing is kept.

    Raises
    ------
    StoreUnavailableError
    """
    try:
        body = store.get(keys.disagreements(pipeline, version, before))
        found = parse(Disagreements, body)
    except ObjectMissingError:
        return Disagreements(version, before)
    except RunDocumentError as err:
        _log.warning("%s: %s against %s: %s", pipeline, version, before, err)
        return Disagreements(version, before)
    is_of_pair = (found.version, found.before) == (version, before)
    return found if is_of_pair else Disagreements(version, before)


def read_replay(
    store: ObjectStore, manifest: Manifest, before: str, trainers: PublicKeys
) -> Mapping[str, Any] | None:
    """Return the figures of replayed traffic, as a version's trainer signed them.

    Parameters
    ----------
    store : ObjectStore
    manifest : Manifest
        Of the version; it is verified.
    before : str
        The version that it is compared with.
    trainers : sequence of EllipticCurvePublicKey

    Returns
    -------
    mapping or None
        Of `include.evaluation.replay.replay_figures`; None where nothing was replayed, or beside
        another version.

    Raises
    ------
    StoreUnavailableError
    """
    run_id = str(manifest.model.get("run_id", ""))
    if not run_id:
        return None
    key = keys.run_file(manifest.pipeline, run_id, first_name(Replay.NAME))
    place = {"pipeline": manifest.pipeline, "run_id": run_id, "name": Replay.NAME}
    try:
        found = parse_first(Replay, store.get(key), trainers, **place)
    except ObjectMissingError:
        return None
    except (SignatureError, RunDocumentError) as err:
        _log.warning("%s is not used: %s", key, err)
        return None
    return found.figures if found.champion == before else None


def drawn_of(replay: Mapping[str, Any] | None) -> tuple[Drawn, ...]:
    """Return the disagreements that a replay has drawn to be labelled."""
    return tuple(Drawn(**each) for each in (replay or {}).get("drawn", ()))
