"""Labels of an input and of its values, from the description in the manifest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from include.contract.schema import InputField

_VALUE = re.compile(r"(?:^|[:;] )(-?\d+) = (.*?)(?=; -?\d+ = |$)", re.DOTALL)


@dataclass(frozen=True)
class FieldLabels:
    """The labels of an input.

    Attributes
    ----------
    subject : str
        What the input is about; its name where the manifest has no description.
    labels : mapping of int to str
        Of each described value.
    """

    subject: str
    labels: Mapping[int, str]

    def of(self, value: float) -> str:
        """Return the label of a value; the bare number, or "missing", where there is none."""
        if value != value:
            return "missing"
        return self.labels.get(int(value), f"{value:g}") if value == int(value) else f"{value:g}"


@lru_cache(maxsize=4096)
def labels_of(field: InputField) -> FieldLabels:
    """Return the labels of a description such as ``Age: -1 = below six months; 1 = above``."""
    found = list(_VALUE.finditer(field.description))
    subject = field.description[: found[0].start()] if found else field.description
    labels = {int(match[1]): match[2].strip() for match in found}
    return FieldLabels(subject.strip() or field.name, labels)
