"""Row keys depend on content alone."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from algos._common.random import seed_key
from algos._common.row_key import row_keys

KEY = seed_key(0)
values = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 3.25, 1e300, -1e-300])
tables = hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2), elements=values)


@given(tables)
def test_dense_and_sparse_rows_have_one_key(X):
    expected = row_keys(X, KEY).tolist()
    assert row_keys(sparse.csr_matrix(X), KEY).tolist() == expected
    assert row_keys(np.asfortranarray(X), KEY).tolist() == expected
    assert row_keys(X, KEY, n_threads=3).tolist() == expected


@given(tables)
def test_a_key_says_whether_rows_are_equal(X):
    keys = row_keys(X, KEY)
    same_key = keys[:, None] == keys[None, :]
    same_row = (X[:, None] == X[None, :]).all(axis=2)
    assert np.array_equal(same_key, same_row)


def test_stored_zeros_repeated_columns_and_index_types_do_not_matter():
    expected = row_keys(np.array([[3.0, 0.0], [0.0, 5.0]]), KEY).tolist()
    for index in (np.int32, np.int64):
        data = np.array([1.0, 0.0, 2.0, 5.0])
        columns = np.array([0, 1, 0, 1], dtype=index)
        X = sparse.csr_matrix((data, columns, np.array([0, 3, 4], dtype=index)), shape=(2, 2))
        assert row_keys(X, KEY).tolist() == expected
        assert X.nnz == 4  # the caller's matrix is as it was


def test_float32_rows_have_the_key_of_their_values():
    X = np.random.default_rng(0).normal(size=(50, 9)).astype(np.float32)
    assert row_keys(X, KEY).tolist() == row_keys(X.astype(np.float64), KEY).tolist()


def test_the_seed_and_the_target_count():
    X = np.ones((3, 2))
    y = np.array([0.0, 1.0, 1.0])
    keys = row_keys(X, KEY, y)
    assert keys[0] == row_keys(X, KEY)[0]  # a target of zero adds nothing
    assert keys[0] != keys[1] == keys[2]
    assert keys[0] != row_keys(X, seed_key(1), y)[0]


@pytest.mark.parametrize("n_columns", [1, 2, 8])
def test_small_integers_do_not_collide(n_columns):
    grid = np.stack(np.meshgrid(*[np.arange(4.0)] * n_columns), axis=-1).reshape(-1, n_columns)
    assert len(np.unique(row_keys(grid, KEY))) == len(grid)


def test_every_bit_of_the_key_is_a_fair_coin():
    X = np.arange(20_000.0)[:, None]
    bits = np.unpackbits(row_keys(X, KEY).view(np.uint8)).reshape(len(X), 64)
    deviations = np.abs(bits.mean(axis=0) - 0.5) * 2 * np.sqrt(len(X))
    assert deviations.max() < 5  # standard deviations


def test_rows_without_columns_or_no_rows_have_keys():
    assert len(set(row_keys(np.empty((3, 0)), KEY).tolist())) == 1
    assert row_keys(np.empty((0, 3)), KEY).shape == (0,)
    assert row_keys(sparse.csr_matrix((4, 3)), KEY).shape == (4,)
