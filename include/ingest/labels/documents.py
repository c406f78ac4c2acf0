"""Records as MongoDB documents: an `_id` made of what they are, and where they came from."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from include.ingest.files.layout import Identity, Record
from include.ingest.labels.inserts import Document

_DIGEST_CHARS = 24


@dataclass(frozen=True)
class Source:
    """Where records come from.

    Attributes
    ----------
    name : str
        A file's name, or what made the records up; kept in each document as `loaded_from`.
    simulated : bool
        True for made-up records; kept as `simulated` in their documents, and in no others.
    """

    name: str
    simulated: bool = False


def documents(
    records: Iterable[Record], source: Source, identity: Identity | None
) -> Iterator[Document]:
    """Yield each record as it is stored; a column of its own wins over what is noted beside it.

    Parameters
    ----------
    records : iterable of Record
    source : Source
    identity : Identity or None
        What the `_id` is the hash of; without one, the whole content and its number among
        identical records.
    """
    noted = {"loaded_from": source.name} | ({"simulated": True} if source.simulated else {})
    seen: Counter[str] = Counter()
    for record in records:
        if identity is None:
            digest = _digest(
                json.dumps(record, sort_keys=True, separators=(",", ":"), default=_text)
            )
            seen[digest] += 1
            name = f"{digest}-{seen[digest]}"
        else:
            name = _digest(identity.key(record))
        yield {"_id": name} | noted | record


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_DIGEST_CHARS]


def _text(moment: datetime) -> str:
    return moment.isoformat()
