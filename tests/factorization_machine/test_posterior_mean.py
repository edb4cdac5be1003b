"""The posterior mean model scores rows of X in their own units."""

import numpy as np
import pytest
from scipy import sparse

from algos.factorization_machine import FactorizationMachineRegressor
from algos.factorization_machine.posterior import Draws, predict_mean
from algos.factorization_machine.posterior_mean import PosteriorMean
from algos.factorization_machine.rows import Columns
from algos.factorization_machine.targets import Unit


def drawn(n_columns, rank, seed=0):
    rng = np.random.default_rng(seed)
    return Draws(
        np.zeros(1),
        np.zeros((n_columns, 1), np.float32),
        np.zeros((n_columns, rank), np.float32),
        {},
        0.5,
        rng.normal(size=n_columns),
        rng.normal(size=(n_columns, rank)),
        {},
    )


@pytest.mark.parametrize("d", [9, 30, 400])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("single", [False, True])
def test_columns_are_looked_up_as_renumbering_would(d, scaled, single):
    rng = np.random.default_rng(1)
    known = np.sort(rng.choice(d, 9, replace=False)).astype(np.int64)
    scale = rng.uniform(0.1, 10, size=9) if scaled else None
    columns = Columns(d, None if d == 9 else known, scale)
    draws, unit = drawn(9, 11), Unit(3.0, 20.0)
    X = rng.normal(size=(50, d)) * (rng.random((50, d)) < 0.4)
    mean = PosteriorMean.of(draws, columns, unit, single=single)
    assert (mean.places is None) == (d <= 36)
    expected = unit.back(predict_mean(columns.rows(sparse.csr_array(X)), draws, 1))
    tolerance = 1e-5 if single or not scaled else 1e-10
    for rows in (X, sparse.csr_array(X), sparse.csr_matrix(X)):
        found = mean.scores(rows, 1)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=200 * tolerance)


def test_a_fit_of_users_and_items_is_read_by_few_factors():
    rng = np.random.default_rng(0)
    user, item = rng.integers(60, size=3000), rng.integers(40, size=3000)
    v = rng.normal(size=(100, 2))
    y = (v[user] * v[60 + item]).sum(axis=1) + 0.1 * rng.normal(size=3000)
    columns = np.stack([user, 60 + item], axis=1).ravel()
    X = sparse.csr_array((np.ones(6000), columns, np.arange(0, 6001, 2)), shape=(3000, 5000))
    model = FactorizationMachineRegressor(4, solver="mcmc", random_state=0).fit(X, y)
    mean = PosteriorMean(**model._means[0])
    assert mean.factors.shape == (101, 32)
    assert mean.places is not None and not mean.factors[0].any()
    assert model.score(X, y) > 0.98
    unseen = sparse.csr_array(([1.0], ([0], [4999])), shape=(1, 5000))
    assert model.predict(unseen)[0] == pytest.approx(mean.intercept)
