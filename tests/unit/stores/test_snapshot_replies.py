"""A cursor's replies are read wherever in them the server puts the documents."""

from typing import Any

import bson
import pytest
from bson import Int64
from bson.raw_bson import RawBSONDocument

from include.stores.bson_elements import array_starts
from include.stores.documents import reply_batch

DOCUMENTS = [{"_id": str(number)} for number in range(120)]
CURSOR = Int64(2**62 + 1)


@pytest.mark.parametrize(
    "cursor",
    [
        {"firstBatch": DOCUMENTS, "id": CURSOR, "ns": "phishing.sites"},
        {"id": CURSOR, "ns": "phishing.sites", "firstBatch": DOCUMENTS},
        {"id": CURSOR, "ns": "phishing.sites", "nextBatch": DOCUMENTS},
        {"partialResultsReturned": True, "nextBatch": DOCUMENTS, "id": CURSOR},
    ],
    ids=["documents first", "documents last", "next documents last", "between"],
)
def test_documents_and_cursor_are_found(cursor: dict[str, Any]) -> None:
    reply = RawBSONDocument(bson.encode({"ok": 1.0, "cursor": cursor}))

    batch, cursor_id = reply_batch(reply)

    starts = array_starts(batch)
    length = int.from_bytes(batch[:4], "little")
    found = [bson.decode(bytes(batch[start:])[: batch[start]]) for start in starts]
    assert found == DOCUMENTS
    assert cursor_id == CURSOR
    assert len(batch) >= length + 8


def test_last_reply_names_no_cursor() -> None:
    cursor = {"firstBatch": [], "id": Int64(0), "ns": "phishing.sites"}
    batch, cursor_id = reply_batch(RawBSONDocument(bson.encode({"cursor": cursor})))

    assert array_starts(batch) == []
    assert cursor_id == 0
