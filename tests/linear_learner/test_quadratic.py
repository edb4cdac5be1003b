"""Solving with Hessians: damped factors, secants, parabolas with l1, samples of rows."""

import numpy as np
from hypothesis import given, strategies as st

from algos.linear_learner.solvers.parabola import minimise
from algos.linear_learner.solvers.quadratic import Factor, Secants
from algos.linear_learner.solvers.sample import size_for, spread

EPS = np.finfo(float).eps


def test_a_factor_solves():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(6, 6))
    A, b = A @ A.T + np.eye(6), rng.normal(size=6)
    np.testing.assert_allclose(Factor(A, EPS).solve(b), np.linalg.solve(A, b), rtol=1e-10)


def test_a_factor_of_a_singular_matrix_solves_what_can_be_solved():
    x = np.random.default_rng(0).normal(size=(4, 3))
    x = np.c_[x, x[:, :1], np.zeros(4)]
    A = x.T @ x
    b = A @ np.array([1.0, 2.0, 3.0, 0.0, 0.0])
    np.testing.assert_allclose(A @ Factor(A, EPS).solve(b), b, atol=1e-9)


def test_a_factor_of_no_convex_matrix_still_descends():
    A, b = np.array([[1.0, 2.0], [2.0, 1.0]]), np.array([1.0, -1.0])
    assert Factor(A, EPS).solve(b) @ b > 0


def test_secants_are_bfgs():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(5, 5))
    A = A @ A.T + np.eye(5)
    inverse, secants = np.eye(5) / 3, Secants(3)
    for step in rng.normal(size=(3, 5)):
        change = A @ step
        along = step @ change
        left = np.eye(5) - np.outer(step, change) / along
        inverse = left @ inverse @ left.T + np.outer(step, step) / along
        secants.learn(step, change)
    b = rng.normal(size=5)
    np.testing.assert_allclose(secants.solve(b, lambda v: v / 3), inverse @ b, rtol=1e-12)


@given(st.integers(0, 1000), st.integers(1, 12), st.sampled_from([0.0, 0.3]), st.booleans())
def test_a_parabola_with_l1_ends_where_no_slope_is_left(seed, p, params, has_copies):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(20, p))
    if has_copies:
        x[:, p // 2 :] = x[:, : p - p // 2] + 1e-6 * x[:, p // 2 :]
    A, c = x.T @ x / 20, x.T @ rng.normal(size=20) / 20
    l1, l2 = np.where(rng.random(p) < 0.3, 0.0, 0.1), np.full(p, params)
    v = rng.normal(size=p)
    gap = minimise(A, c, l1, l2, v, 4 * c @ Factor(A, EPS).solve(c), 1e-12)
    slope = A @ v - c + l2 * v
    excess = np.where(v == 0, np.maximum(np.abs(slope) - l1, 0), slope + l1 * np.sign(v))
    # A parabola of curvature h falls by slope²/(2h) at most; h is at most the trace.
    assert excess @ excess / (2 * (np.trace(A) + params)) <= max(2 * gap, 1e-10)


@given(st.integers(1, 10**6), st.integers(1, 1000))
def test_a_spread_has_one_row_of_each_stretch(n, count):
    count = min(n, count)
    rows = spread(n, count)
    assert rows.shape == (count,)
    assert rows[0] >= 0
    assert rows[-1] < n
    assert (np.diff(rows) >= 0).all()
    np.testing.assert_array_equal(rows, np.clip(rows, *_stretches(n, count)))


def _stretches(n, count):
    ends = np.arange(count + 1) * (n / count)
    return np.floor(ends[:-1]), np.ceil(ends[1:])


def test_small_problems_are_not_sampled():
    assert size_for(1000, 50) == 1000
    assert 10_000 < size_for(500_000, 51) < 50_000
