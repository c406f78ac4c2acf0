"""What a pipeline's record looks like in files, and what makes two records one."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from include.contract.headers import aliases
from include.contract.schema import InputField, Target

Value = int | float | str | datetime
Record = dict[str, Value]
_PHISHING_WORDS = ("phishing", "phish", "bad")
_LEGITIMATE_WORDS = ("legitimate", "legit", "benign", "good", "safe")


@dataclass(frozen=True)
class Identity:
    """What makes two records reports of the same thing; such are stored once.

    Attributes
    ----------
    columns : tuple of str
        What the key is made of: a line that lacks one of them, or whose label is unknown, is bad.
    key : callable (Record) -> str
        Equal for records of the same thing.
    since : str
        The detail whose smallest value decides which report of a thing is kept.
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
    label_aliases : tuple of str
        Other names of the label's column, the most specific first.
    ignored : frozenset of str
        Columns, in lower case, that may be present and are left out.
    details : tuple of InputField
        Columns that describe a record and are no model input; a file may lack them.
    origin : str
        The detail that names who reported a record; by default the file's name.
    identity : Identity or None
        None where each line is a record of its own, exact duplicates too.
    strict : bool
        Whether an unknown column is refused; otherwise it is left out.
    read_text : callable (str) -> str, optional
        Returns what is stored of a cell of the only input, a text, or raises ValueError with the
        reason why it is none. A file is a list only where it accepts its lines.
    """

    fields: tuple[InputField, ...]
    target: Target
    label_aliases: tuple[str, ...] = ()
    ignored: frozenset[str] = frozenset()
    details: tuple[InputField, ...] = ()
    origin: str = ""
    identity: Identity | None = None
    strict: bool = True
    read_text: Callable[[str], str] | None = None

    @cached_property
    def dtypes(self) -> dict[str, str]:
        """Map each column's name, the label's and the details' included, to its dtype."""
        label = InputField(self.target.source, "int8", None)
        return {column.name: column.dtype for column in (*self.fields, label, *self.details)}

    @cached_property
    def aliases(self) -> dict[str, tuple[str, ...]]:
        """Map each column's name to its known aliases, its own name first."""
        label = InputField(self.target.source, "int8", None, aliases=self.label_aliases)
        return aliases((*self.fields, label, *self.details))

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The columns that a file must have: the inputs and the label."""
        return (*(column.name for column in self.fields), self.target.source)

    @cached_property
    def labels(self) -> dict[str, int]:
        """Map the two labels in words to the values stored."""
        return {"phishing": self.target.positive, "legitimate": self.target.negative}

    @cached_property
    def label_words(self) -> dict[str, int]:
        """Map every known word for a label, in lower case, to the value stored."""
        return dict.fromkeys(_PHISHING_WORDS, self.target.positive) | dict.fromkeys(
            _LEGITIMATE_WORDS, self.target.negative
        )

    def unlabelled(self, column: str | None = None) -> "Layout":
        """Return the layout of files whose records are to be scored: no label is looked for.

        Parameters
        ----------
        column : str, optional
            The name in the file of the only input, instead of the known ones.
        """
        fields = self.fields
        if column is not None:
            fields = (replace(fields[0], name=column, aliases=()),)
        # No column has the empty name, so one called `label` is left alone.
        return replace(
            self,
            fields=fields,
            target=replace(self.target, source=""),
            label_aliases=(),
            details=(),
            identity=None,
            strict=False,
        )
