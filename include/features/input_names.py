"""What the columns of a feature set are called, for people who read of a model's inputs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from include.features import feature_sets, urls


@dataclass(frozen=True)
class Described:
    """Names of columns.

    Attributes
    ----------
    groups : mapping of str to sequence of int
        The columns of the features by subject; a column may be in none.
    given : sequence of str
        What the last step of a model is given, in order: figures, and scores of the pieces.
    """

    groups: Mapping[str, Sequence[int]]
    given: Sequence[str]


_LENGTHS = (
    "characters of the URL",
    "characters of the host",
    "characters of the subdomain",
    "characters of the domain's label",
    "characters of the ending",
    "characters behind the host",
    "characters of the path",
    "characters of the query",
    "dots in the host",
    "levels of subdomains",
    "dots in the ending",
    "folders of the path",
)
_LETTERS = (
    "hyphens",
    "digits",
    "share of digits",
    "share of vowels",
    "variety of characters",
    "runs of consonants",
    "letters beside digits",
)
_HOST_LETTERS = (
    *(f"{letters} in the domain's label" for letters in _LETTERS),
    *(f"{letters} in the subdomain" for letters in _LETTERS),
    "words in the host",
    "longest word in the host",
)
_PATH_LETTERS = (
    "words in the path",
    "longest word in the path",
    "letters beside digits in the path",
    "digits in the path",
    "numbers in the path",
    "capitals in the path",
    "hexadecimal runs in the path",
    "characters of the last part of the path",
    "digits in the last part of the path",
    "variety of characters in the last part of the path",
    "path ends in a file",
    "kind of file",
    "no path",
    "capitals in the path or not",
    "path ends in a slash",
)
_MARKS = (
    *(f"{mark} in the path" for mark in ("-", "_", ".", "%", "@", "=", "//", "~", "+", ":")),
    "= in the query",
    "& in the query",
    "has a query",
    "has a fragment",
)
_ODDITIES = (
    "user name before the host",
    "port",
    "host is an IP address",
    "host is an IP address in disguise",
    "punycode in the host",
    "host looks like another",
    "decodings needed",
    "letters beyond ASCII in the path",
)
_LURES = (
    "brands in the host",
    "share of brands in the host",
    "brand in the host of another",
    "domain is a brand's own",
    "brands in the subdomain",
    "brands in the path",
    "luring words in the host",
    "luring words in the subdomain",
    "luring words in the path",
    "http in the path",
    ".com inside the host",
)
_KNOWN_OF_DOMAIN = (
    "rank of the host",
    "rank of the domain",
    "rank of the longest listed name",
    "rank of the domain below the registry's suffix",
    "rank of the best domain of the same label",
    "name below a private suffix",
    "hosting platform",
    "URL shortener",
    "domain owned by a brand",
)
_KNOWN_BRANDS = (
    "foreign brands in the host",
    "foreign brands before the domain",
    "foreign brands in the path",
    "the owner's brand in the path",
    "label is a foreign brand",
    "closeness to a well-known name",
    "rank of that name",
    "characters of that name",
)
_KNOWN_TARGET = (
    "holds another URL",
    "that URL is of another domain",
    "rank of that URL's domain",
    "that URL is on a platform or a shortener",
    "foreign brands in that URL's host",
)
_KINDS = {
    "lengths": _LENGTHS,
    "letters of the host": _HOST_LETTERS,
    "letters of the path": _PATH_LETTERS,
    "marks in the path": _MARKS,
    "oddities of the address": _ODDITIES,
    "brands and lures": _LURES,
    "ranks and hosts": _KNOWN_OF_DOMAIN,
    "owners of brands and look-alikes": _KNOWN_BRANDS,
    "the URL inside the URL": _KNOWN_TARGET,
}
_SECTIONS = (
    "pieces of the host",
    "pieces of the path",
    "words",
    "traits",
    "levels of the figures",
)
PEER_NAMES = (
    "suffix",
    "ending",
    "suffix and levels",
    "ending and form of label",
    "form of label and levels",
    "suffix and length of label",
    "label's first 3 and length",
    "label's first 4 characters",
    "label's first 5 characters",
    "label's last 3 characters",
    "label's last 5 characters",
    "label's sounds and ending",
    "label's first word",
    "label's longest word",
    "last subdomain and suffix",
    "subdomain's sounds",
    "ending and first word of the path",
    "first two words of the path",
    "last part of the path",
    "shape of the path",
    "suffix and form of the path",
    "keys of the query",
)
_SCORED = _SECTIONS[:3]
_SCORES = (
    *(f"domains of the same {peer}" for peer in PEER_NAMES),
    *(f"score of {section}" for section in _SCORED),
    "score of them all",
    *(
        name
        for section in (_SCORED[0], _SCORED[2])
        for name in (f"odds of {section}", f"{section} never seen before")
    ),
    "score of the linear model",
)


def _groups() -> dict[str, Sequence[int]]:
    groups: dict[str, Sequence[int]] = {}
    first = 0
    for kind, names in _KINDS.items():
        groups[kind] = range(first, first + len(names))
        first += len(names)
    for section, (start, stop, _) in zip(_SECTIONS, urls.SECTIONS, strict=True):
        groups[section] = range(start, stop)
    groups["what other domains share with it"] = range(*urls.PEERS[:2])
    return groups


_URLS = Described(_groups(), (*(name for names in _KINDS.values() for name in names), *_SCORES))
_KNOWN = {feature_sets.URLS.name: _URLS}


def described(name: str) -> Described | None:
    """Return the names of a feature set's columns; None if they have no names."""
    return _KNOWN.get(name)
