"""Records become the matrix a model takes, or a fault that names the field and the rule."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import contains
from typing import Any

import numpy as np
import numpy.typing as npt

from include.contract.headers import Columns, aliases, find_columns, is_absent
from include.contract.schema import InputField
from include.errors import ManifestError, RequestRejectedError, UrlRefusedError
from include.urls.reading import read_url

MAX_FAULTS = 20
MAX_TEXT_CHARS = 65_536
_MAX_SHOWN_CHARS = 80
_FLOAT32_MAX = float(np.finfo(np.float32).max)
_INT8 = np.iinfo(np.int8)
_WHOLE = {int}
_NUMBERS = ("int8", "float32")

Matrix = npt.NDArray[Any]  # float32 of shape (n, n_inputs), or text of shape (n, 1)


@dataclass(frozen=True)
class Fault:
    """One rule that a request breaks.

    Attributes
    ----------
    row : int
        Which record, from 0.
    field : str
        The column.
    rule : str
        ``missing``, ``unknown``, ``type``, ``allowed``, ``finite``, ``range``, ``length`` or
        ``url``.
    detail : str
        The rule and the value, for people.
    """

    row: int
    field: str
    rule: str
    detail: str


@dataclass(frozen=True)
class _Broken:
    """A rule that one value breaks; stands in the value's place."""

    rule: str
    detail: str


class RecordSchema:
    """The inputs of one manifest, ready to check records quickly.

    Parameters
    ----------
    inputs : tuple of InputField
        Numbers (``int8``, ``float32``), or exactly one ``string``.

    Raises
    ------
    ManifestError
        If the inputs are of another kind.
    """

    def __init__(self, inputs: tuple[InputField, ...]) -> None:
        dtypes = {field.dtype for field in inputs}
        self.is_text = dtypes == {"string"} and len(inputs) == 1
        if not self.is_text and not dtypes <= set(_NUMBERS):
            raise ManifestError(f"no record can be made of inputs of the types {sorted(dtypes)}")
        self.names = tuple(field.name for field in inputs)
        self.n_inputs = len(inputs)
        self._aliases = aliases(inputs)
        check = _text if self.is_text else _number
        self._checks: list[Callable[[object], Any]] = [_bind(check, field) for field in inputs]
        self._common = [_common_values(field) for field in inputs]
        self._cells = [_common_cells(field) for field in inputs]

    def columns_of(self, header: Sequence[str]) -> Columns:
        """Return where a header has the inputs, under their names or known aliases."""
        return find_columns(header, self._aliases)

    def matrix(self, rows: Sequence[Sequence[Any]]) -> Matrix:
        """Return checked rows as the array the model takes."""
        if self.is_text:
            return np.array(rows, dtype=object).reshape(len(rows), 1)
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.n_inputs)

    def encode(self, records: Sequence[object]) -> Matrix:
        """Return JSON records as the array the model takes; null becomes NaN, which is missing.

        Parameters
        ----------
        records : sequence
            Each must be a mapping with exactly the columns of the schema.

        Returns
        -------
        ndarray of shape (n_records, n_inputs)

        Raises
        ------
        RequestRejectedError
            With up to `MAX_FAULTS` faults.
        """
        faults: list[Fault] = []
        rows = []
        for index, record in enumerate(records):
            rows.append(self._row(index, record, faults))
            if len(faults) >= MAX_FAULTS:
                break
        if faults:
            raise _rejected(faults)
        return self.matrix(rows)

    def row(self, record: object) -> list[Any]:
        """Return the values of one JSON record in the manifest's order.

        Raises
        ------
        RequestRejectedError
            With the faults of the record.
        """
        faults: list[Fault] = []
        values = self._row(0, record, faults)
        if faults:
            raise _rejected(faults)
        return values

    def parse_cells(self, row: int, cells: Sequence[str], faults: list[Fault]) -> list[Any]:
        """Return the values of one row of text, appending to `faults` what breaks a rule.

        Parameters
        ----------
        row : int
            For the faults.
        cells : sequence of str
            One per input, in the manifest's order; empty cells, ``?``, ``NaN`` and the like are
            missing values.
        faults : list of Fault
        """
        if all(map(is_absent, cells)):
            faults.append(Fault(row, "", "missing", "the row has no value of any input"))
            return []
        try:
            return [known[cell] for known, cell in zip(self._cells, cells, strict=True)]
        except KeyError:
            parsed = cells if self.is_text else [_parse_number(cell) for cell in cells]
            return self._checked(row, parsed, faults)

    def _row(self, index: int, record: object, faults: list[Fault]) -> list[Any]:
        if not isinstance(record, Mapping):
            faults.append(Fault(index, "", "type", "a record is an object of column: value"))
            return []
        try:
            values = [record[name] for name in self.names]
        except KeyError:
            values = []
        if len(record) != self.n_inputs or not values:
            faults.extend(self._wrong_columns(index, record))
            return []
        # True equals 1, so the types are looked at too.
        if set(map(type, values)) == _WHOLE and all(map(contains, self._common, values)):
            return values
        return self._checked(index, values, faults)

    def _wrong_columns(self, index: int, record: Mapping[str, object]) -> list[Fault]:
        known = set(self.names)
        missing = [name for name in self.names if name not in record]
        unknown = [name for name in record if name not in known]
        faults = [Fault(index, name, "missing", "the column is missing") for name in missing]
        for name in unknown[:MAX_FAULTS]:
            faults.append(Fault(index, shorten(name), "unknown", "the model has no such input"))
        return faults[:MAX_FAULTS]

    def _checked(self, row: int, values: Sequence[object], faults: list[Fault]) -> list[Any]:
        checked = []
        for name, check, value in zip(self.names, self._checks, values, strict=True):
            found = check(value)
            if isinstance(found, _Broken):
                faults.append(Fault(row, name, found.rule, found.detail))
            checked.append(found)
        return checked


def _rejected(faults: Sequence[Fault]) -> RequestRejectedError:
    return RequestRejectedError("the records break rules of the model", tuple(faults))


def shorten(text: str) -> str:
    """Return `text`, cut where a message would grow too long."""
    return text if len(text) <= _MAX_SHOWN_CHARS else text[:_MAX_SHOWN_CHARS] + "..."


def _bind(check: Callable[[InputField, object], Any], field: InputField) -> Callable[[object], Any]:
    return lambda value: check(field, value)


def _common_values(field: InputField) -> frozenset[int]:
    return frozenset(field.allowed or ())


def _common_cells(field: InputField) -> dict[str, float]:
    if field.dtype == "string":
        return {}
    known = {str(value): float(value) for value in field.allowed or ()}
    return known | {"": math.nan}


def _number(field: InputField, value: object) -> float | _Broken:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _Broken("type", f"{_show(value)} is not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        return _Broken("finite", "the value is not a finite number; send null if missing")
    if field.allowed is not None:
        if number not in field.allowed:
            allowed = ", ".join(str(entry) for entry in field.allowed)
            return _Broken("allowed", f"{_show(value)} is not one of {allowed}")
    elif field.dtype == "int8":
        if not number.is_integer() or not _INT8.min <= number <= _INT8.max:
            return _Broken("range", f"{_show(value)} is not a whole number of 8 bits")
    elif abs(number) > _FLOAT32_MAX:
        return _Broken("range", f"{_show(value)} does not fit 32 bits")
    return number


def _text(field: InputField, value: object) -> str | _Broken:
    if not isinstance(value, str):
        return _Broken("type", f"{_show(value)} is not text")
    if len(value) > MAX_TEXT_CHARS:
        return _Broken("length", f"{len(value)} characters, the limit is {MAX_TEXT_CHARS}")
    try:
        value.encode()
    except UnicodeEncodeError:
        return _Broken("type", "the text holds half of a surrogate pair")
    try:
        return read_url(value).url
    except UrlRefusedError as err:
        return _Broken("url", str(err))


def describe_reading(text: str, scored_url: str) -> dict[str, Any]:
    """Return what a response tells of the URL that was read out of a text and scored.

    Parameters
    ----------
    text : str
        As it was sent.
    scored_url : str
        What `RecordSchema` made of it.
    """
    unwrapped = read_url(text).unwrapped if scored_url != text else ()
    found: dict[str, Any] = {"scored_url": scored_url}
    return {**found, "unwrapped": list(unwrapped)} if unwrapped else found


def _parse_number(cell: str) -> object:
    """Return the number a cell writes, None for a missing one, or the text of any other."""
    stripped = cell.strip()
    if is_absent(stripped):
        return None
    try:
        return cell if "_" in stripped else float(stripped)
    except ValueError:
        return cell


def _show(value: object) -> str:
    return shorten(repr(value) if not isinstance(value, int) else _show_int(value))


def _show_int(value: int) -> str:
    return str(value) if value.bit_length() <= 128 else "a very large number"
