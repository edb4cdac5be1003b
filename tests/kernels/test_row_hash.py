"""The row hash against an oracle of Python integers."""

import itertools

import numpy as np
import pytest

from algos._cython import row_hash

MASK = 2**64 - 1
KEY = np.array([0x0123456789ABCDEF, 0xFEDCBA9876543210], dtype=np.uint64)


def mix(h):
    h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    h = (h ^ (h >> 27)) * 0x94D049BB133111EB & MASK
    return h ^ (h >> 31)


def fold(value):
    bits = int(np.float64(value + 0.0).view(np.uint64))
    bits = (bits ^ bits >> 32) * 0xBF58476D1CE4E5B9 & MASK
    return bits ^ bits >> 32


def factor(column):
    step = 0x9E3779B97F4A7C15 * (column + 2)
    return mix(mix(int(KEY[0]) + step & MASK) ^ int(KEY[1])) | 1


def oracle(row, target=None):
    total = sum(factor(j) * fold(value) for j, value in enumerate(row))
    total += 0 if target is None else factor(-1) * fold(target)
    return mix(mix(total & MASK ^ int(KEY[0])) + int(KEY[1]) & MASK)


def factors_of(n_columns):
    factors = np.empty(n_columns, dtype=np.uint64)
    return factors, row_hash.column_factors(KEY, factors)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_columns", [1, 2, 7, 8, 33])
def test_dense_rows_hash_as_the_formula_says(dtype, n_columns):
    X = np.random.default_rng(0).normal(size=(2100, n_columns)).astype(dtype)
    X[X < -1] = -0.0
    y = np.arange(len(X), dtype=np.float64)
    factors, target_factor = factors_of(n_columns)
    keys = np.zeros(len(X), dtype=np.uint64)
    row_hash.add_dense(X, factors, keys, 2)
    row_hash.add_target(y, target_factor, keys)
    row_hash.finish(KEY, keys)
    for i in (0, 1, 1023, 1024, 2099):
        assert int(keys[i]) == oracle(X[i].astype(float).tolist(), y[i])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_csr_rows_hash_as_the_formula_says(dtype, index):
    data = np.array([1.5, 0.0, -2.0, 3.0], dtype=dtype)
    columns = np.array([2, 0, 1, 0], dtype=index)
    starts = np.array([0, 2, 2, 4], dtype=index)
    keys = np.zeros(3, dtype=np.uint64)
    row_hash.add_csr(data, columns, starts, factors_of(3)[0], keys, 1)
    row_hash.finish(KEY, keys)
    rows = [[0, 0, 1.5], [0, 0, 0], [3.0, -2.0, 0]]
    assert [int(key) for key in keys] == [oracle(row) for row in rows]


def test_disagreeing_shapes_are_refused():
    factors = factors_of(3)[0]
    with pytest.raises(ValueError, match="shapes"):
        row_hash.add_dense(np.zeros((4, 2)), factors, np.zeros(4, dtype=np.uint64), 1)
    with pytest.raises(ValueError, match="shapes"):
        row_hash.add_dense(np.zeros((4, 3)), factors, np.zeros(3, dtype=np.uint64), 1)
    with pytest.raises(ValueError, match="words"):
        row_hash.column_factors(KEY[:1], factors)


def keys_of(X):
    factors, _ = factors_of(X.shape[1])
    keys = np.zeros(len(X), dtype=np.uint64)
    row_hash.add_dense(X, factors, keys, 1)
    return keys


@pytest.mark.parametrize("value", [*range(1, 256), *(2.0 ** np.arange(-60, 60, 3)), -32, 0.1])
def test_rows_of_zeros_and_one_number_differ(value):
    X = value * np.array(list(itertools.product((0.0, 1.0), repeat=10)))
    assert len(np.unique(keys_of(X))) == len(X)


@pytest.mark.parametrize("step", [0.25, 1, 16, 31, 32, 1000, 2.0**20])
def test_rows_of_a_grid_differ(step):
    for levels, n_columns in ((256, 2), (20, 3), (4, 7)):
        X = step * np.array(list(itertools.product(range(levels), repeat=n_columns)), dtype=float)
        assert len(np.unique(keys_of(X))) == len(X)
