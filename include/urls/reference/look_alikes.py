"""Well-known names that a word resembles: one edit away, or of the same look."""

from collections.abc import Iterable
from typing import Final, NamedTuple

SAME_LOOK: Final = 2.0
ONE_EDIT: Final = 1.0
_FEWEST_CHARS, _MOST_CHARS = 5, 24
_SINGLE = str.maketrans("0134578i", "oleastbl", "-")


class LookAlike(NamedTuple):
    """The name that a word resembles.

    Attributes
    ----------
    name : str
        Empty if there is none.
    closeness : float
        `SAME_LOOK`: the characters are others of the same look; `ONE_EDIT`: one is left out, added
        or changed, or two neighbours are swapped; else 0.
    """

    name: str
    closeness: float


NO_LOOK_ALIKE = LookAlike("", 0.0)


class LookAlikes:
    """Finds names at a distance of one by the words that both leave when a letter goes.

    Source: Garbe 2012, symmetric delete spelling correction; distance: Damerau 1964.

    Parameters
    ----------
    names : iterable of str
        The best known first; shorter ones than five characters resemble too much.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names: set[str] = set()
        self._by_look: dict[str, str] = {}
        self._by_rest: dict[str, list[str]] = {}
        for name in names:
            if not _FEWEST_CHARS <= len(name) <= _MOST_CHARS or name in self._names:
                continue
            self._names.add(name)
            self._by_look.setdefault(_look(name), name)
            for rest in _rests(name):
                self._by_rest.setdefault(rest, []).append(name)

    def __contains__(self, word: str) -> bool:
        """Return whether a word is one of the names."""
        return word in self._names

    def closest(self, word: str) -> LookAlike:
        """Return what a word resembles; one that is a name itself resembles nothing."""
        if word in self._names or not _FEWEST_CHARS - 1 <= len(word) <= _MOST_CHARS + 1:
            return NO_LOOK_ALIKE
        if same := self._by_look.get(_look(word)):
            return LookAlike(same, SAME_LOOK)
        if longer := self._by_rest.get(word):
            return LookAlike(longer[0], ONE_EDIT)
        for rest in _rests(word):
            if rest in self._names:
                return LookAlike(rest, ONE_EDIT)
            for name in self._by_rest.get(rest, ()):
                if _is_one_edit(word, name):
                    return LookAlike(name, ONE_EDIT)
        return NO_LOOK_ALIKE


def _look(word: str) -> str:
    """Return a word with characters that are taken for others replaced by those."""
    return word.translate(_SINGLE).replace("rn", "m").replace("vv", "w")


def _rests(word: str) -> list[str]:
    return [word[:place] + word[place + 1 :] for place in range(len(word))]


def _is_one_edit(word: str, name: str) -> bool:
    """Return whether words of one length differ in one letter, or in two neighbours swapped."""
    if len(word) != len(name):
        return False
    places = [at for at, (one, other) in enumerate(zip(word, name, strict=True)) if one != other]
    if len(places) == 2:
        one, other = places
        return other == one + 1 and word[one] == name[other] and word[other] == name[one]
    return len(places) == 1
