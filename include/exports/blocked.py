"""Which URLs and hosts are blocked: block entries of the signed list, and labels of phishing.

Nothing that is allowed is among them, no public suffix and no platform below which anybody may
publish: of these, single URLs only.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from include.contract.lists import DecisionList, ListEntry, Scope
from include.errors import UrlRefusedError
from include.inference.listed import ListLookup
from include.urls.address import site_host
from include.urls.domains import split_domain
from include.urls.local import is_local
from include.urls.names import path_value, url_value
from include.urls.parse import IPV4, ParsedUrl
from include.urls.reading import read_url
from include.urls.reference.facts import Reference
from include.urls.reference.ranks import UNLISTED

_HOLDS_FOR = timedelta(days=30)
_DAYS_TO_NEXT_MONTH = timedelta(days=32)


@dataclass(frozen=True)
class Blocked:
    """A URL, the paths below one, a host, or a domain with all hosts below it.

    Attributes
    ----------
    scope, value : str
        As those of an entry of the list.
    origin : str
        ``block list``, or who reported the label.
    since, changed, until : datetime
        Aware. What has no end of its own holds for a month or two, and longer at the next export.
    host : str
        The host as a whole, where blocking it blocks nobody else; empty where it would.
    """

    scope: Scope
    value: str
    origin: str
    since: datetime
    changed: datetime
    until: datetime
    host: str = ""


@dataclass(frozen=True)
class Export:
    """What is exported.

    Attributes
    ----------
    entries : tuple of Blocked
        Sorted; each scope and value once.
    changed : datetime
        Of the latest change of them, so equal for equal content.
    left_out : tuple of str
        Entries of the list that would block what is allowed or shared, in a sentence each.
    n_allowed, n_shared : int
        Labels that were left out for the same reasons.
    """

    entries: tuple[Blocked, ...]
    changed: datetime
    left_out: tuple[str, ...] = ()
    n_allowed: int = 0
    n_shared: int = 0


def collect_blocked(
    listed: DecisionList,
    labels: Iterable[Mapping[str, Any]],
    reference: Reference,
    now: datetime,
    last_decision: datetime | None = None,
) -> Export:
    """Return what is blocked.

    Parameters
    ----------
    listed : DecisionList
        Verified.
    labels : iterable of mapping
        Records of phishing: `url`, `source`, and where they have them `first_seen`, `last_seen`,
        `reviewed_at` and `expires_at`, from which on they do nothing; dates are aware.
    reference : Reference
        Says which names are shared.
    now : datetime
        Aware.
    last_decision : datetime, optional
        When somebody last confirmed or rejected a label.
    """
    collector = _Collector(listed, reference, now)
    return collector.collect(labels, [last_decision] if last_decision else [])


class _Collector:
    def __init__(self, listed: DecisionList, reference: Reference, now: datetime) -> None:
        self._listed = listed
        self._lookup = ListLookup(listed)
        self._reference = reference
        self._now = now
        self._month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        self._allowed = [each for each in self._valid(listed.entries) if each.action == "allow"]
        # When an entry was added, changed, removed or ended.
        self._moments: list[datetime] = []
        self._left_out: list[str] = []
        self._n_allowed = self._n_shared = 0

    def collect(self, labels: Iterable[Mapping[str, Any]], decisions: Iterable[datetime]) -> Export:
        self._moments += decisions
        found: dict[tuple[str, str], Blocked] = {}
        for blocked in (*self._of_list(), *self._of_labels(labels)):
            key = blocked.value, blocked.scope
            known = found.get(key)
            found[key] = _merged(known, blocked) if known else blocked
        entries = tuple(found[key] for key in sorted(found))
        self._moments += [each.changed for each in entries]
        return Export(
            entries,
            max([self._month, *(at for at in self._moments if at <= self._now)]),
            tuple(self._left_out),
            self._n_allowed,
            self._n_shared,
        )

    def _valid(self, entries: Iterable[ListEntry]) -> Iterator[ListEntry]:
        return (each for each in entries if self._now.timestamp() < each.expires_s)

    def _of_list(self) -> Iterator[Blocked]:
        if self._listed.changed_at:
            self._moments.append(datetime.fromisoformat(self._listed.changed_at))
        for entry in self._listed.entries:
            if entry.expires_at is not None:
                self._moments.append(datetime.fromisoformat(entry.expires_at))
        for entry in self._valid(self._listed.entries):
            if entry.action != "block":
                continue
            host, is_wide = _host_of(entry.value), entry.scope in ("host", "domain")
            # Firewalls take a host with a slash for all of it.
            if (is_wide or entry.value == f"{host}/") and self._is_shared(host):
                self._leave_out(entry, "it is shared by many owners")
            elif inside := next((each for each in self._allowed if _covers(entry, each)), None):
                self._leave_out(entry, f"{inside.scope} {inside.value} in it is allowed")
            else:
                at = datetime.fromisoformat(entry.added_at)
                ends = entry.expires_at and datetime.fromisoformat(entry.expires_at)
                made = Blocked(entry.scope, entry.value, "block list", at, at, at)
                yield replace(self._ending(made, ends or None), host=host if is_wide else "")

    def _leave_out(self, entry: ListEntry, why: str) -> None:
        self._left_out.append(f"{entry.scope} {entry.value} is left out: {why}")

    def _of_labels(self, labels: Iterable[Mapping[str, Any]]) -> Iterator[Blocked]:
        for record in labels:
            try:
                parsed = read_url(str(record["url"])).parsed
            except UrlRefusedError:
                continue
            if (ends := record.get("expires_at")) is not None:
                self._moments.append(ends)
                if ends <= self._now:
                    continue
            entry = self._lookup.find(parsed, self._now.timestamp())
            if entry is not None and entry.action == "allow":
                self._n_allowed += 1
            elif is_local(parsed.host) or (_is_home(parsed) and self._is_shared(parsed.host)):
                self._n_shared += 1
            else:
                yield self._of_label(record, parsed)

    def _of_label(self, record: Mapping[str, Any], parsed: ParsedUrl) -> Blocked:
        dates = [record.get(name) for name in ("first_seen", "last_seen", "reviewed_at")]
        known = [at for at in dates if at is not None] or [self._month]
        since, changed = min(known[0], self._now), min(max(known), self._now)
        origin = str(record.get("source") or "label")
        made = Blocked("url", url_value(parsed), origin, since, changed, changed)
        made = self._ending(made, record.get("expires_at"))
        return replace(made, host=parsed.host if self._is_own(parsed) else "")

    def _ending(self, made: Blocked, ends: datetime | None) -> Blocked:
        """Return an entry with its end; one without an end is renewed on the first of a month."""
        if ends is not None:
            return replace(made, until=ends)
        later = (self._month + _DAYS_TO_NEXT_MONTH).replace(day=1) + _HOLDS_FOR
        return replace(made, until=later, changed=max(made.changed, self._month))

    def _is_shared(self, host: str) -> bool:
        """Return whether a name is a public suffix, a platform or a URL shortener."""
        if IPV4.fullmatch(host) or host.startswith("["):
            return False
        name = site_host(host)
        suffix, domain = split_domain(name)
        known = self._reference.known
        return domain == suffix or name in known.platforms or name in known.shorteners

    def _is_own(self, parsed: ParsedUrl) -> bool:
        """Return whether the host of a phishing URL is likely nobody else's, and not allowed."""
        host = parsed.host
        if IPV4.fullmatch(host) or host.startswith("[") or self._is_shared(host):
            return False
        if any(_host_of(each.value) == host or _is_below(host, each) for each in self._allowed):
            return False
        facts = self._reference.facts_of_host(site_host(host))
        is_known = facts.is_platform or facts.is_shortener or facts.owners
        return facts.is_hosted or not (is_known or facts.site_rank < UNLISTED)


def _merged(one: Blocked, other: Blocked) -> Blocked:
    first, last = sorted((one, other), key=lambda each: (each.since, each.origin))
    return replace(
        first,
        changed=max(one.changed, other.changed),
        until=max(one.until, other.until),
        host=first.host or last.host,
    )


def _host_of(value: str) -> str:
    """Return the host of an entry's value, which may have a port and a path."""
    host = value.partition("/")[0].partition("?")[0]
    return f"{host.partition(']')[0]}]" if host[:1] == "[" else host.partition(":")[0]


def _is_home(parsed: ParsedUrl) -> bool:
    return parsed.tail in ("", "/")


def _is_below(host: str, entry: ListEntry) -> bool:
    return entry.scope == "domain" and f".{host}".endswith(f".{entry.value}")


def _covers(wide: ListEntry, narrow: ListEntry) -> bool:
    """Return whether all or a part of what `narrow` names is blocked by `wide`."""
    if wide.scope == "domain":
        return _is_below(_host_of(narrow.value), wide)
    if wide.scope == "host":
        return narrow.scope in ("url", "path") and _host_of(narrow.value) == wide.value
    if wide.scope == "path":
        below = path_value(read_url(f"http://{narrow.value}").parsed)
        return narrow.scope in ("url", "path") and f"{below}/".startswith(f"{wide.value}/")
    return False
