"""Fits of the squared loss from one pass: the same rows, the same products, honest errors."""

import numpy as np
import pytest

from algos import LinearLearnerRegressor
from algos.linear_learner import squared_state
from algos.linear_learner.dense_rows import DenseRows
from algos.linear_learner.losses import Loss
from algos.linear_learner.penalties import is_l1_above_rounding, mean_absolute_derivative
from algos.linear_learner.problem import Penalty, Problem
from algos.linear_learner.rows import make_rows
from algos.linear_learner.solvers.gram import good_enough, mean_derivative_bound, sums_of
from algos.linear_learner.squared_fit import rows_and_sums

SQUARED = Loss("squared_error")
MANY = 8000  # rows of ten columns: not few


def data(dtype=np.float64, n=MANY):
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(n, 10)) * np.geomspace(1e-2, 1e2, 10) + 5).astype(dtype)
    weight = rng.uniform(0.5, 2, size=n)
    return X, rng.normal(size=(n, 2)) + 3, weight / weight.sum()


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_pass_tells_moments_and_products(dtype, center):
    X, Y, weight = data(dtype)
    rows, sums = rows_and_sums(X, Y, weight, SQUARED, center=center, n_threads=1)
    plain = make_rows(X, weight, center=center, n_threads=1)
    assert sums is not None
    expected = sums_of(plain, Y, weight)
    tol = 1e-6 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(rows.mean, plain.mean, rtol=tol)
    np.testing.assert_array_equal(rows.shift, rows.mean if center else 0)
    np.testing.assert_allclose(rows.variance, plain.variance, rtol=tol)
    np.testing.assert_allclose(rows.scale, plain.scale, rtol=tol)
    np.testing.assert_allclose(sums.extended, expected.extended, atol=tol)
    np.testing.assert_allclose(sums.cross, expected.cross, atol=10 * tol)


def test_without_an_intercept_a_column_of_ones_takes_one_pass():
    X, Y, weight = data()
    X[:, 4] = 1
    rows, sums = rows_and_sums(X, Y, weight, SQUARED, center=False, n_threads=1)
    expected = (weight[:, np.newaxis] * X / rows.scale).T @ (X / rows.scale)
    np.testing.assert_allclose(sums.extended[:-1, :-1], expected, rtol=1e-12, atol=1e-14)
    assert rows.scale[4] == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 100, 5000])
def test_equal_weights_are_weights(dtype, n):
    rng = np.random.default_rng(1)
    X, Y = rng.normal(size=(n, 7)).astype(dtype), rng.normal(size=(n, 2))
    weight = np.full(n, 3 / n)
    rows = DenseRows(X, np.full(7, 0.5), np.arange(1.0, 8), 2)
    gram, cross = rows.gram_and_cross(weight, Y)
    units = np.column_stack([(X.astype(np.float64) - 0.5) / np.arange(1.0, 8), np.ones(n)])
    tol = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(gram, 3 / n * units.T @ units, atol=tol)
    np.testing.assert_allclose(cross, 3 / n * Y.T @ units, atol=tol)


@pytest.mark.parametrize("n_outputs", [2, 9])  # beside the columns, or by a pass of their own
@pytest.mark.parametrize("size", [2.0**-28, 1.0, 2.0**28])
def test_single_precision_holds_products_with_targets_of_any_size(size, n_outputs):
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(2000, 7)).astype(np.float32), rng.normal(size=(2000, n_outputs)) + 2
    weight = np.full(2000, 1 / 2000)
    expected = DenseRows(X, np.zeros(7), np.ones(7), 1).gram_and_cross(weight, Y)[1]
    units = 10.0 ** np.resize([29, -45, 1], n_outputs)[:, np.newaxis]
    rows = DenseRows(X * np.float32(size), np.zeros(7), np.full(7, size), 1)
    cross = rows.gram_and_cross(weight, Y * units.T)[1]
    np.testing.assert_allclose(cross / units, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_large_float32_columns_explain_large_targets(l1_ratio):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(MANY, 10)).astype(np.float32)
    y, size = X @ rng.normal(size=10), 5e28
    one = LinearLearnerRegressor(alpha=0.1, l1_ratio=l1_ratio).fit(X, y)
    alpha = 0.1 * (size if l1_ratio else 1)
    model = LinearLearnerRegressor(alpha=alpha, l1_ratio=l1_ratio)
    model.fit(X * np.float32(2**28), y * size)
    np.testing.assert_allclose(model.coef_ * 2.0**28 / size, one.coef_, rtol=1e-4)


@pytest.mark.parametrize("given", [{}, {"fit_intercept": False}, {"alpha": [0.1, 1.0]}])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_sums_show_what_is_not_finite(bad, given):
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(60_000, 10)), rng.normal(size=60_000)
    held_out = {"X_val": X[:50].copy(), "y_val": y[:50]} if "alpha" in given else {}
    model = LinearLearnerRegressor(**given).fit(X, y, **held_out)
    coef = model.coef_
    X[59_999, 9] = bad
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)[^$]*"):
        model.fit(X, y, **held_out)
    assert model.coef_ is coef
    X[59_999, 9] = 1e200  # a number
    assert np.isfinite(model.fit(X, y, **held_out).coef_).all()


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_mean_slope_is_bounded_without_a_look_at_rows(fit_intercept):
    X, Y, weight = data()
    rows, sums = rows_and_sums(X, Y, weight, SQUARED, center=fit_intercept, n_threads=1)
    exact = mean_absolute_derivative([Problem(rows, Y, weight, SQUARED, fit_intercept, 2)])
    assert exact <= mean_derivative_bound(sums) < 10 * exact
    penalty = Penalty(np.full(10, 1e-11 * exact), np.zeros(10))
    assert not is_l1_above_rounding(penalty, mean_derivative_bound(sums))


def test_a_mean_that_few_rows_do_not_tell_takes_another_pass():
    X, Y, weight = data()
    step = -(-len(X) // 256)
    X[::step, 3] = 1e3  # just the rows that are asked
    rows, sums = rows_and_sums(X, Y, weight, SQUARED, center=True, n_threads=1)
    assert sums is None
    np.testing.assert_allclose(rows.mean, weight @ X, rtol=1e-12)


@pytest.mark.parametrize("factor", [1e-160, 1e160])
def test_columns_of_extreme_size_take_another_pass(factor):
    X, Y, weight = data()
    X[:, 0] *= factor
    _, sums = rows_and_sums(X, Y, weight, SQUARED, center=True, n_threads=1)
    assert sums is None


def test_a_state_can_be_made_later():
    X, Y, weight = data()
    rows, sums = rows_and_sums(X, Y, weight, SQUARED, center=True, n_threads=1)
    now = squared_state.state_of(rows, sums, 7.0)
    later = squared_state.made_of(squared_state.parts_of(rows, sums, 7.0))
    for one, other in zip(now, later, strict=True):
        np.testing.assert_array_equal(one, other)


def test_tol_says_how_much_noise_products_may_have():
    single, double = np.dtype(np.float32), np.dtype(np.float64)
    assert good_enough(single, 1e-6) ** 2 < 2e-7
    assert good_enough(single, 1e-12) < good_enough(single, 1e-6) < good_enough(single, 1.0) < 0.01
    assert good_enough(double, 1e-6) == good_enough(double, 1.0) == 1e-10


@pytest.mark.parametrize("tol", [1e-3, 1e-6, 1e-12])
def test_float32_keeps_what_its_certificate_says(tol):
    rng = np.random.default_rng(1)
    factors = rng.normal(size=(MANY, 3))
    X = factors @ rng.normal(size=(3, 10)) + 0.03 * rng.normal(size=(MANY, 10))
    X = X.astype(np.float32)
    y = X @ rng.normal(size=10) + rng.normal(size=MANY)
    model = LinearLearnerRegressor(alpha=1e-4, tol=tol).fit(X, y)
    exact = LinearLearnerRegressor(alpha=1e-4, tol=1e-12).fit(X.astype(np.float64), y)
    scale = X.astype(np.float64).std(axis=0)

    def objective(one):
        residual = y - X.astype(np.float64) @ one.coef_ - one.intercept_
        return np.mean(residual**2) / 2 + 1e-4 / 2 * ((one.coef_ * scale) ** 2).sum()

    excess = (objective(model) - objective(exact)) / (np.var(y) / 2)
    assert excess <= model.certificate_ + 1e-13
    assert model.certificate_ <= tol


@pytest.mark.parametrize("alpha", [0.0, 1e-7, [1e-7, 1e-3]])
@pytest.mark.parametrize("n", [300, 20_000])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_float32_rows_have_the_objective_of_their_residuals(n, alpha, n_outputs):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 20)).astype(np.float32)
    y = np.squeeze(X @ rng.normal(size=(20, n_outputs)) + 0.01 * rng.normal(size=(n, n_outputs)))
    model = LinearLearnerRegressor(alpha=alpha, random_state=0).fit(X, y)
    exact = X.astype(np.float64)
    coef = np.atleast_2d(model.coef_)
    residual = y.reshape(n, -1) - exact @ coef.T - model.intercept_
    penalty = model.alpha_ * ((coef * exact.std(axis=0)) ** 2).sum()
    expected = (residual**2).sum() / n / 2 + penalty / 2
    assert model.objective_ == pytest.approx(expected, rel=1e-5)
