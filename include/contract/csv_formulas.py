"""Cells of CSV files that spreadsheets would take for formulas."""

import re

# ASCII and full-width: = + - @
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(rf" {{0,8}}[{_SIGNS}\t\r\n]")
# Where another separator than ours is set, the rest of a cell is a cell of its own.
_INNER_FORMULA = re.compile(rf'[;|\t\r\n][\s"]{{0,8}}(?=[{_SIGNS}])')


def neutral(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; numbers stay as they are.

    Source: https://owasp.org/www-community/attacks/CSV_Injection
    """
    cell = _INNER_FORMULA.sub(r"\g<0>'", cell)
    if not _FORMULA.match(cell):
        return cell
    try:
        float(cell)
    except ValueError:
        return "'" + cell
    return cell
