"""Fields of columns, groups of fields and runs for threads."""

from itertools import pairwise

import numpy as np
from hypothesis import given, strategies as st

from algos.factorization_machine.fields import LONG, find_fields, find_runs, groups_of
from algos.factorization_machine.rows import Rows


def rows_of(is_there):
    indptr = np.concatenate([[0], np.cumsum(is_there.sum(axis=1))]).astype(np.int64)
    return Rows(indptr, np.nonzero(is_there)[1].astype(np.int32), None, is_there.shape[1])


def plain_fields(is_there):
    bounds = [0]
    for column in range(1, is_there.shape[1] + 1):
        field = is_there[:, bounds[-1] : column + 1]
        if column == is_there.shape[1] or (field.sum(axis=1) > 1).any():
            bounds.append(column)
    return bounds


@given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.integers(1, 9), st.floats(0, 1))
def test_fields_are_as_long_as_no_row_has_two_values(seed, n, d, density):
    is_there = np.random.default_rng(seed).random((n, d)) < density
    assert find_fields(rows_of(is_there)).tolist() == plain_fields(is_there)


def test_no_columns_have_no_fields():
    assert find_fields(rows_of(np.zeros((3, 0), dtype=bool))).tolist() == [0]


def test_groups_are_fields_with_small_neighbours_together():
    fields = np.array([0, 20, 21, 22, 25, 40, 41])
    groups = groups_of("auto", fields)
    assert groups[[0, 19, 20, 24, 25, 39, 40]].tolist() == [0, 0, 1, 1, 2, 2, 3]
    assert np.all(np.diff(groups) >= 0)


def test_groups_may_be_given():
    assert groups_of(np.array(["b", "a", "b"]), np.array([0, 3])).tolist() == [1, 0, 1]
    assert groups_of(None, np.array([0, 2, 3])).tolist() == [0, 0, 0]


@given(st.lists(st.integers(0, 3 * LONG // 2), min_size=1, max_size=30), st.integers(1, 6))
def test_runs_keep_to_fields_and_leave_long_columns_alone(counts, every):
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    d = len(counts)
    fields = np.unique(np.append(np.arange(0, d, every), d))
    runs, field_runs = find_runs(fields, starts)
    assert runs[0] == 0 and runs[-1] == d and np.all(np.diff(runs) > 0)
    assert runs[field_runs].tolist() == fields.tolist()
    for begin, end in pairwise(runs):
        assert end - begin == 1 or max(counts[begin:end]) <= LONG
