"""Sums of the stored values of CSR columns against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import sparse

from algos._common.csr import csr_rows
from algos._common.moments import sparse_moments_of
from algos._cython.sparse_moments import sparse_moments


def random_rows(n, d, density, dtype=np.float64, index=np.int32, seed=0):
    X = sparse.random(n, d, density=density, format="csr", random_state=seed).astype(dtype)
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    return X


def expected_moments(X, weight, shift):
    stored, values = np.zeros(X.shape), X.toarray().astype(np.float64) - shift
    stored[np.repeat(np.arange(X.shape[0]), np.diff(X.indptr)), X.indices] = 1
    return np.stack([weight @ stored, weight @ (stored * values), weight @ (stored * values**2)])


def found_moments(X, weight, shift, n_threads=1):
    found = np.full((3, X.shape[1]), np.nan)
    sparse_moments(csr_rows(X), weight, shift, found, n_threads)
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("shape", [(1, 1), (3, 7), (700, 11), (5000, 3)])
def test_sums_are_those_of_numpy(dtype, index, shape):
    rng = np.random.default_rng(0)
    X = random_rows(*shape, 0.4, dtype, index)
    weight, shift = rng.uniform(0.5, 2, size=shape[0]), rng.normal(size=shape[1])
    expected = expected_moments(X, weight, shift)
    np.testing.assert_allclose(found_moments(X, weight, shift), expected, rtol=1e-12, atol=1e-9)


def test_threads_change_nothing():
    X = random_rows(20_000, 20, 0.5)
    weight, shift = np.random.default_rng(1).uniform(size=20_000), np.zeros(20)
    one, two = (found_moments(X, weight, shift, n_threads) for n_threads in (1, 2))
    np.testing.assert_array_equal(one, two)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(1, 9), st.floats(0, 1), st.integers(0, 1000))
def test_mean_and_variance_are_those_of_the_dense_rows(n, d, density, seed):
    X = random_rows(n, d, density, seed=seed)
    weight = np.random.default_rng(seed).uniform(0.5, 2, size=n)
    mean, variance, stored = sparse_moments_of(csr_rows(X), d, weight, 1)
    dense, shares = X.toarray(), weight / weight.sum()
    np.testing.assert_allclose(mean, shares @ dense, atol=1e-12)
    np.testing.assert_allclose(variance, shares @ (dense - shares @ dense) ** 2, atol=1e-12)
    np.testing.assert_allclose(stored, expected_moments(X, weight, np.zeros(d))[0], atol=1e-12)
