"""Rows whose values are none that their columns may have."""

from include.ingest.files.layout import Layout
from include.ingest.files.reader import Row
from include.ingest.files.text_lines import BadLine


def allowed(row: Row | BadLine, layout: Layout) -> Row | BadLine:
    """Return the row, or why it is bad: it has no label, or a value that is not allowed.

    Parameters
    ----------
    row : Row or BadLine
    layout : Layout
    """
    if isinstance(row, BadLine):
        return row
    record, label = row.record, layout.target.source
    cells = {name: str(value) for name, value in record.items()}
    if record.get(label) not in layout.labels.values():
        return BadLine(row.line, f"{label}: {record.get(label, 'nothing')} is not a label", cells)
    for field in layout.fields:
        if field.allowed and field.name in record and record[field.name] not in field.allowed:
            values = ", ".join(map(str, field.allowed))
            reason = f"{field.name}: {record[field.name]} is none of {values}"
            return BadLine(row.line, reason, cells)
    return row
