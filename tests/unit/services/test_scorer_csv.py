"""CSV files of every dialect are scored, or refused with the line and the column."""

import csv
import io

import pytest

from include.contract.csv_formulas import neutral
from include.errors import RequestRejectedError, RequestUnreadableError
from include.inference.model import load_model
from include.services.scorer.serving.held_bytes import HeldBytes
from include.services.scorer.tables.csv_header import read_table
from include.services.scorer.tables.csv_responses import TableResponse
from include.services.scorer.tables.csv_rows import score_table
from include.services.scorer.tables.response_file import ResponseFile
from tests.support import onnx_graphs
from tests.support.scorer_app import in_production
from tests.support.signed_versions import Version, version_name

MODEL = load_model(onnx_graphs.logistic((2.0, -1.0)), Version(version_name(1)).manifest())
PHISHING = 0.952574  # sigmoid(3)


def score(body, max_rows=1000):
    """Return (cells, probability) of each row."""
    table = read_table(io.BytesIO(body))
    chunks = score_table(table, MODEL, max_rows)
    return [(row.cells, row.probability) for chunk in chunks for row in chunk.rows]


@pytest.mark.parametrize(
    "body",
    [
        b"a,b\n1,-1\n",
        b"a,b\r\n1,-1",
        b"a,b\r1,-1\r",
        b"\xef\xbb\xbfa,b\n1,-1\n",
        b"a;b\n1;-1\n",
        b"a\tb\n1\t-1\n",
        b"b,a\n-1,1\n",
        b'"a","b"\n"1","-1"\n',
        b" a , b \n 1 , -1 \n",
        b"a,b\n\n1,-1\n\n",
        b"name,a,b\nJos\xe9,1,-1\n",
        "name,a,b\nJosé,1,-1\n".encode(),
        "a,b\n1,-1\n".encode("utf-16"),
        b'note,a,b\n"two\nlines",1,-1\n',
        b"a,b\n1.0,-1.0\n",
        b"A,B\n1,-1\n",
        b",a,b\n0,1,-1\n",
        b"Unnamed: 0,a,b,Unnamed: 0.1\n0,1,-1,0\n",
        b"a,b,,\r\n1,-1,,\r\n,,,\r\n",
        b"a,b\n1,-1,,\n , \n",
        b"sep=;\na;b\n1;-1\n",
        b"a|b\n1|-1\n",
        b",a,b\n,1,-1\n",
    ],
    ids=[
        "plain", "crlf", "cr", "bom", "semicolons", "tabs", "order", "quotes", "spaces", "blank",
        "latin-1", "utf-8", "utf-16", "line break", "floats", "capitals", "index", "pandas index",
        "ghost columns", "ghost cells", "declared delimiter", "bars", "index without a value",
    ],
)  # fmt: skip
def test_a_row_is_scored_in_any_dialect(body):
    ((_, probability),) = score(body)

    assert probability == pytest.approx(PHISHING, abs=1e-5)


@pytest.mark.parametrize(
    ("body", "line", "column", "rule"),
    [
        (b"a,b\n1,-1\n1,2\n", 3, "b", "allowed"),
        (b"a,b\n1,-1\n\n1,x\n", 4, "b", "type"),
        (b"a,b\nTRUE,1\n", 2, "a", "type"),
        (b"a,b\n1\n", 2, "", "length"),
        (b"a,b\n1,1,1\n", 2, "", "length"),
        (b"a,c\n1,1\n", 1, "b", "missing"),
        (b"note,a,b\nx,1,1\nx,,\n", 3, "", "missing"),
        (b"note,a,b\nx,1,1\nx,NaN,?\n", 3, "", "missing"),
        (b"a,b\n" + b"1,1\n" * 9000 + b"1,5\n", 9002, "b", "allowed"),
    ],
    ids=["value", "text", "bool", "short", "long", "column", "no value", "marks", "late"],
)
def test_a_bad_row_is_named_by_line_and_column(body, line, column, rule):
    with pytest.raises(RequestRejectedError) as caught:
        score(body, max_rows=10_000)

    (fault,) = caught.value.faults
    assert (fault.row, fault.field, fault.rule) == (line, column, rule)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "no header"),
        (b"\n1,2\n", "lacks columns"),
        (b"a,b,a\n1,1,1\n", "names 'a' twice"),
        (b",".join(b"c%d" % n for n in range(2000)), "2000 columns"),
        (b"a,b\n" + b"1" * 3_000_000, "line is longer"),
        (b"a,b\n1,1\n1,1\n1,1\n", "more than 2 rows"),
    ],
    ids=["empty", "blank header", "twice", "wide", "endless line", "many rows"],
)
def test_a_file_outside_the_limits_is_refused(body, reason):
    with pytest.raises(RequestRejectedError, match=reason):
        score(body, max_rows=2)


@pytest.mark.parametrize(
    "body",
    [b'a,b\n"1,1\n', b'a,b\n"1"x,1\n', b"\xff\xfea\x00,\x00b\x00\n\x00\x00\xd8\n\x00"],
    ids=["open quote", "after quote", "broken utf-16"],
)
def test_what_is_no_csv_is_unreadable(body):
    with pytest.raises(RequestUnreadableError):
        score(body)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"PK\x03\x04\x14\x00\x06\x00", "Excel workbook"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b'{"urls": ["http://a.example/"]}', "JSON"),
        (b"<!DOCTYPE html>\n<html>", "HTML"),
    ],
    ids=["xlsx", "gzip", "json", "html"],
)
def test_another_format_is_named(body, what):
    with pytest.raises(RequestUnreadableError, match=what):
        score(body)


@pytest.mark.parametrize("mark", ["", "?", "NaN", "null", "N/A"])
def test_usual_marks_of_a_missing_value_are_missing(mark):
    ((_, empty), (_, marked)) = score(f"a,b\n1,\n1,{mark}\n".encode())

    assert empty == marked or (empty != empty and marked != marked)


def test_rows_are_read_as_they_are_asked_for():
    def file(n_rows):
        return io.BytesIO(b"a,b\n" + b"1,-1\n" * n_rows)

    body = file(100_000)
    table = read_table(body)
    next(score_table(table, MODEL, 1_000_000))

    assert body.tell() < 200_000


def test_equal_rows_get_equal_answers_in_order():
    rows = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)] * 1000
    text = io.StringIO()
    csv.writer(text).writerows([("a", "b"), *rows])
    scored = score(text.getvalue().encode(), max_rows=10_000)

    assert [tuple(map(int, cells)) for cells, _ in scored] == rows
    by_row = {}
    for (_, probability), row in zip(scored, rows, strict=True):
        assert by_row.setdefault(row, probability) == probability
    assert by_row[1, -1] > by_row[0, 0] == 0.5 > by_row[-1, 1]


def test_a_cell_of_several_lines_late_in_a_file_is_one_cell():
    plain = b"x,1,1\n" * 40_000
    cell = b'"first\nx,1,1\nlast"'  # its second line looks like the rows before
    scored = score(b"note,a,b\n" + plain + cell + b",1,-1\n" + plain, max_rows=100_000)

    assert len(scored) == 80_001
    (cells, probability) = scored[40_000]
    assert cells == ["first\nx,1,1\nlast", "1", "-1"]
    assert probability == pytest.approx(PHISHING, abs=1e-5)


@pytest.mark.parametrize("after", [b"1,5\n", b'1,"5"\n'], ids=["plain", "quoted"])
def test_lines_are_counted_across_a_cell_of_several_lines(after):
    body = b"note,a,b\n" + b"x,1,1\n" * 30_000 + b'"two\nlines",1,1\n\nx,' + after
    with pytest.raises(RequestRejectedError) as caught:
        score(body, max_rows=100_000)

    (fault,) = caught.value.faults
    assert (fault.row, fault.field) == (30_005, "b")


def test_quotes_within_a_plain_cell_are_kept():
    ((cells, _),) = score(b'note,a,b\n5" pipe,1,-1\n')

    assert cells[0] == '5" pipe'


def answer_to(body):
    table = read_table(io.BytesIO(body))
    entry = in_production("sites", onnx_graphs.logistic((2.0, -1.0)))
    chunks = score_table(table, entry.model, 10_000)
    files = HeldBytes(1_000_000)
    return TableResponse(
        table.header, chunks, entry, "id", lambda: ResponseFile(files, "", 100_000)
    )


def test_totals_count_every_row_by_verdict_and_the_worst_are_shown_first():
    answer = answer_to(b"a,b\n" + b"1,-1\n" * 300 + b"\n" + b"-1,1\n" * 200)
    answer.count()

    assert answer.totals.by_label == {"Phishing": 300, "Suspicious": 0, "Legitimate": 200}
    assert answer.totals.rows == len(answer.totals.shown) == 500
    assert [row_id for _, _, _, row_id in answer.totals.shown[-2:]] == ["id-498", "id-499"]


def test_equal_lines_get_ids_of_their_own_and_their_text_is_neutral_everywhere():
    answered = answer_to(b'a,note,b\n1,=X(),-1\n1,"q,=",-1\n1,=X(),-1\n').to_csv()
    answered.rewind()
    rows = list(csv.DictReader(io.StringIO(answered.read().decode(), newline="")))

    assert [row["note"] for row in rows] == ["'=X()", "q,=", "'=X()"]
    assert [row["id"] for row in rows] == ["id-0", "id-1", "id-2"]
    assert {(row["a"], row["b"], row["prediction"]) for row in rows} == {("1", "-1", "Phishing")}


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("-1", "-1"),
        ("+1.5e3", "+1.5e3"),
        ("=SUM(A1)", "'=SUM(A1)"),
        ("-1+cmd", "'-1+cmd"),
        ("@x", "'@x"),
        ("+x", "'+x"),
        ("\tx", "'\tx"),
        ("\n=x", "'\n'=x"),
        (" =x", "' =x"),
        ("\uff1dx", "'\uff1dx"),
        ("\uff20x", "'\uff20x"),
        ("a;=x", "a;'=x"),
        ("a| \uff0bx", "a| '\uff0bx"),
        ('a\t"@x', "a\t\"'@x"),
        ("a\r\n-x", "a\r\n'-x"),
        ("http://a.example/@48.8,-2.3", "http://a.example/@48.8,-2.3"),
        ("plain", "plain"),
        ("", ""),
    ],
)
def test_formulas_are_neutralised_and_numbers_kept(cell, kept):
    assert neutral(cell) == kept
