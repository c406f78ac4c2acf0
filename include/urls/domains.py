"""Split a host at the public suffix: the reference data of this release, nothing is looked up."""

from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

_MAX_LABELS = 41
_REMEMBERED_HOSTS = 16_384


@lru_cache(_REMEMBERED_HOSTS)
def split_domain(host: str) -> tuple[str, str]:
    """Return the public suffix and the registrable domain of a host name in ASCII.

    A host that is a public suffix is its own domain; one with empty labels has no suffix.
    """
    if not host or ".." in host or host.startswith(".") or host.count(".") >= _MAX_LABELS:
        return "", host
    suffix = _list().publicsuffix(host) or ""
    if not suffix or len(suffix) == len(host):
        return suffix, host
    return suffix, host[host.rfind(".", 0, -len(suffix) - 1) + 1 :]


@cache
def _list() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(_REMEMBERED_HOSTS)
def icann_domain(host: str) -> str:
    """Return the domain below the registry's own suffix, whatever private suffixes are below it."""
    return _icann_list().privatesuffix(host) or host


@cache
def _icann_list() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True)
