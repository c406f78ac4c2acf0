"""Find the entry of a list that decides on a URL, in time that does not grow with the list."""

from collections import defaultdict

from include.contract.lists import SCOPES, DecisionList, ListEntry, Scope
from include.urls.names import path_value, url_value
from include.urls.parse import ParsedUrl

_WIDTH = {scope: width for width, scope in enumerate(SCOPES)}


class ListLookup:
    """The entries of one list by what they name.

    The narrowest entry decides (URL, path, host, domain; the longer path or domain first); of two
    that name the same, the block.

    Parameters
    ----------
    entries : DecisionList
    """

    def __init__(self, entries: DecisionList) -> None:
        self.list = entries
        self._by_value: dict[Scope, dict[str, ListEntry]] = {scope: {} for scope in SCOPES}
        self._n_path_parts: defaultdict[str, set[int]] = defaultdict(set)
        for entry in entries.entries:
            known = self._by_value[entry.scope]
            if entry.action == "block" or entry.value not in known:
                known[entry.value] = entry
            if entry.scope == "path":
                host = entry.value.partition("/")[0]
                self._n_path_parts[host].add(entry.value.count("/"))

    def __bool__(self) -> bool:
        """Whether the list has entries."""
        return bool(self.list.entries)

    def find(self, url: ParsedUrl, now_s: float) -> ListEntry | None:
        """Return the entry that decides on a URL; None if there is none.

        Parameters
        ----------
        url : ParsedUrl
        now_s : float
            Seconds since 1970; entries that have expired by then do nothing.
        """
        for scope, value in self._names(url):
            entry = self._by_value[scope].get(value)
            if entry is not None and now_s < entry.expires_s:
                return entry
        return None

    def _names(self, url: ParsedUrl) -> list[tuple[Scope, str]]:
        """Return what an entry may name a URL by, the narrowest first."""
        names: list[tuple[Scope, str]] = []
        if self._by_value["url"]:
            names.append(("url", url_value(url)))
        if sizes := self._n_path_parts.get(url.host):
            parts = path_value(url).split("/")
            names += [
                ("path", "/".join(parts[: size + 1]))
                for size in sorted(sizes, reverse=True)
                if size < len(parts)
            ]
        names.append(("host", url.host))
        if self._by_value["domain"]:
            domain = url.host
            while domain:
                names.append(("domain", domain))
                domain = domain.partition(".")[2]
        return names
