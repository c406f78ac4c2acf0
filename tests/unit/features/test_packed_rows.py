"""Rows on disk read as the array that they were made of."""

import pickle

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import StandardScaler

from include.features.packed_rows import PackedRows, Part, stacked

N_ROWS, N_COLUMNS = 9_001, 13


@pytest.fixture(scope="module")
def array():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(N_ROWS, N_COLUMNS)).astype(np.float32)
    values[rng.random(values.shape) < 0.7] = 0
    values[5] = 0
    values[7, 3] = np.nan
    return values


@pytest.fixture(scope="module")
def packed(array):
    parts = (Part.of(array[start : start + 2_000]) for start in range(0, N_ROWS, 2_000))
    return PackedRows(parts, N_COLUMNS)


KEYS = {
    "all": slice(None),
    "a range": slice(4_000, 4_200),
    "a mask": np.arange(N_ROWS) % 3 == 1,
    "numbers in no order, one twice": np.array([8_999, 3, 4_096, 3, 7]),
    "the last": -1,
    "none": np.zeros(0, int),
    "some columns": (slice(None), slice(2, 5)),
    "a column": (slice(10, 30), 4),
    "some columns of some rows": (np.array([9, 2, 5_000]), slice(1, 12)),
    "a number": (7, 3),
}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS.keys())
def test_it_is_indexed_as_an_array_is(array, packed, key):
    found = packed[key]

    assert np.shape(found) == array[key].shape
    assert np.array_equal(np.asarray(found), array[key], equal_nan=True)


def test_rows_of_rows_are_those_of_the_array(array, packed):
    assert np.array_equal(packed[1_000:][::-2][:50], array[1_000:][::-2][:50])


def test_two_are_one_behind_the_other(array, packed):
    both = stacked(packed[8_000:], stacked(packed[:2], packed[[4_500]]))

    assert np.array_equal(both, np.concatenate([array[8_000:], array[:2], array[[4_500]]]))
    assert isinstance(both[[0]], PackedRows)


def test_another_process_has_the_same_rows(array, packed):
    other = pickle.loads(pickle.dumps(packed[::2]))

    assert np.array_equal(other, array[::2], equal_nan=True)


def test_an_estimator_of_scikit_learn_takes_the_columns_that_it_wants(array, packed):
    wanted = ColumnTransformer([("some", StandardScaler(), slice(0, 3))])

    assert np.array_equal(wanted.fit_transform(packed), wanted.fit_transform(array))


def test_zeros_take_a_bit(array):
    part = Part.of(array)

    assert part.bits.nbytes + part.values.nbytes < array.nbytes * 0.4
