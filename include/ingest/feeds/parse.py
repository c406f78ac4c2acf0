"""Read a fetched feed as records: by the reader of files, or by JMESPath out of JSON."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jmespath

from include.errors import DataRejectedError
from include.ingest.feeds.settings import IN_THE_FILE, FeedSettings
from include.ingest.files.allowed import allowed
from include.ingest.files.layout import Layout, Value
from include.ingest.files.reader import Row, TableForm, read_mappings, read_records
from include.ingest.files.text_lines import BadLine


def parse_feed(path: Path, feed: FeedSettings, layout: Layout) -> Iterator[Row | BadLine]:
    """Yield the records of a feed and the entries that hold none.

    Parameters
    ----------
    path : Path
        Unpacked.
    feed : FeedSettings
    layout : Layout
        Of the pipeline.

    Raises
    ------
    DataRejectedError
        If the file is not of the feed's format: HTML, an empty file, other columns.
    """
    given: dict[str, Value] = {}
    if feed.label != IN_THE_FILE:
        given[layout.target.source] = layout.labels[feed.label]
    if layout.origin:
        given[layout.origin] = feed.name
    if feed.format == "json":
        cells = _cells(_items(path, feed), feed, layout)
        rows = read_mappings(cells, layout, given)
    else:
        rows = _table(path, feed, layout, given)
    return (allowed(row, layout) for row in rows)


def _table(
    path: Path, feed: FeedSettings, layout: Layout, given: Mapping[str, Value]
) -> Iterator[Row | BadLine]:
    form = TableForm(feed.columns, _condition(feed.where))
    return read_records(path, _with_columns(layout, feed.fields), given, form=form)


def _with_columns(layout: Layout, fields: Mapping[str, str]) -> Layout:
    """Return the layout whose columns are called as the feed calls them."""
    if not fields:
        return layout
    return replace(
        layout,
        fields=tuple(
            replace(column, aliases=(fields[column.name],)) if column.name in fields else column
            for column in layout.fields
        ),
        details=tuple(
            replace(column, aliases=(fields[column.name],) if column.name in fields else ())
            for column in layout.details
        ),
    )


def _condition(where: str) -> Callable[[Mapping[str, Any]], bool] | None:
    if not where:
        return None
    compiled = jmespath.compile(where)
    return lambda record: bool(compiled.search(record))


def _items(path: Path, feed: FeedSettings) -> list[Any]:
    """Return the list of records of a JSON file, which is as large as the feed's limits allow.

    Raises
    ------
    DataRejectedError
    """
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as err:
        raise DataRejectedError(f"{feed.name}: this is not JSON: {err}") from err
    items = jmespath.compile(feed.items).search(document)
    if not isinstance(items, list) or not items:
        raise DataRejectedError(f"{feed.name}: the JSON has no list at {feed.items!r}")
    return items


def _cells(items: list[Any], feed: FeedSettings, layout: Layout) -> Iterator[dict[str, str]]:
    """Yield our columns of each item as texts, as the cells of a table would be."""
    meets = _condition(feed.where)
    paths = {column: jmespath.compile(path) for column, path in feed.fields.items()}
    for item in items:
        if meets is not None and not meets(item):
            continue
        if not paths:
            yield {layout.fields[0].name: str(item)}
            continue
        found = {column: path.search(item) for column, path in paths.items()}
        yield {column: str(value) for column, value in found.items() if value is not None}
