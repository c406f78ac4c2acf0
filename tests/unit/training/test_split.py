import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.training.split import SIDES, Shares, assign_sides, group_keys

GOLDEN = """
train test calibration train calibration calibration train
test calibration test test calibration train train
train train train calibration train calibration
"""


def keys_of(*keys):
    array = np.empty(len(keys), dtype=object)
    array[:] = keys
    return array


def test_sides_are_the_golden_ones_on_every_machine():
    keys = keys_of(*(f"key-{i}" for i in range(20)))

    assert assign_sides(keys, "0", Shares(0.4, 0.3, 0.3)).tolist() == GOLDEN.split()


def test_bytes_and_str_of_equal_content_share_their_side():
    keys = [f"key-{i}" for i in range(50)]

    as_text = assign_sides(keys_of(*keys), "0")
    as_bytes = assign_sides(keys_of(*(key.encode() for key in keys)), "0")

    assert as_text.tolist() == as_bytes.tolist()


@given(st.lists(st.binary(max_size=4), min_size=1), st.text(max_size=5))
def test_no_key_is_on_two_sides_whatever_the_order(keys, salt):
    doubled = keys_of(*keys, *reversed(keys))

    sides = assign_sides(doubled, salt)

    assert len(set(zip(doubled.tolist(), sides.tolist(), strict=True))) == len(set(keys))
    assert sides[: len(keys)].tolist() == sides[len(keys) :][::-1].tolist()


def test_shares_come_out_within_two_points():
    keys = keys_of(*(str(i) for i in range(5000)))

    sides = assign_sides(keys, "salt", Shares(0.7, 0.2, 0.1))

    found = [float((sides == side).mean()) for side in SIDES]
    assert found == pytest.approx([0.7, 0.2, 0.1], abs=0.02)


def test_another_salt_splits_independently():
    keys = keys_of(*(str(i) for i in range(5000)))

    both_test = (assign_sides(keys, "0") == "test") & (assign_sides(keys, "1") == "test")

    assert both_test.mean() == pytest.approx(0.01, abs=0.005)


def test_more_training_rows_never_move_a_row_out_of_training():
    keys = keys_of(*(str(i) for i in range(500)))

    less = assign_sides(keys, "0", Shares(0.6, 0.2, 0.2)) == "train"
    more = assign_sides(keys, "0", Shares(0.8, 0.1, 0.1)) == "train"

    assert (more | ~less).all()


@pytest.mark.parametrize("shares", [(0.8, 0.1, 0.2), (1.1, -0.1, 0.0)], ids=["sum", "negative"])
def test_shares_that_are_no_parts_of_one_are_refused(shares):
    with pytest.raises(ValueError, match="not three parts of 1"):
        Shares(*shares)


def test_equal_vectors_share_a_key_and_others_do_not():
    X = np.array([[1.0, np.nan, 0.0], [1.0, -np.nan, -0.0], [1.0, 0.0, np.nan], [1, 2, 3]])

    first, same, moved, other = group_keys(X)

    assert first == same
    assert len({first, moved, other}) == 3


def test_keys_keep_trailing_zeros_apart():
    # NumPy's own bytes type drops trailing NUL bytes, which 0.0 is made of.
    assert group_keys([[1.0, 0.0]])[0] != group_keys([[1.0]])[0]


def test_keys_do_not_depend_on_the_float_width():
    X = np.array([[-1.0, 0.0, 1.0]])

    assert group_keys(X)[0] == group_keys(X.astype(np.float32))[0] == X.astype("<f4").tobytes()
