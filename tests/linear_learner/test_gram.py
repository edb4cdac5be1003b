"""Inner products of a problem's columns, and what inverts them."""

import numpy as np
import pytest

from algos.linear_learner.losses import Loss
from algos.linear_learner.solvers.gram import gather, ridge_inverse, sums_of
from algos.linear_learner.solvers.inverse import Spectrum, invert
from tests.linear_learner.plain_rows import make_problem

SQUARED = Loss("squared_error")


def data(n=50, d=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + 5, rng.normal(size=(n, 2)) + 3, rng.uniform(0.5, 2, size=n)


@pytest.mark.parametrize("known", ["nothing", "precise", "sums"])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_products_are_weighted_means(fit_intercept, known):
    X, Y, weight = data()
    problem = make_problem(X, Y, SQUARED, weight, fit_intercept=fit_intercept, n_outputs=2)
    sums = sums_of(problem.rows, Y, problem.weight) if known == "sums" else None
    products = gather(problem, precise=known == "precise", sums=sums)
    x, y, w = problem.rows.x, Y.copy(), problem.weight
    if fit_intercept:
        x, y = x - w @ x, y - w @ y
    np.testing.assert_allclose(products.gram, (x * w[:, None]).T @ x, atol=1e-13)
    np.testing.assert_allclose(products.cross, (y * w[:, None]).T @ x, atol=1e-13)
    np.testing.assert_allclose(products.square, w @ y**2)
    coef = np.random.default_rng(1).normal(size=(2, 6))
    assert products.loss(coef) == pytest.approx((w @ (y - x @ coef.T) ** 2).sum() / 2)


def test_constant_columns_are_zeros_and_the_noise_is_told():
    X, Y, weight = data()
    X[:, 2] = 1 / 3
    products = gather(make_problem(X, Y, SQUARED, weight, n_outputs=2))
    assert not products.gram[2].any()
    assert not products.cross[:, 2].any()
    assert products.noise < 1e-14
    single = gather(make_problem(X.astype(np.float32), Y, SQUARED, weight, n_outputs=2))
    assert 1e-9 < single.noise < 1e-6


def test_inverses_agree_with_numpys():
    rng = np.random.default_rng(2)
    X, right = rng.normal(size=(30, 7)) * np.geomspace(1e-3, 1e3, 7), rng.normal(size=(3, 7))
    matrix = X.T @ X
    expected = np.linalg.solve(matrix, right.T).T
    inverse = invert(matrix.copy())
    np.testing.assert_allclose(inverse(right), expected, rtol=1e-9)
    assert 1 <= inverse.condition < 1e3
    direction = np.geomspace(1e-2, 1, 7)
    spectral = Spectrum(matrix, direction).inverse(0.5)
    expected = np.linalg.solve(matrix + 0.5 * np.diag(direction), right.T).T
    np.testing.assert_allclose(spectral(right), expected, rtol=1e-7)


def test_there_is_no_inverse_of_equal_columns():
    X, Y, weight = data()
    X[:, 1] = X[:, 0]
    products = gather(make_problem(X, Y, SQUARED, weight, n_outputs=2))
    inverse = ridge_inverse(products, np.zeros(6))
    assert inverse is None or inverse.condition > 1e13
