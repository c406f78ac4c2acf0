"""The report of the version in production: fetched beside the model, for people to read."""

import logging
from typing import Any

from include.contract import keys
from include.contract.manifest import check_file
from include.errors import NightCatchError, StoreUnavailableError
from include.registry.follow.follower import ProductionModel
from include.stores.objects import ObjectStore

MAX_REPORT_BYTES = 4 * 1024 * 1024
_log = logging.getLogger(__name__)


class Report:
    """The bytes of one pipeline's ``report.html``, as in the signed manifest.

    The polling thread calls `catch_up`, after the model is in production; any thread calls `of`. A
    request never fetches one, and a model scores whether its report is available or not.

    Parameters
    ----------
    store : ObjectStore
    pipeline : str
    """

    def __init__(self, store: ObjectStore, pipeline: str) -> None:
        self._store = store
        self._pipeline = pipeline
        self._held: tuple[str, bytes | None] = ("", None)

    def of(self, version: str) -> bytes | None:
        """Return the report of that version; None when it is not, or not yet, at hand."""
        held, body = self._held
        return body if held == version else None

    def catch_up(self, in_production: ProductionModel[Any] | None) -> None:
        """Return when the report of the version in production is at hand, or cannot be had now.

        An unavailable S3 is retried at the next call; a report that differs from the manifest is
        rejected, logged, and not requested again.
        """
        if in_production is None or self._held[0] == in_production.manifest.version:
            return
        version = in_production.manifest.version
        entry = in_production.manifest.files.get(keys.REPORT)
        if entry is None or entry.size_bytes > MAX_REPORT_BYTES:
            self._held = (version, None)
            return
        try:
            body = self._store.get(
                keys.version_file(self._pipeline, version, keys.REPORT), entry.size_bytes
            )
            check_file(keys.REPORT, body, entry)
        except StoreUnavailableError:
            return
        except NightCatchError as err:
            _log.warning("%s: the report of %s is not shown: %s", self._pipeline, version, err)
            self._held = (version, None)
            return
        self._held = (version, body)
