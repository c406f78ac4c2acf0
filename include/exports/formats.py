"""What is blocked as a plain list, as a response policy zone, and as STIX 2.1.

Equal entries give equal bytes.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from include.exports.blocked import Blocked, Export
from include.urls.parse import IPV4

TTL_S = 300
_NAMESPACE = uuid5(NAMESPACE_DNS, "nightcatch")
_IDENTITY = f"identity--{uuid5(_NAMESPACE, 'identity')}"
_IDENTITY_SINCE = "2026-12-01T00:00:00.000Z"
# Names that a zone can hold below its own: of host names, not of all that a URL may have.
_NAME = re.compile(r"(?=.{1,200}$)[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_-]{1,63})+")
_RPZ_HEADER = """\
; Hosts that are blocked, for `response-policy`: the answer to each is NXDOMAIN.
$TTL {ttl}
@ SOA localhost. nobody.localhost. ({serial} 3600 600 604800 {ttl})
@ NS localhost.
"""


def to_list(export: Export) -> str:
    """Return a line for each URL, path (``/*``), host and domain (``*.`` and itself).

    A comment says until when those below it hold; many firewalls know none within a line.
    """
    lines = ["# URLs without their scheme, and hosts, that are blocked"]
    for until, entries in groupby(sorted(export.entries, key=_end), key=_end):
        lines.append(f"# until {_day_time(until)}")
        lines += (text for each in entries for text in _listed(each))
    return "\n".join(lines) + "\n"


def _end(blocked: Blocked) -> datetime:
    return blocked.until.replace(microsecond=0)


def _listed(blocked: Blocked) -> Iterator[str]:
    yield f"{blocked.value}/*" if blocked.scope == "path" else blocked.value
    if blocked.scope == "domain":
        yield f"*.{blocked.value}"


def to_rpz(export: Export) -> str:
    """Return a zone of the hosts that can be blocked as a whole (draft-vixie-dnsop-dns-rpz).

    The serial is the time of the latest change, in seconds.
    """
    ends: dict[str, datetime] = {}
    for each in export.entries:
        host = each.host.rstrip(".")
        if _NAME.fullmatch(host) and not IPV4.fullmatch(host):
            for name in [host, *([f"*.{host}"] if each.scope == "domain" else [])]:
                ends[name] = max(ends.get(name, each.until), each.until)
    header = _RPZ_HEADER.format(ttl=TTL_S, serial=int(export.changed.timestamp()))
    lines = (f"{name} CNAME . ; until {_day_time(ends[name])}\n" for name in sorted(ends))
    return header + "".join(lines)


def to_stix(export: Export) -> str:
    """Return a bundle of an indicator for each entry; ids are those of earlier exports."""
    indicators = list(map(_indicator, export.entries))
    identity = {
        "type": "identity",
        "spec_version": "2.1",
        "id": _IDENTITY,
        "created": _IDENTITY_SINCE,
        "modified": _IDENTITY_SINCE,
        "name": "NightCatch",
        "identity_class": "system",
    }
    bundle = {
        "type": "bundle",
        "id": f"bundle--{uuid5(_NAMESPACE, 'blocked')}",
        "objects": [identity, *indicators],
    }
    return json.dumps(bundle, indent=1) + "\n"


def _indicator(blocked: Blocked) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid5(_NAMESPACE, f'{blocked.scope} {blocked.value}')}",
        "created_by_ref": _IDENTITY,
        "created": _stix_time(blocked.since),
        "modified": _stix_time(max(blocked.changed, blocked.since)),
        "name": f"phishing {blocked.scope} {blocked.value}",
        "description": f"Source: {blocked.origin}",
        "indicator_types": ["malicious-activity"],
        "pattern": f"[{_PATTERNS[blocked.scope](blocked.value)}]",
        "pattern_type": "stix",
        "valid_from": _stix_time(blocked.since),
        "valid_until": _stix_time(blocked.until),
    }


def _of_url(value: str) -> str:
    return " OR ".join(
        f"url:value = {_text(f'{scheme}://{value}')}" for scheme in ("http", "https")
    )


def _of_path(value: str) -> str:
    return f"url:value MATCHES {_text(f'^https?://{re.escape(value)}(?:[/?#]|$)')}"


def _of_host(value: str) -> str:
    if IPV4.fullmatch(value):
        return f"ipv4-addr:value = {_text(value)}"
    if value.startswith("["):
        return f"ipv6-addr:value = {_text(value.strip('[]'))}"
    return f"domain-name:value = {_text(value)}"


def _of_domain(value: str) -> str:
    below = rf"(?:^|\.){re.escape(value)}$"
    return f"domain-name:value MATCHES {_text(below)}"


_PATTERNS: Mapping[str, Callable[[str], str]] = {
    "url": _of_url,
    "path": _of_path,
    "host": _of_host,
    "domain": _of_domain,
}
FORMATS: Mapping[str, Callable[[Export], str]] = {"list": to_list, "rpz": to_rpz, "stix": to_stix}


def _text(value: str) -> str:
    """Return a string of a STIX pattern."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _day_time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _stix_time(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
