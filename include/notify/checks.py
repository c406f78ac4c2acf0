"""Check the age of production versions, and what scorers serve."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from include.contract.pointer import Pointer
from include.notify.kinds import ModelOld, ScorerStale
from include.notify.scorers import Served, served_by
from include.registry.approve import production_pointer
from include.registry.follow.verify import TrustedKeys
from include.registry.versions import read_signed_manifest
from include.stores.objects import ObjectStore


def production_pointers(
    store: ObjectStore, pipelines: Iterable[str], trusted_keys: TrustedKeys
) -> dict[str, Pointer]:
    """Return the pointer of each pipeline that has one.

    Raises
    ------
    SignatureError, PointerError
        If a pointer cannot be verified.
    """
    found = {name: production_pointer(store, name, trusted_keys.approvers) for name in pipelines}
    return {name: pointer for name, pointer in found.items() if pointer is not None}


def old_models(
    store: ObjectStore,
    pointers: Mapping[str, Pointer],
    trusted_keys: TrustedKeys,
    limit_days: float,
    now: datetime,
    links: Mapping[str, str],
) -> Iterator[ModelOld]:
    """Yield each version in production that was trained more than `limit_days` ago.

    Parameters
    ----------
    store : ObjectStore
    pointers : mapping of str to Pointer
        Production pointers by pipeline.
    trusted_keys : TrustedKeys
    limit_days : float
    now : datetime
        Aware.
    links : mapping of str to str
        Links to details, by pipeline.
    """
    for name, pointer in pointers.items():
        manifest, _ = read_signed_manifest(store, name, pointer.version, trusted_keys)
        age = now - datetime.fromisoformat(manifest.created_at)
        age_days = age / timedelta(days=1)
        if age_days > limit_days:
            yield ModelOld(name, pointer.version, age_days, limit_days, links[name])


def check_scorers(
    urls: Iterable[str],
    pointers: Mapping[str, Pointer],
    *,
    grace_s: float,
    known: Iterable[str],
    now: datetime,
) -> tuple[list[ScorerStale], set[str]]:
    """Return stale scorers, and the names of known alerts that could not be checked.

    Parameters
    ----------
    urls : iterable of str
        Addresses of scorers.
    pointers, grace_s, known, now
        As in `stale_scorer`.
    """
    stale: list[ScorerStale] = []
    unseen: set[str] = set()
    for url in urls:
        served = served_by(url)
        stale += stale_scorer(url, served, pointers, grace_s=grace_s, known=known, now=now)
        if served.problem:
            begins = f"{ScorerStale.kind}.{urlsplit(url).netloc} "
            unseen.update(name for name in known if name.startswith(begins))
    return stale, unseen


def stale_scorer(
    url: str,
    served: Served,
    pointers: Mapping[str, Pointer],
    *,
    grace_s: float,
    known: Iterable[str],
    now: datetime,
) -> Iterator[ScorerStale]:
    """Yield what a scorer serves wrongly; a pipeline it does not follow is not a fault.

    Parameters
    ----------
    url : str
        Address of the scorer.
    served : Served
    pointers : mapping of str to Pointer
        Production pointers by pipeline.
    grace_s : float
        A younger pointer raises no alert,
    known : iterable of str
        except for known alerts, so that a new approval does not end one.
    now : datetime
        Aware.
    """
    address, link = urlsplit(url).netloc, f"{url}/version"
    if served.problem:
        yield ScorerStale(address, f"The scorer at {address} {served.problem}", link)
        return
    for name, pointer in pointers.items():
        about = f"{address} {name}"
        age = now - datetime.fromisoformat(pointer.approved_at)
        young = age.total_seconds() < grace_s
        if young and f"{ScorerStale.kind}.{about}" not in known:
            continue
        serial = served.serials.get(name)
        if name in served.waiting or (serial is not None and serial < pointer.serial):
            serves = "no version" if name in served.waiting else f"serial {serial}"
            minutes = age / timedelta(minutes=1)
            finding = (
                f"The scorer at {address} serves {serves} of {name}, and serial {pointer.serial} "
                f"({pointer.version}) has been in production for {minutes:.0f} minutes"
            )
            yield ScorerStale(about, finding, link)
