"""Column names and cells as people write them: the rules that load and uploads share."""

import pytest

from include.contract.headers import (
    Columns,
    declared_delimiter,
    delimiter_of,
    find_columns,
    fit_row,
    is_absent,
    is_blank,
    is_unnamed,
)

WANTED = {"url": ("url", "link", "domain"), "URL_Length": ("URL_Length", "LongURL")}


@pytest.mark.parametrize(
    "name",
    ["url", "URL", " Url ", "\ufeffurl", "link", "Domain", "u\u200brl", "\uff35\uff32\uff2c"],
)
def test_capitals_blanks_and_aliases_make_no_difference(name):
    assert find_columns(["x", name], WANTED).positions == {"url": 1}


@pytest.mark.parametrize("name", ["URL_Length", "url length", "UrlLength", "URL-LENGTH", "longurl"])
def test_words_of_a_name_may_be_joined_in_any_way(name):
    assert find_columns([name], WANTED).positions == {"URL_Length": 0}


def test_a_column_of_the_name_itself_wins_over_an_alias():
    found = find_columns(["Domain", "Link", "URL"], WANTED)

    assert found == Columns({"url": 2}, (), (0, 1))


def test_the_exact_name_wins_over_one_in_capitals():
    assert find_columns(["URL", "url"], WANTED) == Columns({"url": 1}, (), (0,))


def test_a_column_named_twice_is_reported():
    assert find_columns(["URL", "Url"], WANTED).repeated == ("url",)


@pytest.mark.parametrize("name", ["", "  ", "Unnamed: 0", "Unnamed: 31", "\ufeff"])
def test_columns_without_a_name_are_none_of_those_wanted(name):
    assert is_unnamed(name)
    assert find_columns([name, name, "url"], WANTED) == Columns({"url": 2}, (), ())


@pytest.mark.parametrize("cell", ["", " ", "?", "na", "NaN", "NULL", "None", "N/A", "#N/A"])
def test_usual_marks_of_a_missing_value_are_missing(cell):
    assert is_absent(cell)


@pytest.mark.parametrize("cell", ["0", "-1", "nano", "-", "none.example"])
def test_other_cells_are_values(cell):
    assert not is_absent(cell)


def test_rows_of_empty_cells_are_blank():
    assert is_blank(["", " ", "\t"])
    assert is_blank([])
    assert not is_blank(["", "?"])


@pytest.mark.parametrize(
    ("cells", "header", "fitted"),
    [
        (["1", "2"], ["a", "b"], ["1", "2"]),
        (["1", "2", "", " "], ["a", "b"], ["1", "2"]),
        (["1", "2"], ["a", "b", "", ""], ["1", "2", "", ""]),
        (["1", "2", "3"], ["a", "b"], None),
        (["1"], ["a", "b"], None),
        (["1"], ["a", "b", ""], None),
    ],
    ids=["same", "empty_cells_more", "empty_cells_fewer", "longer", "shorter", "shorter_still"],
)
def test_only_empty_cells_are_added_or_cut(cells, header, fitted):
    assert fit_row(cells, header) == fitted


def test_the_delimiter_is_counted_or_declared():
    assert [delimiter_of(line) for line in ("a,b", "a;b;c,d", "a\tb", "a|b", "a")] == list(",;\t|,")
    assert [declared_delimiter(line) for line in ("sep=;\r\n", "\ufeffSEP=,", '"sep=|"')] == list(
        ";,|"
    )
    assert declared_delimiter("url,label") is None
