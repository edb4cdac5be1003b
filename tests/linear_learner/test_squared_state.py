"""The squared loss from its streaming state alone."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy import sparse

from algos import LinearLearnerRegressor
from algos.linear_learner import squared_state
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Control, Problem
from algos.linear_learner.rows import make_rows
from algos.linear_learner.solvers import least_squares
from tests.linear_learner.plain_rows import make_penalty

TIGHT = Control(tol=1e-12)


def data(n=60, d=5, n_outputs=2, dtype=np.float64, seed=0, offset=10.0):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) * np.geomspace(0.01, 100, d) + offset).astype(dtype)
    y = X @ rng.normal(size=(d, n_outputs)) + rng.normal(size=(n, n_outputs)) + 3
    return X, y, rng.uniform(0.5, 2, size=n)


def state_of(X, y, weight, sizes=None):
    """Return the state of the rows, learned in batches of the sizes."""
    state, start = None, 0
    for stop in [*np.cumsum(sizes or []), len(y)]:
        if stop > start:
            batch = slice(start, stop)
            state = squared_state.updated(state, X[batch], y[batch], weight[batch], 1)
        start = stop
    return state


def models(state, penalties, *, fit_intercept=True):
    """Return coefficients and intercepts in the user's units."""
    shift, scale = squared_state.standard(state, center=fit_intercept)
    found = squared_state.solve(state, penalties, TIGHT, fit_intercept=fit_intercept)
    assert all(solution.converged for solution in found)
    return [(s.coef / scale, s.intercept - s.coef / scale @ shift) for s in found]


PACK = [make_penalty(5, 0.1), make_penalty(5, 0.01, 0.7), make_penalty(5, 0)]


@given(st.lists(st.integers(0, 20), max_size=3))
def test_batches_leave_no_trace(sizes):
    X, y, weight = data()
    whole, streamed = state_of(X, y, weight), state_of(X, y, weight, sizes)
    assert streamed.n == whole.n
    for a, b in zip(models(whole, PACK), models(streamed, PACK), strict=True):
        np.testing.assert_allclose(a[0], b[0], rtol=1e-6)
        np.testing.assert_allclose(a[1], b[1], rtol=1e-6)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_solutions_are_those_of_all_rows(fit_intercept, make, dtype):
    X, y, weight = data(dtype=dtype)
    state = state_of(make(X), y, weight, [1, 20])
    rows = make_rows(X, weight / weight.sum(), center=fit_intercept, n_threads=1)
    problem = Problem(rows, y, weight / weight.sum(), Loss("squared_error"), fit_intercept, 2)
    rtol = 1e-7 if dtype == np.float64 else 2e-4
    streamed = models(state, PACK, fit_intercept=fit_intercept)
    for (coef, intercept), whole in zip(
        streamed, least_squares.solve(problem, PACK, TIGHT), strict=True
    ):
        np.testing.assert_allclose(coef, whole.coef / rows.scale, rtol=rtol)
        expected = whole.intercept - whole.coef / rows.scale @ rows.shift
        np.testing.assert_allclose(intercept, expected, rtol=rtol, atol=rtol * np.abs(y).max())


def test_states_are_joined():
    X, y, weight = data()
    a, b = (state_of(X[i:j], y[i:j], weight[i:j]) for i, j in ((0, 25), (25, 60)))
    both, whole = squared_state.joined(a, b), state_of(X, y, weight)
    assert both.weight == pytest.approx(whole.weight)
    np.testing.assert_allclose(both.mean * both.unit, whole.mean * whole.unit, rtol=1e-13)
    for (c, i), (e, j) in zip(models(both, PACK), models(whole, PACK), strict=True):
        np.testing.assert_allclose(c, e, rtol=1e-6)
        np.testing.assert_allclose(i, j, rtol=1e-6)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
def test_the_error_on_other_rows_follows_from_their_state(make):
    X, y, weight = data(seed=1)
    state = state_of(make(X), y, weight, [30])
    for coef, intercept in models(state_of(*data(seed=0)), PACK):
        errors = np.average((y - X @ coef.T - intercept) ** 2, axis=0, weights=weight)
        found = squared_state.mean_squared_error(state, coef, intercept) * state.unit[-1] ** 2
        np.testing.assert_allclose(found, errors, rtol=1e-6)


@pytest.mark.parametrize("exponent", [-500, 490])
def test_columns_and_targets_of_any_magnitude(exponent):
    X, y, weight = data()
    expected = models(state_of(X, y, weight), PACK[:1] + PACK[2:])
    state = state_of(np.ldexp(X, [exponent, 0, 0, 0, -exponent]), y, weight, [7, 7])
    for (coef, intercept), (coef_0, intercept_0) in zip(
        models(state, PACK[:1] + PACK[2:]), expected, strict=True
    ):
        coef_0 = np.ldexp(coef_0, [-exponent, 0, 0, 0, exponent])
        np.testing.assert_allclose(coef, coef_0, rtol=1e-8)
        np.testing.assert_allclose(intercept, intercept_0, rtol=1e-8)


def test_dependent_and_constant_columns_have_finite_coefficients():
    X, y, weight = data()
    X[:, 1] = X[:, 0]
    X[:, 3] = 1 / 3
    ((coef, intercept),) = models(state_of(X, y, weight, [10, 10]), [make_penalty(5, 0)])
    np.testing.assert_allclose(coef[:, 0], coef[:, 1], rtol=1e-6)
    assert not coef[:, 3].any()
    left = y - X @ coef.T - intercept
    np.testing.assert_allclose(weight @ left / weight.sum(), 0, atol=1e-9)


def test_one_row_is_enough_for_an_intercept():
    X, y, weight = data()
    ((coef, intercept),) = models(state_of(X[:1], y[:1], weight[:1]), [make_penalty(5, 0.1)])
    assert not coef.any()
    np.testing.assert_allclose(intercept, y[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shared", [0.0, 0.9, 0.9999])
def test_a_fit_of_many_rows_has_the_digits_of_its_dtype(dtype, shared):
    rng = np.random.default_rng(0)
    common = rng.normal(size=(3000, 1))
    X = np.sqrt(1 - shared) * rng.normal(size=(3000, 30)) + np.sqrt(shared) * common
    X = (X + 5).astype(dtype)
    y = 40 * (X @ rng.normal(size=30) + rng.normal(size=3000))
    found = LinearLearnerRegressor(alpha=1e-5, standardize=False).fit(X, y)
    centred = X - X.mean(axis=0, dtype=np.float64)
    matrix = centred.T @ centred / 3000 + 1e-5 * np.eye(30)
    exact = np.linalg.solve(matrix, centred.T @ (y - y.mean()) / 3000)
    tolerance = 1e-5 if dtype == np.float32 else 1e-9
    np.testing.assert_allclose(found.coef_, exact, rtol=0, atol=tolerance * np.abs(exact).max())


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_rows_beside_which_others_vanish_may_be_taken_out(fit_intercept):
    X, y, weight = data(n=6000, offset=0)
    X[0, 4] = 1e200
    whole = state_of(X, y, weight)
    rest = squared_state.without(whole, state_of(X[:600], y[:600], weight[:600]))
    for found in squared_state.solve(rest, PACK, TIGHT, fit_intercept=fit_intercept):
        assert np.isfinite(found.coef).all() and np.isfinite(found.intercept).all()
