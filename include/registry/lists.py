"""Change the signed list of a pipeline by one compare-and-swap, as approvals change the pointer.

Order of writes: the history entry of the list that is replaced, the new list, its history entry. A
kill in between leaves at most the newest history entry unwritten; the next change writes it.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from include.contract import keys
from include.contract.lists import (
    MAX_ENTRIES,
    MAX_LIST_BYTES,
    MAX_TEXT_CHARS,
    Action,
    DecisionList,
    ListEntry,
    Scope,
    parse_list,
)
from include.contract.signature import PublicKeys
from include.errors import ListRefusedError, ObjectMissingError, PreconditionError
from include.registry.swap import append, swap, was_put_back
from include.stores.objects import Fetched, ObjectStore
from include.urls.domains import split_domain
from include.urls.names import path_value, url_value
from include.urls.reading import read_url

_log = logging.getLogger(__name__)
_ATTEMPTS = 20


@dataclass(frozen=True)
class ListChange:
    """What somebody wants of a list.

    Attributes
    ----------
    pipeline : str
    changed_by, changed_at, reason : str
        `changed_at` is ISO 8601 in UTC.
    run_id : str
        Idempotency key: the change of the same id is made once.
    add : tuple of ListEntry
        Each replaces an entry of the same action, scope and value.
    remove : tuple of (scope, value)
    restore_serial : int or None
        Return to the entries of this serial, before the rest is done.
    """

    pipeline: str
    changed_by: str
    changed_at: str
    reason: str
    run_id: str
    add: tuple[ListEntry, ...] = ()
    remove: tuple[tuple[Scope, str], ...] = ()
    restore_serial: int | None = None


def list_entry(
    action: Action,
    scope: Scope,
    text: str,
    *,
    reason: str,
    author: str,
    added_at: str,
    expires_at: str | None = None,
) -> ListEntry:
    """Return an entry for what a text names, in the form in which URLs are compared.

    Parameters
    ----------
    action, scope : str
    text : str
        A URL or host as people paste it, defanged or wrapped too.
    reason, author, added_at : str
    expires_at : str, optional
        ISO 8601 with a time zone.

    Raises
    ------
    UrlRefusedError
        If the text is no web address.
    ListRefusedError
        If there is no reason or author, or the entry would decide on everybody's sites at once: a
        public suffix, or a platform below which anybody may publish.
    """
    if not reason.strip() or not author.strip():
        raise ListRefusedError("an entry needs a reason and an author")
    if max(len(reason), len(author)) > MAX_TEXT_CHARS:
        raise ListRefusedError(f"reason and author have at most {MAX_TEXT_CHARS} characters")
    return ListEntry(action, scope, entry_value(scope, text), reason, author, added_at, expires_at)


def change_of_form(
    pipeline: str,
    form: Mapping[str, Any],
    *,
    changed_by: str,
    changed_at: datetime,
    run_id: str,
) -> ListChange:
    """Return the change that a form asks for.

    Parameters
    ----------
    pipeline : str
    form : mapping
        `action` (``allow``, ``block`` or ``remove``), `site`, `scope`, `reason`, and `until`, the
        last day (``YYYY-MM-DD``, UTC) or None.
    changed_by : str
    changed_at : datetime
    run_id : str

    Raises
    ------
    UrlRefusedError, ListRefusedError
        As `list_entry` does, or if `until` is no date.
    """
    scope, site, at = form["scope"], form["site"], changed_at.isoformat(timespec="seconds")
    change = ListChange(pipeline, changed_by, at, form["reason"], run_id)
    if form["action"] == "remove":
        return replace(change, remove=((scope, entry_value(scope, site)),))
    until = form.get("until")
    entry = list_entry(
        form["action"],
        scope,
        site,
        reason=form["reason"],
        author=changed_by,
        added_at=at,
        expires_at=_end_of(until) if until else None,
    )
    return replace(change, add=(entry,))


def _end_of(day: str) -> str:
    try:
        first = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as err:
        raise ListRefusedError(f"{day!r} is not a date such as 2027-06-30") from err
    return (first + timedelta(days=1)).isoformat()


def entry_value(scope: Scope, text: str) -> str:
    """Return what an entry for a text is compared by.

    Raises
    ------
    UrlRefusedError
        If the text is no web address.
    ListRefusedError
        If it names a public suffix or a platform as a whole.
    """
    parsed = read_url(text).parsed
    if scope == "url":
        return url_value(parsed)
    suffix, domain = split_domain(parsed.host)
    path = path_value(parsed)
    if scope == "path" and path != parsed.host:
        return path
    if "." in parsed.host and domain == suffix:
        raise ListRefusedError(
            f"{parsed.host} is shared by many owners: name a host below it, or a path"
        )
    return parsed.host


def current_list(store: ObjectStore, pipeline: str, trusted: PublicKeys) -> DecisionList:
    """Return the verified list of a pipeline; an empty one with serial 0 before the first change.

    Raises
    ------
    SignatureError, ListRefusedError
        If there is a list that must not be used.
    """
    fetched = _fetch(store, pipeline)
    return (
        parse_list(fetched.body, trusted, pipeline=pipeline) if fetched else DecisionList(pipeline)
    )


def list_history(store: ObjectStore, pipeline: str, trusted: PublicKeys) -> Iterator[DecisionList]:
    """Yield every state of a list, verified, oldest first."""
    current = current_list(store, pipeline, trusted)
    for serial in range(1, current.serial):
        body = store.get(keys.list_history(pipeline, serial), MAX_LIST_BYTES)
        yield parse_list(body, trusted, pipeline=pipeline)
    if current.serial:
        yield current


def change_list(
    store: ObjectStore, change: ListChange, key: ec.EllipticCurvePrivateKey, trusted: PublicKeys
) -> DecisionList:
    """Return the list with the change in it, made exactly once whoever else changes it meanwhile.

    Raises
    ------
    ListRefusedError
        If the list would have too many entries, lacks one to be removed, has no such serial, or is
        older than its history.
    PreconditionError
        If others changed it each time that this change was tried.
    """
    for _ in range(_ATTEMPTS):
        fetched = _fetch(store, change.pipeline)
        current = DecisionList(change.pipeline)
        if fetched:
            current = parse_list(fetched.body, trusted, pipeline=change.pipeline)
            append(store, keys.list_history(change.pipeline, current.serial), fetched.body)
            if current.run_id == change.run_id:
                return current
        following = keys.list_history(change.pipeline, current.serial + 1)
        if was_put_back(store, keys.decision_list(change.pipeline), following, fetched):
            raise ListRefusedError(
                f"{change.pipeline}: the list has serial {current.serial}, but {following} is "
                "there: an older list was put back; restore the newest entry of the history"
            )
        changed = _changed(store, current, change, trusted)
        list_key = keys.decision_list(change.pipeline)
        history_key = keys.list_history(change.pipeline, changed.serial)
        try:
            swap(store, list_key, history_key, changed.to_json(key), fetched)
        except PreconditionError:
            continue
        _log.info("%s: list %d, %d entries", change.pipeline, changed.serial, len(changed.entries))
        return changed
    raise PreconditionError(f"{change.pipeline}: others kept changing the list; try again")


def _changed(
    store: ObjectStore, current: DecisionList, change: ListChange, trusted: PublicKeys
) -> DecisionList:
    entries = {(e.action, e.scope, e.value): e for e in _entries(store, current, change, trusted)}
    for scope, value in change.remove:
        named = [each for each in entries if each[1:] == (scope, value)]
        if not named:
            raise ListRefusedError(f"{change.pipeline}: the list has no {scope} {value}")
        for each in named:
            del entries[each]
    entries |= {(e.action, e.scope, e.value): e for e in change.add}
    if len(entries) > MAX_ENTRIES:
        raise ListRefusedError(f"{change.pipeline}: more than {MAX_ENTRIES} entries")
    return DecisionList(
        change.pipeline,
        current.serial + 1,
        tuple(entries.values()),
        change.changed_by,
        change.changed_at,
        change.reason,
        change.run_id,
    )


def _entries(
    store: ObjectStore, current: DecisionList, change: ListChange, trusted: PublicKeys
) -> Sequence[ListEntry]:
    if change.restore_serial is None:
        return current.entries
    key = keys.list_history(change.pipeline, change.restore_serial)
    try:
        body = store.get(key, MAX_LIST_BYTES)
    except ObjectMissingError as err:
        raise ListRefusedError(f"{change.pipeline}: no list {change.restore_serial}") from err
    return parse_list(body, trusted, pipeline=change.pipeline).entries


def _fetch(store: ObjectStore, pipeline: str) -> Fetched | None:
    try:
        return store.fetch(keys.decision_list(pipeline), MAX_LIST_BYTES)
    except ObjectMissingError:
        return None
