"""The kernels of PCA for CSR rows against numpy, for every element and index type."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import sparse

from algos._cython._csr import CsrRows
from algos._cython.pca_sparse_covariance import csr_moments, csr_scatter_matrix
from algos._cython.pca_sparse_power import csr_power_step, csr_project

shapes = {
    "n": st.integers(1, 600),
    "d": st.integers(1, 70),
    "density": st.floats(0, 1),
    "seed": st.integers(0, 2**31),
    "n_threads": st.integers(1, 3),
}
types = pytest.mark.parametrize("dtype", [np.float32, np.float64])
kinds = pytest.mark.parametrize("kind", [np.int32, np.int64])


def rows(n, d, density, seed, dtype, kind):
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(n, d)).astype(dtype)
    dense[rng.random((n, d)) >= density] = 0
    X = sparse.csr_array(dense)
    csr = CsrRows(X.data, X.indices.astype(kind), X.indptr.astype(kind), d)
    return csr, dense.astype(np.float64), rng


@types
@kinds
@settings(max_examples=30, deadline=None)
@given(k=st.integers(1, 20), **shapes)
def test_power_step_equals_numpy(kind, dtype, n, d, density, seed, n_threads, k):
    csr, X, rng = rows(n, d, density, seed, dtype, kind)
    Q, center = rng.normal(size=(k, d)), rng.normal(size=k)
    out, sums = np.empty((k, d)), np.empty(k)
    csr_power_step(csr, Q, center, out, sums, False, n_threads)
    Z = X @ Q.T - center
    np.testing.assert_allclose(out, Z.T @ X, rtol=0, atol=1e-11 * (n + d))
    np.testing.assert_allclose(sums, Z.sum(axis=0), rtol=0, atol=1e-12 * n * d)


@types
@kinds
@settings(max_examples=30, deadline=None)
@given(k=st.integers(1, 20), **shapes)
def test_short_power_step_is_as_accurate_as_its_sums_are_long(
    kind, dtype, n, d, density, seed, n_threads, k
):
    csr, X, rng = rows(n, d, density, seed, dtype, kind)
    Q, center = rng.normal(size=(k, d)), rng.normal(size=k)
    out, sums = np.empty((k, d)), np.empty(k)
    csr_power_step(csr, Q, center, out, sums, True, n_threads)
    Z = X @ Q.T - center
    unit = 2.0**-24  # and three more terms for what is rounded: X, Q and z
    size = np.abs(X) @ np.abs(Q.T) + np.abs(center)
    error = (d + 3) * unit * size
    assert np.all(np.abs(sums - Z.sum(axis=0)) <= error.sum(axis=0) + 1e-12 * n)
    bound = (error + (n + 3) * unit * (np.abs(Z) + error)).T @ np.abs(X)
    assert np.all(np.abs(out - Z.T @ X) <= bound + 1e-12 * n)


def test_short_power_step_sums_up_long_rows_and_full_columns():
    csr, X, rng = rows(20_000, 40, 1.0, 0, np.float32, np.int32)
    wide, W, _ = rows(3, 4000, 1.0, 0, np.float32, np.int32)
    for one, dense in ((csr, X), (wide, W)):
        d = dense.shape[1]
        Q, center = rng.normal(size=(8, d)), np.zeros(8)
        out, sums = np.empty((8, d)), np.empty(8)
        csr_power_step(one, Q, center, out, sums, True, 1)
        Z = dense @ Q.T
        tolerance = 256 * 2.0**-24  # of a run
        size = (np.abs(dense) @ np.abs(Q.T)).T @ np.abs(dense)
        assert np.all(np.abs(out - Z.T @ dense) <= tolerance * size)


def test_projections_of_another_type_than_the_rows_are_refused():
    csr, _, rng = rows(5, 4, 1.0, 0, np.float32, np.int32)
    with pytest.raises(TypeError, match="type"):
        csr_project(csr, rng.normal(size=(2, 4)), np.zeros(2), np.empty((5, 2)), 1)


@types
@kinds
@settings(max_examples=30, deadline=None)
@given(k=st.integers(1, 20), **shapes)
def test_projection_equals_numpy(kind, dtype, n, d, density, seed, n_threads, k):
    csr, X, rng = rows(n, d, density, seed, dtype, kind)
    V, center = rng.normal(size=(k, d)), rng.normal(size=k)
    out = np.empty((n, k), dtype)
    csr_project(csr, V, center, out, n_threads)
    tolerance = 40 * np.finfo(dtype).eps
    size = np.abs(X) @ np.abs(V.T) + np.abs(center)
    assert np.all(np.abs(out - (X @ V.T - center)) <= tolerance * size)


@types
@kinds
@settings(max_examples=30, deadline=None)
@given(**shapes)
def test_moments_and_scatter_equal_numpy(kind, dtype, n, d, density, seed, n_threads):
    csr, X, rng = rows(n, d, density, seed, dtype, kind)
    shift = np.where(rng.random(d) < 0.5, rng.normal(size=d), 0)
    stored = X != 0
    T = np.where(stored, X - shift, 0)
    moments = np.empty((3, d))
    csr_moments(csr, shift, moments, n_threads)
    np.testing.assert_allclose(moments, [stored.sum(0), T.sum(0), (T**2).sum(0)], atol=1e-10)
    bounds = np.unique([0, *rng.integers(0, d + 1, size=3), d]).astype(np.intp)
    products = np.empty((d, d))
    csr_scatter_matrix(csr, shift, bounds, products, n_threads)
    np.testing.assert_allclose(products, T.T @ T, rtol=0, atol=1e-10)


@types
def test_every_number_of_threads_gives_the_same_bits(dtype):
    csr, _, rng = rows(20_000, 90, 0.2, 0, dtype, np.int32)
    Q, center, shift = rng.normal(size=(33, 90)), rng.normal(size=33), np.zeros(90)
    found = []
    for n_threads in (1, 2, 3):
        out, sums, moments = np.empty((33, 90)), np.empty(33), np.empty((3, 90))
        products, Z = np.empty((90, 90)), np.empty((20_000, 33), dtype)
        bounds = np.linspace(0, 90, 2 * n_threads + 1).astype(np.intp)
        short, short_sums = np.empty((33, 90)), np.empty(33)
        csr_power_step(csr, Q, center, out, sums, False, n_threads)
        csr_power_step(csr, Q, center, short, short_sums, True, n_threads)
        csr_project(csr, Q, center, Z, n_threads)
        csr_moments(csr, shift, moments, n_threads)
        csr_scatter_matrix(csr, shift, bounds, products, n_threads)
        made = (out, sums, short, short_sums, moments, products, Z)
        found.append(b"".join(a.tobytes() for a in made))
    assert found[0] == found[1] == found[2]
