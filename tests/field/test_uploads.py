"""Tables as they were met in the field, uploaded to the scorer: read as `load` reads them.

Cases 01, 03, 09, 11, 13 and 61; the numbers are those of the folder's table.
"""

import io

import pytest

from include import pipelines
from include.errors import RequestRejectedError
from include.inference.record_schema import RecordSchema
from include.services.scorer.tables.csv_header import read_table
from include.services.scorer.tables.csv_rows import score_table


class Constant:
    """A model that gives every record the same probability."""

    def __init__(self, pipeline):
        self.schema = RecordSchema(pipelines.get(pipeline).inputs)

    def score(self, matrix):
        import numpy as np

        return np.full(len(matrix), 0.5)


def n_scored(body, pipeline):
    chunks = score_table(read_table(io.BytesIO(body)), Constant(pipeline), 1000)
    return sum(len(chunk.rows) for chunk in chunks)


@pytest.mark.parametrize(
    ("file", "pipeline", "n_rows"),
    [
        ("01-index-and-predicted-column/output.csv", "sites", 6),
        ("01-index-and-predicted-column/train_unnamed.csv", "sites", 6),
        ("03-cr-only-lines/sites.csv", "sites", 6),
        ("03-cr-only-lines/urls.csv", "urls", 2),
        ("09-na-strings/sites.csv", "sites", 6),
        ("09-na-strings/sites_quoted.csv", "sites", 6),
        ("11-trailing-empty-columns-rows/sites.csv", "sites", 6),
        ("11-trailing-empty-columns-rows/sites_empty_rows_only.csv", "sites", 6),
        ("11-trailing-empty-columns-rows/urls.csv", "urls", 2),
        ("13-header-case/sites_upper.csv", "sites", 6),
        ("13-header-case/urls_upper.csv", "urls", 2),
        ("13-header-case/kaggle_bad_good.csv", "urls", 2),
    ],
)
def test_a_table_is_scored_as_load_reads_it(field_dir, file, pipeline, n_rows):
    assert n_scored((field_dir / file).read_bytes(), pipeline) == n_rows


@pytest.mark.parametrize(
    ("body", "pipeline"),
    [
        (b"Link;Note\r\nhttp://a.example/;x\r\n;\r\n", "urls"),
        ("URL\r\nhttp://a.example/\r\n".encode("utf-16"), "urls"),
        (b"Website\rhttp://a.example/\r\r", "urls"),
    ],
    ids=["alias and empty row", "utf-16", "cr"],
)
def test_usual_names_of_the_column_are_known(body, pipeline):
    assert n_scored(body, pipeline) == 1


def test_61_a_row_without_any_value_is_never_scored():
    names = [field.name for field in pipelines.get("sites").inputs]
    header, full = ",".join(names), ",".join("1" * 30)

    assert n_scored(f"{header}\n{full}\n{',' * 29}\n".encode(), "sites") == 1
    with pytest.raises(RequestRejectedError) as refused:
        n_scored(f"id,{header}\n1,{full}\n2{',' * 30}\n".encode(), "sites")
    assert [fault.row for fault in refused.value.faults] == [3]
