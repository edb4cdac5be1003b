"""Training rows in canonical order."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import sparse

from algos.factorization_machine.rows import training_table


def sample(n=300, d=40, *, seed=0, one_hot=False, columns=None):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.1)
    X[n // 2 :] = X[: n - n // 2]
    if one_hot:
        X = (X != 0).astype(np.float64)
    return X, rng.integers(0, 3, n).astype(np.float64), rng.integers(0, 4, n).astype(np.float64)


def assert_same(a, b):
    for name in ("target", "weight", "keys"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name
    for name in ("indptr", "indices", "values"):
        mine, its = getattr(a.rows, name), getattr(b.rows, name)
        assert (mine is None and its is None) or np.array_equal(mine, its), name


@pytest.mark.parametrize("one_hot", [True, False])
def test_weights_copies_shuffles_and_storage_give_the_same_arrays(one_hot):
    X, y, weight = sample(one_hot=one_hot)
    table = training_table(sparse.csr_array(X), y, weight)
    places = np.repeat(np.arange(len(y)), weight.astype(int))
    np.random.default_rng(1).shuffle(places)
    assert_same(table, training_table(X[places], y[places], None))
    assert_same(table, training_table(sparse.csr_array(X)[places], y[places], None))
    wide = sparse.csr_array(X)
    wide.indices, wide.indptr = wide.indices.astype(np.int64), wide.indptr.astype(np.int64)
    assert_same(table, training_table(wide, y, weight))


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 60), d=st.integers(1, 8))
def test_no_weight_is_lost(seed, n, d):
    X, y, weight = sample(n, d, seed=seed)
    weight += 1
    table = training_table(X, y, weight)
    assert table.weight.sum() == weight.sum()
    assert len(np.unique(table.keys)) == table.rows.n
    places = np.arange(d) if table.columns.places is None else table.columns.places
    dense = np.zeros((table.rows.n, d))
    values = np.ones(table.rows.stored) if table.rows.values is None else table.rows.values
    owner = np.repeat(np.arange(table.rows.n), np.diff(table.rows.indptr))
    dense[owner, places[table.rows.indices]] = values
    if table.columns.scale is not None:
        dense[:, places] *= table.columns.scale
    expected = np.unique(np.column_stack([X, y]), axis=0)
    found = np.unique(np.column_stack([dense, table.target]).round(9), axis=0)
    np.testing.assert_allclose(found, np.unique(expected.round(9), axis=0), atol=1e-8)


def test_columns_have_a_mean_square_of_one():
    X, y, weight = sample()
    X[:, 3] *= 1e150
    X[:, 4] *= 1e-150
    table = training_table(X, y, weight + 1)
    owner = np.repeat(np.arange(table.rows.n), np.diff(table.rows.indptr))
    each = table.weight[owner]
    total = np.bincount(table.rows.indices, each)
    squares = np.bincount(table.rows.indices, each * table.rows.values**2)
    np.testing.assert_allclose(squares / total, 1.0)


def test_a_constant_value_is_a_value_of_one():
    X = np.array([[0.3, 0.0], [0.3, 0.7], [0.0, 0.7]])
    assert training_table(X, np.arange(3.0), None).rows.values is None


def test_columns_without_values_take_no_room():
    n, d = 100, 10**7
    rng = np.random.default_rng(0)
    X = sparse.csr_array(
        (np.ones(3 * n), (np.repeat(np.arange(n), 3), rng.integers(0, d, 3 * n))), shape=(n, d)
    )
    table = training_table(X, rng.normal(size=n), None)
    assert table.rows.n_columns <= 3 * n
    assert np.array_equal(table.columns.places, np.unique(X.indices))


def test_rows_at_predict_lose_columns_that_training_had_not():
    X, y, weight = sample()
    X[:, 5] = 0
    columns = training_table(X, y, weight + 1).columns
    other = np.zeros((2, 40))
    other[0, [4, 5, 6]] = 1, 2, 3
    other[1, 5] = 7
    rows = columns.rows(sparse.csr_array(other))
    assert np.diff(rows.indptr).tolist() == [2, 0]
    assert columns.places[rows.indices].tolist() == [4, 6]
    np.testing.assert_allclose(rows.values * columns.scale[rows.indices], [1, 3])


def test_rows_without_values_have_a_place_too():
    X, y, _ = sample()
    X[::3] = 0
    table = training_table(X, y, None)
    assert (np.diff(table.rows.indptr) == 0).sum() == len(np.unique(y[~X.any(axis=1)]))
