"""Gzipped lines of somebody else are read within limits."""

import gzip

import pytest

from include.errors import DataRejectedError
from include.stores.gzip_lines import MAX_LINE_BYTES, gzip_lines


def test_lines_of_several_members_are_read_in_order():
    assert list(gzip_lines(gzip.compress(b"a\nb\n") + gzip.compress(b"c\n"))) == [
        b"a\n",
        b"b\n",
        b"c\n",
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (gzip.compress(b"x" * (MAX_LINE_BYTES + 1)), "a line has more"),
        (gzip.compress(b"0123456789\n" * 200), "unpacked"),
        (gzip.compress(b"a\nb\n" * 1000)[:-20], "breaks off"),
        (b"no gzip", "breaks off"),
    ],
    ids=["endless line", "bomb", "cut", "other format"],
)
def test_what_is_too_long_or_damaged_is_refused(body, reason):
    with pytest.raises(DataRejectedError, match=reason):
        list(gzip_lines(body, 1_000 if reason == "unpacked" else 100_000_000))


def test_a_bomb_is_refused_after_few_bytes():
    lines = gzip_lines(gzip.compress(b"x\n" * 1_000_000), 1_000)
    read = 0
    with pytest.raises(DataRejectedError):
        for line in lines:
            read += len(line)

    assert read <= 1_000
