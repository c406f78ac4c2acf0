"""What an input and its values mean, in the words of the manifest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from include.contract.schema import InputField

_VALUE = re.compile(r"(?:^|[:;] )(-?\d+) = (.*?)(?=; -?\d+ = |$)", re.DOTALL)


@dataclass(frozen=True)
class Meaning:
    """An input in words.

    Attributes
    ----------
    subject : str
        What the input is about; its name where the manifest says nothing.
    words : mapping of int to str
        What each described value says of the record.
    """

    subject: str
    words: Mapping[int, str]

    def of(self, value: float) -> str:
        """Return what a value says; the bare number, or "missing", where no words are known."""
        if value != value:
            return "missing"
        return self.words.get(int(value), f"{value:g}") if value == int(value) else f"{value:g}"


@lru_cache(maxsize=4096)
def meaning_of(field: InputField) -> Meaning:
    """Return the words of a description such as ``Age: -1 = below six months; 1 = above``."""
    found = list(_VALUE.finditer(field.description))
    subject = field.description[: found[0].start()] if found else field.description
    words = {int(match[1]): match[2].strip() for match in found}
    return Meaning(subject.strip() or field.name, words)
