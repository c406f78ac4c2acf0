"""Files of records: every usual way to write one is read, every fault is named by its line."""

import gzip
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.contract.schema import InputField, Target
from include.errors import DataRejectedError
from include.ingest.files.layout import Identity, Layout
from include.ingest.files.reader import Row, read_records
from include.ingest.files.text_lines import LINE_LIMIT_CHARS, BadLine
from include.ingest.files.values import EARLIEST, LATEST, parse_date

LAYOUT = Layout(
    fields=(
        InputField("Age", "int8", (-1, 1)),
        InputField("popUpWidnow", "int8", (-1, 1), aliases=("popUpWindow",)),
    ),
    target=Target("Result", -1, 1),
    label_aliases=("class",),
    ignored=frozenset({"index"}),
)
ONE = {"Age": 1, "popUpWidnow": -1, "Result": 1}
OTHER = {"Age": -1, "popUpWidnow": 1, "Result": -1}


def read_url(text):
    """Accept what has a dot and no blank: the URLs of these tests."""
    if "." not in text or " " in text:
        raise ValueError(f"{text!a} is no URL")
    return text


TEXTS = Layout(
    fields=(InputField("url", "string", None, aliases=("link", "domain")),),
    target=Target("label", 1, 0),
    label_aliases=("status",),
    details=(
        InputField("source", "string", None),
        InputField("seen", "timestamp", None, aliases=("date",)),
    ),
    identity=Identity(("url", "label"), lambda record: str(record["url"]), since="seen"),
    strict=False,
    read_text=read_url,
)


def read(tmp_path, content, name="some.csv", layout=LAYOUT, known=None):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_records(path, layout, known))


GOOD = {
    "plain": b"Age,popUpWidnow,Result\n1,-1,1\n-1,1,-1\n",
    "no_newline_at_the_end": b"Age,popUpWidnow,Result\n1,-1,1\n-1,1,-1",
    "byte_order_mark": b"\xef\xbb\xbfAge,popUpWidnow,Result\n1,-1,1\n-1,1,-1\n",
    "windows_line_ends": b"Age,popUpWidnow,Result\r\n1,-1,1\r\n-1,1,-1\r\n",
    "semicolons": b"Age;popUpWidnow;Result\n1;-1;1\n-1;1;-1\n",
    "tabs": b"Age\tpopUpWidnow\tResult\n1\t-1\t1\n-1\t1\t-1\n",
    "quoted": b'"Age","popUpWidnow","Result"\n"1","-1","1"\n"-1","1","-1"\n',
    "spaces": b"Age , popUpWidnow, Result\n 1, -1 ,1\n-1,1,-1 \n",
    "other_order": b"Result,Age,popUpWidnow\n1,1,-1\n-1,-1,1\n",
    "other_case": b"AGE,popupwidnow,result\n1,-1,1\n-1,1,-1\n",
    "known_other_spelling": b"Age,popUpWindow,class\n1,-1,1\n-1,1,-1\n",
    "column_to_leave_out": b"Index,Age,popUpWidnow,Result\n0,1,-1,1\nx,-1,1,-1\n",
    "names_without_underscores": b"age,Pop Up Widnow,RESULT\n1,-1,1\n-1,1,-1\n",
    "column_without_a_name": b",Age,popUpWidnow,Result\n0,1,-1,1\n1,-1,1,-1\n",
    "pandas_index": b"Unnamed: 0,Age,popUpWidnow,Result\n0,1,-1,1\n1,-1,1,-1\n",
    "empty_columns": b"Age,popUpWidnow,Result,,\r\n1,-1,1,,\r\n-1,1,-1\r\n",
    "empty_cells": b"Age,popUpWidnow,Result\n1,-1,1,,\n-1,1,-1, \n",
    "empty_rows": b"Age,popUpWidnow,Result\n1,-1,1\n,,\n , ,\n-1,1,-1\n,,\n",
    "mac_line_ends": b"Age,popUpWidnow,Result\r1,-1,1\r-1,1,-1\r",
    "utf16": "Age,popUpWidnow,Result\r\n1,-1,1\r\n-1,1,-1\r\n".encode("utf-16"),
    "utf16_big_endian": b"\xfe\xff" + "Age,popUpWidnow,Result\n1,-1,1\n-1,1,-1".encode("utf-16-be"),
    "latin1_column_to_leave_out": b"Index,Age,popUpWidnow,Result\n\xe9,1,-1,1\n\xfc,-1,1,-1\n",
    "declared_delimiter": b"sep=;\r\nAge;popUpWidnow;Result\r\n1;-1;1\r\n-1;1;-1\r\n",
    "bars": b"Age|popUpWidnow|Result\n1|-1|1\n-1|1|-1\n",
    "comments_above": b"# made by hand\n; today\nAge,popUpWidnow,Result\n1,-1,1\n-1,1,-1\n",
    "header_in_a_comment": b"##\n# made by hand\n# Age,popUpWidnow,Result\n1,-1,1\n# x\n-1,1,-1\n",
    "whole_floats": b"Age,popUpWidnow,Result\n1.0,-1.,+1\n-1.000,1,-1\n",
    "gzip": gzip.compress(b"Age,popUpWidnow,Result\n1,-1,1\n-1,1,-1\n"),
    "arff": b"% comment\n@relation phishing\n\n@attribute Age  { -1,1 }\n"
    b"@ATTRIBUTE 'popUpWidnow' numeric\n% another\n@attribute Result {-1,1}\n\n@data\n"
    b"1,-1,1\n% third\n-1,1,-1\n",
    "arff_windows": b"@relation p\r\n@attribute Age {-1,1}\r\n@attribute popUpWidnow { 1,-1 }\r\n"
    b"@attribute Result {1,-1}\r\n\r\n\r\n@data\r\n1,-1,1\r\n-1,1,-1\r\n",
}


@pytest.mark.parametrize("content", GOOD.values(), ids=GOOD.keys())
def test_every_spelling_gives_the_same_records(tmp_path, content):
    rows = read(tmp_path, content)

    assert [row.record for row in rows] == [ONE, OTHER]


def test_rows_carry_the_line_they_stand_in(tmp_path):
    rows = read(tmp_path, GOOD["arff"])

    assert [row.line for row in rows] == [10, 12]


HEAD = "Age,popUpWidnow,Result\n"
BAD_ROWS = {
    "too_few_cells": (HEAD + "1,-1\n", "2 cells instead of 3"),
    "too_many_cells": (HEAD + "1,-1,1,1\n", "4 cells instead of 3"),
    "word": (HEAD + "1,abc,1\n", "popUpWidnow: 'abc' is not a whole number"),
    "fraction": (HEAD + "0.5,-1,1\n", "Age: '0.5' is not a whole number"),
    "underscore": (HEAD + "1_0,-1,1\n", "Age: '1_0' is not a whole number"),
    "other_digits": (HEAD + "\u0661,-1,1\n", "Age: '\\u0661' is not a whole number"),
    "beyond_int32": (HEAD + "2147483648,-1,1\n", "Age: '2147483648' is not a whole number"),
    "open_quote": (HEAD + '1,"-1,1\n', "unexpected end of data"),
    "all_absent": (HEAD + "?,,\n", "every cell is empty"),
    "not_utf8": (HEAD.encode() + b"1,\xff,1\n", "popUpWidnow: '\\xff' is not a whole number"),
    "nul": (HEAD + "1,\0,1\n", "not text"),
    "endless": (HEAD + "1" * (3 * LINE_LIMIT_CHARS) + "\n", "longer than 65536 characters"),
}


@pytest.mark.parametrize(("content", "reason"), BAD_ROWS.values(), ids=BAD_ROWS.keys())
def test_a_bad_row_is_reported_by_line_and_costs_no_other(tmp_path, content, reason):
    good = b"-1,1,-1\n"
    data = content if isinstance(content, bytes) else content.encode()

    rows = read(tmp_path, data + good)

    assert rows == [BadLine(2, reason), Row(3, OTHER)]


BAD_FILES = {
    "empty": (b"", "the file is empty"),
    "blank": (b"\n \n", "the file is empty"),
    "missing_column": (b"Age,Result\n1,1\n", "line 1: missing column 'popUpWidnow'"),
    "unknown_column": (
        b"Age,popUpWidnow,Result,Colour\n1,1,1,1\n",
        "line 1: unknown column 'Colour'",
    ),
    "repeated_column": (
        b"Age,popUpWidnow,POPUPWIDNOW,popUpWidnow,Result\n1,1,1,1,1\n",
        "line 1: unknown column 'POPUPWIDNOW', 'popUpWidnow'",
    ),
    "no_header": (b"1,-1,1\n-1,1,-1\n", "line 1: unknown column '1', '-1', '1'"),
    "png": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 8, "this is an image"),
    "workbook": (b"PK\x03\x04\x14\0" + bytes(range(256)), "an Excel workbook"),
    "half_utf16": ("Age,popUpWidnow,Result\n".encode("utf-16")[:-1], "not UTF-16"),
    "utf16_unmarked": ("Age,popUpWidnow,Result\n".encode("utf-16-le"), "line 1: not text"),
    "json": (b'[\n  {"Age": 1, "Result": 1}\n]\n', "line 1: this is JSON"),
    "lfs_pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "git lfs pull"),
    "zeros": (b"\0" * 200_000, "line 1: longer than 65536 characters"),
    "short_zeros": (b"\0" * 200, "line 1: not text"),
    "html": (b"<!DOCTYPE html>\n<html></html>\n", "line 1: this is HTML"),
    "cut_gzip": (gzip.compress(b"Age,popUpWidnow,Result\n" * 999)[:-9], "damaged gzip"),
    "false_gzip": (b"\x1f\x8b" + b"nonsense", "damaged gzip"),
    "arff_without_data": (b"@relation p\n@attribute Age {1}\n", "an ARFF file without @data"),
    "arff_missing": (
        b"@relation p\n@attribute Age {1}\n@attribute Result {1}\n@data\n1,1\n",
        "line 4: missing column 'popUpWidnow'",
    ),
    "open_quote_in_header": (b'Age,"popUpWidnow,Result\n', "line 1: unexpected end of data"),
}


@pytest.mark.parametrize(("content", "reason"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_a_file_that_is_no_such_table_is_refused_by_name(tmp_path, content, reason):
    with pytest.raises(DataRejectedError) as refusal:
        read(tmp_path, content)

    assert reason in str(refusal.value)
    assert "some.csv" in str(refusal.value)


def test_a_missing_file_and_a_directory_are_refused_by_name(tmp_path):
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(DataRejectedError, match=r"cannot be read: (No such file|Is a dir)"):
            list(read_records(path, LAYOUT))


def test_missing_cells_are_absent_and_odd_values_stay(tmp_path):
    rows = read(tmp_path, HEAD + "?,7,1\n1,,\n")

    assert rows == [Row(2, {"popUpWidnow": 7, "Result": 1}), Row(3, {"Age": 1})]


def test_other_types_of_columns_are_read(tmp_path):
    layout = Layout(
        (InputField("url", "string", None), InputField("share", "float32", None)),
        Target("label", 1, 0),
    )

    rows = read(
        tmp_path,
        'url,share,label\n"http://a.example/?q=1,2",0.25,1\nhttp://b.example,inf,0\n'
        "http://c.example,1e3,0\nhttp://d.example,x,0\n",
        layout=layout,
    )

    assert rows == [
        Row(2, {"url": "http://a.example/?q=1,2", "share": 0.25, "label": 1}),
        BadLine(3, "share: 'inf' is not a finite number"),
        Row(4, {"url": "http://c.example", "share": 1000.0, "label": 0}),
        BadLine(5, "share: 'x' is not a finite number"),
    ]


@pytest.mark.parametrize("shape", ["many_rows", "one_line", "open_quotes"])
def test_memory_stays_bounded_whatever_the_file(tmp_path, shape):
    path = tmp_path / "large.csv"
    with path.open("w") as stream:
        stream.write(HEAD)
        for _ in range(20):
            stream.write(
                {"many_rows": "1,-1,1\n", "one_line": "1,-1,1,", "open_quotes": '1,"-1,1\n'}[shape]
                * 1000
            )
    tracemalloc.start()
    n_rows = sum(1 for _ in read_records(path, LAYOUT))
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert n_rows == (1 if shape == "one_line" else 20_000)
    assert peak_bytes < 500_000


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2025-02-24", datetime(2025, 2, 24, tzinfo=UTC)),
        ("2025-02-24 10:30:00", datetime(2025, 2, 24, 10, 30, tzinfo=UTC)),
        ("2025-02-24T12:30:00+02:00", datetime(2025, 2, 24, 10, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_without_a_zone_is_in_utc(tmp_path, cell, moment):
    (row,) = read(tmp_path, f"url,label,date\nhttp://a.example,1,{cell}\n", layout=TEXTS)

    assert row.record["seen"] == moment


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026/11/03 10:15:00", datetime(2026, 11, 3, 10, 15, tzinfo=UTC)),
        ("2026.1.3", datetime(2026, 1, 3, tzinfo=UTC)),
        ("2024-05-01 10:00:00 UTC", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("2024-05-01T10:00:00Z", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("1714557600", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("1714557600000", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("Wed\t 01 May 2024 12:00:00 +0200", datetime(2024, 5, 1, 10, tzinfo=UTC)),
    ],
)
def test_other_usual_ways_to_write_a_date_are_read(cell, moment):
    assert parse_date(cell) == moment


@pytest.mark.parametrize(
    "cell",
    [
        "yesterday",
        "03/11/2026",
        "2026-13-01",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59-06:00",
        "0000-00-00",
        "1970-01-01",
        "1899-12-30",
        "99999999999999999999999",
        "1" * 400,
        "20",
        "Thu, 01 Jan 1970 00:00:00 -9999",
        "\u0661\u0667\u0661\u0664\u0665\u0665\u0667\u0666\u0660\u0660",
    ],
)
def test_a_date_that_cannot_be_read_costs_the_date_and_not_the_record(tmp_path, cell):
    (row,) = read(tmp_path, f'url,label,date\nhttp://a.example,1,"{cell}"\n', layout=TEXTS)

    assert row.record == {"url": "http://a.example", "label": 1}
    assert row.lost_date == cell


@given(st.text(max_size=40) | st.from_regex(r"[0-9:TZ+\-/., ]{1,40}", fullmatch=True))
def test_no_text_is_a_date_outside_the_calendar(text):
    moment = parse_date(text)

    assert moment is None or EARLIEST <= moment < LATEST


@pytest.mark.parametrize(
    ("word", "stored"), [("phishing", 1), ("Legitimate", 0), ("1", 1), ("BAD", 1), ("benign", 0)]
)
def test_a_label_may_be_a_word(tmp_path, word, stored):
    (row,) = read(tmp_path, f"url,label\nhttp://a.example,{word}\n", layout=TEXTS)

    assert row.record["label"] == stored


def test_a_label_in_words_keeps_the_polarity_of_the_pipeline(tmp_path):
    rows = read(tmp_path, HEAD + "1,-1,phishing\n1,-1,legitimate\n")

    assert [row.record["Result"] for row in rows] == [-1, 1]


def test_columns_that_only_describe_may_be_absent_and_unknown_ones_are_left_out(tmp_path):
    rows = read(tmp_path, "label,domain,url\n0,a.example,http://a.example\n", layout=TEXTS)

    assert rows == [Row(2, {"label": 0, "url": "http://a.example"})]


BAD_TEXTS = {
    "empty_url": (",1,2025-01-01", "url is missing"),
    "no_label": ("http://a.example,,2025-01-01", "label is missing"),
    "unknown_label": ("http://a.example,2,2025-01-01", "label: 2 is not a label"),
    "unknown_word": ("http://a.example,spam,2025-01-01", "label: 'spam' is not a whole number"),
    "no_url": ("hello world,1,2025-01-01", "url: 'hello world' is no URL"),
}


@pytest.mark.parametrize(("line", "reason"), BAD_TEXTS.values(), ids=BAD_TEXTS.keys())
def test_a_line_that_does_not_say_what_it_is_about_is_bad(tmp_path, line, reason):
    rows = read(tmp_path, f"url,label,date\n{line}\n", layout=TEXTS)

    (bad,) = rows
    assert bad.line == 2
    assert bad.reason.startswith(reason)


LISTS = {
    "plain": "http://a.example/?q=1,2\nhttp://b.example\n",
    "comments": "# of today\n\nhttp://a.example/?q=1,2\n  # more\nhttp://b.example\n",
    "one_column_csv": 'url\n"http://a.example/?q=1,2"\nhttp://b.example\n',
    "windows": "http://a.example/?q=1,2\r\nhttp://b.example\r\n",
}


@pytest.mark.parametrize("content", LISTS.values(), ids=LISTS.keys())
def test_a_list_is_read_with_the_label_that_is_given(tmp_path, content):
    rows = read(tmp_path, content, "list.txt", TEXTS, {"label": 1, "source": "me"})

    assert [row.record for row in rows] == [
        {"url": url, "label": 1, "source": "me"}
        for url in ("http://a.example/?q=1,2", "http://b.example")
    ]


def test_a_lists_lines_are_numbered_as_in_an_editor_and_bad_ones_named(tmp_path):
    content = b"# one\nhttp://a.example\n\n\xff\nhttp://b.example\n"

    rows = read(tmp_path, content, "list.txt", TEXTS, {"label": 0})

    assert [row.line for row in rows] == [2, 4, 5]
    assert rows[1] == BadLine(4, "'\\xff' is no URL")


def test_a_url_with_a_stray_quote_can_be_the_first_of_a_list(tmp_path):
    (row,) = read(tmp_path, '"http://a.example/"x\n', "list.txt", TEXTS, {"label": 1})

    assert row.record["url"] == '"http://a.example/"x'


def test_a_list_without_a_label_is_refused(tmp_path):
    hint = "missing column 'url', 'label'; a plain list is read where its label is given"
    with pytest.raises(DataRejectedError, match=hint):
        read(tmp_path, "http://a.example\n", "list.txt", TEXTS)


def test_a_table_without_the_column_is_not_taken_for_a_list(tmp_path):
    with pytest.raises(DataRejectedError, match="line 1: missing column 'url'"):
        read(tmp_path, "page,verified\nhttp://a.example,yes\n", layout=TEXTS, known={"label": 1})


def test_what_is_given_fills_the_gaps_of_a_file(tmp_path):
    content = "url,source\nhttp://a.example,feed\nhttp://b.example,\n"

    rows = read(tmp_path, content, layout=TEXTS, known={"label": 1, "source": "me"})

    assert [row.record["source"] for row in rows] == ["feed", "me"]
    assert [row.record["label"] for row in rows] == [1, 1]


def test_a_label_is_not_given_to_a_file_that_has_one(tmp_path):
    with pytest.raises(DataRejectedError, match="given although present, column 'label'"):
        read(tmp_path, "url,label\nhttp://a.example,0\n", layout=TEXTS, known={"label": 1})
