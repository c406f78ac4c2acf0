"""Where a status is read from, and how what cannot be read is named."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo.database import Database
from pymongo.errors import PyMongoError

from include.errors import NightCatchError, SettingMissingError
from include.registry.follow.verify import TrustedKeys
from include.status.figures import Part, Schedule, ServerStatus, ValueT
from include.stores.objects import ObjectStore


@dataclass(frozen=True)
class Sources:
    """What a status is read from; everything is opened when it is needed.

    Attributes
    ----------
    pipelines : sequence of str
    servers : callable
        Returns the status of each server.
    store, trusted_keys, database : callable
    schedule : callable
        Returns what Airflow has of a pipeline's training DAG.
    paused : callable
        Returns the ids of our DAGs that are paused.
    scorer_urls : sequence of str
    max_model_age_days : float
        From when on a model is old.
    disk_dir : Path
    """

    pipelines: Sequence[str]
    servers: Callable[[], Sequence[ServerStatus]]
    store: Callable[[], ObjectStore]
    trusted_keys: Callable[[], TrustedKeys]
    database: Callable[[], AbstractContextManager[Database[dict[str, Any]]]]
    schedule: Callable[[str], Schedule]
    paused: Callable[[], Sequence[str]]
    scorer_urls: Sequence[str]
    max_model_age_days: float
    disk_dir: Path


def part_of(read: Callable[[], ValueT]) -> Part[ValueT]:
    """Return what is read, or why it cannot be."""
    try:
        return Part(read())
    except (NightCatchError, PyMongoError, OSError) as err:
        # The address of the server is said once, where its health is.
        return Part(problem=first_line(err).partition(": Could not connect")[0])


def probed(name: str, probe: Callable[[], str]) -> ServerStatus:
    """Return the status of a server whose probe returns its address, or raises."""
    try:
        return ServerStatus(name, "healthy", probe())
    except SettingMissingError as err:
        return ServerStatus(name, "not configured", str(err))
    except (NightCatchError, PyMongoError, OSError) as err:
        return ServerStatus(name, "BROKEN", first_line(err))


def first_line(err: BaseException) -> str:
    """Return what an error says, in one line; pymongo adds the state of every server."""
    return str(err).partition("\n")[0].partition(", Timeout: ")[0] or type(err).__name__
