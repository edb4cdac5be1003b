"""Coordinate descent along columns against numpy, for every type of lines."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import sparse

from algos._cython.linear_descent import column_moments, combine, correlate, descend
from algos._cython.linear_lines import Lines

types = pytest.mark.parametrize("dtype", [np.float32, np.float64])
kinds = pytest.mark.parametrize("kind", [None, np.int32, np.int64])
shapes = {
    "n": st.integers(1, 90),
    "d": st.integers(1, 60),
    "seed": st.integers(0, 2**20),
    "n_threads": st.integers(1, 3),
}


def columns(n, d, seed, dtype, kind):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) * (rng.random((n, d)) < 0.5)).astype(dtype)
    which = np.flatnonzero(rng.random(d) < 0.7)
    if kind is None:
        return Lines(np.ascontiguousarray(X.T), None, None, n), X.astype(float), which, rng
    X = sparse.csc_array(X)
    lines = Lines(X.data, X.indices.astype(kind), X.indptr.astype(kind), n)
    return lines, X.toarray().astype(float), which, rng


@types
@kinds
@settings(max_examples=25, deadline=None)
@given(**shapes)
def test_products_equal_numpy(dtype, kind, n, d, seed, n_threads):
    lines, X, which, rng = columns(n, d, seed, dtype, kind)
    e, h, step = rng.normal(size=n), rng.random(n), rng.normal(size=d)
    out, mean, square, z = np.zeros(d), np.zeros(d), np.zeros(d), e.copy()
    correlate(lines, which, e, out, n_threads)
    column_moments(lines, which, h, mean, square, n_threads)
    combine(lines, which, step, z)
    wanted = np.isin(np.arange(d), which)
    close = {"rtol": 1e-12, "atol": 1e-12 * n}
    np.testing.assert_allclose(out, np.where(wanted, e @ X, 0), **close)
    np.testing.assert_allclose(mean, np.where(wanted, h @ X, 0), **close)
    np.testing.assert_allclose(square, np.where(wanted, h @ X**2, 0), **close)
    np.testing.assert_allclose(z, e + X @ np.where(wanted, step, 0), rtol=1e-12, atol=1e-12 * d)


@types
@kinds
@settings(max_examples=25, deadline=None)
@given(has_intercept=st.booleans(), **shapes)
def test_a_round_equals_plain_coordinate_descent(dtype, kind, has_intercept, n, d, seed, n_threads):
    lines, X, which, rng = columns(n, d, seed, dtype, kind)
    h, e, coef = rng.random(n) + 0.1, rng.normal(size=n), rng.normal(size=d)
    l1, l2 = rng.random(d), rng.random(d)
    inverse = 1 / h.sum() if has_intercept else 0.0
    mean = h @ X
    curvature = h @ X**2 - mean**2 * inverse
    found, slopes = coef.copy(), e.copy()
    done, gain, shift = descend(
        lines, which, h, mean, curvature, l1, l2, found, slopes, inverse, -e.sum() * inverse, 1, 0.0
    )
    u, d0 = np.zeros(n), -e.sum() * inverse
    plain, gained = coef.copy(), 0.0
    for j in which:
        slope = X[:, j] @ (e + h * (u + d0))
        pull = curvature[j] * plain[j] - slope
        after = np.sign(pull) * max(abs(pull) - l1[j], 0) / (curvature[j] + l2[j])
        gained += (curvature[j] + l2[j]) * (after - plain[j]) ** 2 / 2
        u += (after - plain[j]) * X[:, j]
        d0 -= (after - plain[j]) * mean[j] * inverse
        plain[j] = after
    assert done == (len(which) > 0)
    np.testing.assert_allclose(found, plain, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(slopes, e + h * u, rtol=1e-9, atol=1e-9 * d)
    np.testing.assert_allclose([gain, shift], [gained, d0], rtol=1e-9, atol=1e-9)
