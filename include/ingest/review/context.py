"""What is known beside a held record: the same one elsewhere, and others of its domain."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from bson.codec_options import CodecOptions
from pymongo.database import Database
from pymongo.errors import ExecutionTimeout

from include.ingest.labels.inserts import Document, translated
from include.ingest.review.decisions import Reviewed, with_other_label

MAX_SIMILAR = 8
_LONGEST_MS = 700
_AWARE: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)


@dataclass(frozen=True)
class Known:
    """A stored record.

    Attributes
    ----------
    label : str
        ``phishing`` or ``legitimate``.
    document : dict
    """

    label: str
    document: Mapping[str, Any]


class Context:
    """Looks up what is stored of a pipeline.

    Parameters
    ----------
    database : pymongo Database
    pipeline : Reviewed
    """

    def __init__(self, database: Database[Document], pipeline: Reviewed) -> None:
        self._layout = pipeline.layout
        self._records = database.get_collection(pipeline.name, codec_options=_AWARE)

    def stored(self, document: Document) -> list[Known]:
        """Return the stored records that say the same, or the opposite, of what this one is about.

        Raises
        ------
        StoreUnavailableError
        """
        other = with_other_label(document, self._layout)
        with translated(self._records):
            found = self._records.find({"_id": {"$in": [document["_id"], other["_id"]]}})
            return [self._known(each) for each in found]

    def of_domain(self, field: str, domain: str, url: str) -> list[Known] | None:
        """Return other stored records of a registrable domain; None where that takes too long.

        Parameters
        ----------
        field : str
            Holds the URL.
        domain : str
        url : str
            That of the record itself.

        Raises
        ------
        StoreUnavailableError
        """
        pattern = rf"^https?://([^/?#]*[.@])?{re.escape(domain)}([:/?#]|$)"
        query = {field: {"$regex": pattern, "$options": "i", "$ne": url}}
        with translated(self._records):
            try:
                found = self._records.find(query, max_time_ms=_LONGEST_MS).limit(MAX_SIMILAR)
                return [self._known(each) for each in found]
            except ExecutionTimeout:
                return None

    def _known(self, document: Document) -> Known:
        is_phishing = document.get(self._layout.target.source) == self._layout.target.positive
        return Known("phishing" if is_phishing else "legitimate", document)
