"""What a pipeline's record looks like in files, and what makes two records one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from include.contract.schema import InputField, Target

Value = int | float | str | datetime
Record = dict[str, Value]


@dataclass(frozen=True)
class Identity:
    """What makes two records the same thing, reported twice; such are stored once.

    Attributes
    ----------
    columns : tuple of str
        What the key is made of: a line that lacks one of them, or whose label is unknown, is bad.
    key : callable (Record) -> str
        Equal for records of the same thing.
    since : str
        The detail whose smallest value says which report of a thing stays.
    """

    columns: tuple[str, ...]
    key: Callable[[Record], str]
    since: str


@dataclass(frozen=True)
class Layout:
    """Which columns a file must have, and how they may be written.

    Attributes
    ----------
    fields : tuple of InputField
        The columns of a record, besides the label.
    target : Target
        Names the column that holds the label.
    aliases : mapping of str to str
        Known other spellings of a column, in lower case, to its name.
    ignored : frozenset of str
        Columns, in lower case, that may be present and are left out.
    details : tuple of InputField
        Columns that describe a record and that no model is shown; a file may lack them.
    origin : str
        The detail that names who reported a record: where a file does not say, its name.
    identity : Identity or None
        None where each line is a record of its own, exact duplicates too.
    strict : bool
        Whether a column unknown here is refused; otherwise it is left out.
    """

    fields: tuple[InputField, ...]
    target: Target
    aliases: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    details: tuple[InputField, ...] = ()
    origin: str = ""
    identity: Identity | None = None
    strict: bool = True

    @cached_property
    def dtypes(self) -> dict[str, str]:
        """Map each column's name, the label's and the details' included, to its dtype."""
        label = InputField(self.target.source, "int8", None)
        return {column.name: column.dtype for column in (*self.fields, label, *self.details)}

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The columns that a file must have: the inputs and the label."""
        return (*(column.name for column in self.fields), self.target.source)

    @cached_property
    def labels(self) -> dict[str, int]:
        """Map the labels in words, in lower case, to the values stored."""
        return {"phishing": self.target.positive, "legitimate": self.target.negative}
