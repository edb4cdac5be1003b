"""The sampler's priors, also with few rows."""

import numpy as np
import pytest
from scipy import sparse

from algos import FactorizationMachineRegressor
from algos.factorization_machine.priors import prior_rates, unit_rates
from algos.factorization_machine.rows import Rows


def rows_of(X):
    found = sparse.csr_array(X)
    values = None if np.all(found.data == 1) else found.data
    return Rows(found.indptr.astype(np.int64), found.indices.astype(np.int32), values, X.shape[1])


@pytest.mark.parametrize("power", [-100, 0, 1, 100, 300])
def test_rates_are_those_of_the_units_however_large(power):
    X = 1 + np.random.default_rng(0).random((20, 6))
    factors, linear = unit_rates(rows_of(X))
    if power < 0:
        assert unit_rates(rows_of(np.ldexp(X, power))) == (1.0, 1.0)
    else:
        expected = np.ldexp(factors, -2 * power), np.ldexp(linear, -2 * power)
        np.testing.assert_array_equal(unit_rates(rows_of(np.ldexp(X, power))), expected)
    assert min(unit_rates(rows_of(np.ldexp(X, 800)))) > 0


def test_rows_of_two_ones_have_unit_rates():
    rng = np.random.default_rng(0)
    X = np.zeros((100, 7))
    X[np.arange(100), rng.integers(0, 4, 100)] = 1
    X[np.arange(100), rng.integers(4, 7, 100)] = 1
    assert unit_rates(rows_of(X)) == (1.0, 1.0)
    assert prior_rates(rows_of(X)) == (1.0, 1.0)


def test_rates_follow_the_products_and_values_of_a_row():
    X = np.random.default_rng(1).normal(size=(50, 6)) * 3
    squares = X**2
    pairs = ((squares.sum(axis=1) ** 2 - (squares**2).sum(axis=1)) / 2).mean()
    expected = 1 / np.sqrt(pairs), 2 / squares.sum(axis=1).mean()
    np.testing.assert_allclose(unit_rates(rows_of(X)), expected)


def test_rates_are_less_where_rows_are_few():
    rng = np.random.default_rng(2)
    dense, zeros = rows_of(rng.normal(size=(30, 60))), rows_of(np.eye(60)[rng.permutation(60)[:30]])
    np.testing.assert_allclose(prior_rates(dense), np.array(unit_rates(dense)) * [1 / 20, 1])
    np.testing.assert_allclose(prior_rates(zeros), np.array(unit_rates(zeros)) / 20)


def test_rows_without_values_have_rates():
    assert prior_rates(rows_of(np.zeros((3, 4)))) == (3 / 40, 3 / 40)


def test_coefficients_are_learned_from_as_many_rows_as_dense_columns():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1200, 200))
    y = X[:, :8].sum(axis=1) + rng.normal(size=1200)
    model = FactorizationMachineRegressor(max_iter=100, random_state=0).fit(X[:200], y[:200])
    assert model.score(X[200:], y[200:]) > 0.5


@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_fewer_rows_than_columns_are_predicted_no_worse_than_by_their_mean(scale):
    errors = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(210, 300)) * scale
        y = X @ rng.normal(size=300) / np.sqrt(300) / scale
        model = FactorizationMachineRegressor(solver="mcmc", random_state=seed)
        found = model.fit(X[:10], y[:10]).predict(X[10:])
        errors.append(np.mean((found - y[10:]) ** 2) / np.mean((y[:10].mean() - y[10:]) ** 2))
    assert np.mean(errors) < 1.15
