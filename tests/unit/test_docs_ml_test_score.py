"""The ML Test Score that `docs/ml-test-score.md` states is the one that its rows add up to."""

import re

import pytest

from tests.support import doc_pages

PAGE = doc_pages.ROOT / "docs" / "ml-test-score.md"
TEXT = PAGE.read_text()
ROW = re.compile(r"^\| ([DMIO])(\d) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]*)\|$", re.M)
SECTION = re.compile(r"^## (\w+): ([\d.]+) of 7$", re.M)
LETTERS = {"Data": "D", "Model": "M", "Infrastructure": "I", "Monitoring": "O"}
ROWS = ROW.findall(TEXT)
SUMS = {
    letter: sum(float(row[3]) for row in ROWS if row[0] == letter) for letter in LETTERS.values()
}


def test_there_are_seven_rows_in_each_of_the_four_sections():
    assert [f"{letter}{number}" for letter, number, *_ in ROWS] == [
        f"{letter}{number}" for letter in LETTERS.values() for number in range(1, 8)
    ]


@pytest.mark.parametrize("row", ROWS, ids=["".join(row[:2]) for row in ROWS])
def test_a_score_is_one_of_three_and_is_held_by_tests(row):
    _, _, _, score, words, held = row
    named = doc_pages.tests_named(held)

    assert score in {"0", "0.5", "1"}
    assert (score == "0") == (named == [])
    assert all(function in doc_pages.functions_of(file) for file, function in named)
    assert score == "1" or re.search(r"\b(no|not|nobody|nothing|never|your)\b", words)


def test_the_sum_of_each_section_is_the_one_stated():
    stated = {LETTERS[title]: float(number) for title, number in SECTION.findall(TEXT)}

    assert stated == SUMS


def test_the_score_is_that_of_the_weakest_section():
    (stated,) = re.findall(r"^\*\*ML Test Score: ([\d.]+)\*\*$", TEXT, re.M)

    assert float(stated) == min(SUMS.values())
