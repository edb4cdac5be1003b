"""Coordinate descent on inner products against plain numpy."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from algos._cython.linear_gram_descent import gram_descent


def minimum(A, c, l1, l2, n_iter=2000):
    """Return the minimum by the proximal gradient method."""
    v, step = np.zeros(len(c)), 1 / max(np.linalg.eigvalsh(A).max() + l2.max(), 1e-300)
    for _ in range(n_iter):
        v = v - step * (A @ v - c)
        v = np.sign(v) * np.maximum(np.abs(v) - step * l1, 0) / (1 + step * l2)
    return v


def value(A, c, l1, l2, v):
    return v @ A @ v / 2 - c @ v + l1 @ np.abs(v) + l2 @ v**2 / 2


def solve(A, c, l1, l2, square, tol=0.0, max_sweeps=10_000, start=None):
    v, u = np.zeros(len(c)) if start is None else start.copy(), np.empty(len(c))
    sweeps, gap = gram_descent(A, c, l1, l2, v, u, square, tol, max_sweeps)
    np.testing.assert_allclose(u, c - A @ v, rtol=0, atol=1e-12 * (1 + np.abs(c).max()))
    return v, sweeps, gap


def products(rng, n, p):
    X, y = rng.normal(size=(n, p)), rng.normal(size=n)
    y += X[:, 0]
    return X.T @ X / n, X.T @ y / n, y @ y / n


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 12),
    st.sampled_from([0.0, 0.01, 0.3]),
    st.sampled_from([0.0, 0.01, 1.0]),
)
def test_the_minimum_is_that_of_the_proximal_gradient_method(seed, p, l1, l2):
    rng = np.random.default_rng(seed)
    A, c, square = products(rng, 40, p)
    l1, l2 = l1 * rng.uniform(0, 2, size=p), np.full(p, l2)
    v, _, gap = solve(A, c, l1, l2, square)
    expected = value(A, c, l1, l2, minimum(A, c, l1, l2))
    assert value(A, c, l1, l2, v) <= expected + 1e-12 * square
    assert gap <= 1e-12 * square


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(0, 5))
def test_the_gap_is_a_bound_however_early(seed, p, sweeps):
    rng = np.random.default_rng(seed)
    A, c, square = products(rng, 40, p)
    l1, l2 = rng.uniform(0.01, 0.2, size=p), np.where(rng.random(p) < 0.5, 0, 0.1)
    v, done, gap = solve(A, c, l1, l2, square, max_sweeps=sweeps, start=rng.normal(size=p))
    assert done <= sweeps
    above = value(A, c, l1, l2, v) - value(A, c, l1, l2, minimum(A, c, l1, l2))
    assert gap >= above - 1e-13 * square


def test_it_stops_as_soon_as_the_gap_allows():
    A, c, square = products(np.random.default_rng(0), 30, 20)
    l1, l2 = np.full(20, 0.05), np.zeros(20)
    _, few, gap = solve(A, c, l1, l2, square, tol=1e-3)
    assert gap <= 1e-3
    v, many, _ = solve(A, c, l1, l2, square, tol=1e-12)
    assert few < many
    _, none, _ = solve(A, c, l1, l2, square, tol=1e-11, start=v)
    assert none == 0


def test_free_coordinates_reach_zero_slope():
    A, c, square = products(np.random.default_rng(1), 50, 6)
    l1, l2 = np.array([0, 0.1, 0.1, 0.1, 0.1, 0.1]), np.zeros(6)
    v, _, gap = solve(A, c, l1, l2, square, tol=1e-15)
    assert gap <= 1e-15
    assert abs(c[0] - A[0] @ v) < 1e-7


@pytest.mark.parametrize("l1", [0.0, 0.1])
def test_coordinates_without_curvature_stay_as_they_are(l1):
    A, c, square = products(np.random.default_rng(2), 50, 4)
    A[2] = A[:, 2] = c[2] = 0
    v, _, gap = solve(A, c, np.full(4, l1), np.zeros(4), square, tol=1e-14)
    assert v[2] == 0
    assert gap <= 1e-14


def test_a_strong_penalty_leaves_zeros_at_once():
    A, c, square = products(np.random.default_rng(3), 50, 5)
    v, sweeps, gap = solve(A, c, np.full(5, 1.01 * np.abs(c).max()), np.zeros(5), square)
    assert not v.any()
    assert sweeps == 0
    assert gap == 0


def test_equal_columns_share_a_minimum():
    A, c, square = products(np.random.default_rng(4), 50, 3)
    twice = [0, 1, 2, 2, 1, 0]
    A2, c2 = np.ascontiguousarray(A[np.ix_(twice, twice)]), c[twice]
    l1 = np.full(6, 0.05)
    v, _, gap = solve(A2, c2, l1, np.zeros(6), square, tol=1e-14)
    assert gap <= 1e-14
    once = minimum(A, c, l1[:3], np.zeros(3))
    np.testing.assert_allclose(v[:3] + v[:2:-1], once, atol=1e-7)
