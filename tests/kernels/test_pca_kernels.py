"""The kernels of PCA against numpy, for every element type and instruction set."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from algos._cython._tile import _test_choose_level
from algos._cython.pca_covariance import scatter_matrix
from algos._cython.pca_power import power_step
from algos._cython.pca_project import project

shapes = {"n": st.integers(1, 700), "d": st.integers(1, 70), "seed": st.integers(0, 2**31)}
# The level is chosen once for all examples of a test.
many_shapes = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=[0, 3, 4], ids=["base", "v3", "v4"])
def level(request):
    if _test_choose_level(request.param) != request.param:
        _test_choose_level(4)
        pytest.skip("this processor lacks the level")
    yield request.param
    _test_choose_level(4)


types = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def rows(n, d, seed, dtype, offset=3.0):
    return (np.random.default_rng(seed).normal(size=(n, d)) + offset).astype(dtype)


def scatter_of(X, shift, n_threads=1):
    d = X.shape[1]
    products, sums = np.empty((d, d)), np.empty(d)
    scatter_matrix(X, shift, products, sums, n_threads)
    return products, sums


def scatter_oracle(X, shift):
    Y = X.astype(np.float64) - shift
    return Y.T @ Y, Y.sum(axis=0), np.abs(Y).T @ np.abs(Y)


def power_of(X, shift, basis, n_threads=1):
    out = np.empty(basis.shape)
    power_step(X, shift, basis, out, n_threads)
    return out


def power_oracle(X, shift, basis):
    Y, Q = X.astype(np.float64) - shift, basis.astype(np.float64)
    return Q @ Y.T @ Y, np.abs(Q) @ np.abs(Y).T @ np.abs(Y)


def project_of(X, shift, vectors, offset, n_threads=1):
    out = np.empty((len(X), len(vectors)), X.dtype)
    project(X, shift, vectors, offset, out, False, n_threads)
    return out


def project_oracle(X, shift, vectors, offset):
    Y, V = X.astype(np.float64) - shift, vectors.astype(np.float64)
    return Y @ V.T + offset, np.abs(Y) @ np.abs(V).T + np.abs(offset)


@types
@many_shapes
@given(**shapes)
def test_scatter_equals_numpy(level, dtype, n, d, seed):
    X = rows(n, d, seed, dtype)
    shift = rows(1, d, seed + 1, dtype)[0]
    products, sums = scatter_of(X, shift)
    expected, expected_sums, size = scatter_oracle(X, shift)
    # Each lane adds up to 33 products of rounded differences before doubles take over.
    tolerance = 40 * np.finfo(dtype).eps
    assert np.all(np.abs(products - expected) <= tolerance * size)
    assert np.all(np.abs(sums - expected_sums) <= tolerance * (np.abs(X).sum(0) + n))
    assert np.array_equal(products, products.T)


@types
@many_shapes
@given(k=st.integers(1, 20), **shapes)
def test_power_step_equals_numpy(level, dtype, n, d, k, seed):
    X = rows(n, d, seed, dtype)
    shift, basis = rows(1, d, seed + 1, dtype)[0], rows(k, d, seed + 2, dtype, 0)
    expected, size = power_oracle(X, shift, basis)
    error = np.abs(power_of(X, shift, basis) - expected)
    assert np.all(error <= (d + 40) * np.finfo(dtype).eps * size)


@types
@many_shapes
@given(k=st.integers(1, 20), **shapes)
def test_projection_equals_numpy(level, dtype, n, d, k, seed):
    X = rows(n, d, seed, dtype)
    shift, vectors = rows(1, d, seed + 1, dtype)[0], rows(k, d, seed + 2, dtype, 0)
    offset = rows(1, k, seed + 3, dtype)[0]
    expected, size = project_oracle(X, shift, vectors, offset)
    error = np.abs(project_of(X, shift, vectors, offset) - expected)
    assert np.all(error <= (d + 4) * np.finfo(dtype).eps * size)


# One shape for each kind of region: lanes of rows, and parts of a large output.
@types
@pytest.mark.parametrize(("n", "d"), [(30_000, 20), (3000, 700)])
def test_scatter_has_the_same_bits_for_every_number_of_threads(dtype, n, d):
    X = rows(n, d, 0, dtype)
    shift = X[0].copy()
    one, several = scatter_of(X, shift, 1), scatter_of(X, shift, 3)
    assert one[0].tobytes() == several[0].tobytes()
    assert one[1].tobytes() == several[1].tobytes()
    expected, _, size = scatter_oracle(X, shift)
    assert np.all(np.abs(one[0] - expected) <= 80 * np.finfo(dtype).eps * size)


@types
@pytest.mark.parametrize(("n", "d", "k"), [(60_000, 40, 12), (3000, 3000, 7)])
def test_power_step_has_the_same_bits_for_every_number_of_threads(dtype, n, d, k):
    X = rows(n, d, 0, dtype)
    shift, basis = X[0].copy(), rows(k, d, 1, dtype, 0)
    one = power_of(X, shift, basis, 1)
    assert one.tobytes() == power_of(X, shift, basis, 3).tobytes()
    expected, size = power_oracle(X, shift, basis)
    assert np.all(np.abs(one - expected) <= 80 * np.finfo(dtype).eps * size)


@types
@pytest.mark.parametrize("k", [1, 4, 7, 30])
def test_a_projected_row_has_the_same_bits_alone_and_in_a_batch(level, dtype, k):
    X = rows(1000, 37, 0, dtype)
    shift, vectors, offset = X[0].copy(), rows(k, 37, 1, dtype), rows(1, k, 2, dtype)[0]
    together = project_of(X, shift, vectors, offset, 3)
    for i in (0, 63, 64, 500, 999):
        alone = project_of(X[i : i + 1], shift, vectors, offset)
        assert alone.tobytes() == together[i : i + 1].tobytes()


@types
@pytest.mark.parametrize(("k", "d"), [(1, 1), (3, 7), (30, 4), (13, 90)])
def test_vectors_that_are_columns_give_the_bits_of_those_that_are_rows(level, dtype, k, d):
    X = rows(200, d, 0, dtype)
    shift, vectors, offset = X[0].copy(), rows(k, d, 1, dtype), rows(1, k, 2, dtype)[0]
    out = np.empty((200, k), dtype)
    project(X, shift, np.ascontiguousarray(vectors.T), offset, out, True, 2)
    assert out.tobytes() == project_of(X, shift, vectors, offset).tobytes()
