"""Alternating least squares: always downhill, to the optimum that others find."""

import numpy as np
import pytest
from scipy.optimize import minimize

from algos.factorization_machine.als import Penalties, penalty_of, solve_als
from algos.factorization_machine.blocks import Sweeper
from algos.factorization_machine.fields import find_fields
from algos.factorization_machine.likelihoods import Gaussian, OrderedProbit, Probit
from algos.factorization_machine.rows import training_table


def table_of(rng, n=80, d=7, density=0.6):
    X = rng.normal(size=(n, d)) * (rng.random((n, d)) < density)
    y = X @ rng.normal(size=d) + X[:, 0] * X[:, 1] - X[:, 2] * X[:, 3] + rng.normal(size=n) / 5
    return training_table(X, (y - y.mean()) / y.std(), rng.integers(1, 4, size=n).astype(float))


def start_of(table, k, seed=0):
    rng, d = np.random.default_rng(seed), table.rows.n_columns
    return 0.0, np.zeros(d), rng.normal(size=(d, k)) / 3


def solved(table, *args, **given):
    return solve_als(table.rows, find_fields(table.rows), *args, **given)


def dense(table):
    X = np.zeros((table.rows.n, table.rows.n_columns))
    row = np.repeat(np.arange(table.rows.n), np.diff(table.rows.indptr))
    X[row, table.rows.indices] = 1.0 if table.rows.values is None else table.rows.values
    return X


def objective(X, y, weight, penalties, k, at):
    """Return the objective and its gradient, all parameters in one vector."""
    d = X.shape[1]
    intercept, linear, factors = at[0], at[1 : d + 1], at[d + 1 :].reshape(d, k)
    q = X @ factors
    f = intercept + X @ linear + (q**2 - X**2 @ factors**2).sum(axis=1) / 2
    slope = weight * (f - y)
    value = slope @ (f - y) / 2 + (
        penalties.alpha_intercept * intercept**2
        + penalties.alpha_linear * linear @ linear
        + penalties.alpha * (factors**2).sum()
    ) / 2  # fmt: skip
    by_factors = X.T @ (slope[:, None] * q) - (X**2).T @ slope[:, None] * factors
    gradient = np.concatenate([
        [slope.sum() + penalties.alpha_intercept * intercept],
        X.T @ slope + penalties.alpha_linear * linear,
        (by_factors + penalties.alpha * factors).ravel(),
    ])  # fmt: skip
    return value, gradient


@pytest.mark.parametrize("k", [1, 3])
def test_the_optimum_is_one_that_quasi_newton_steps_cannot_leave(k):
    table = table_of(np.random.default_rng(k))
    penalties = Penalties(1.0, 0.5, 0.25)
    found = solved(
        table, Gaussian(table.target, table.weight), penalties, start_of(table, k),
        max_iter=5000, tol=0.0,
    )  # fmt: skip
    X = dense(table)
    at = np.concatenate([[found.intercept], found.linear, found.factors.ravel()])
    args = X, table.target, table.weight, penalties, k
    value, gradient = objective(*args, at)
    assert found.objectives[-1] == pytest.approx(value, rel=1e-10)
    assert np.abs(gradient).max() < 1e-5 * value
    other = minimize(lambda v: objective(*args, v), at, jac=True, method="L-BFGS-B")
    assert other.fun >= value * (1 - 1e-9)


def test_one_and_the_same_optimum_from_the_same_start_by_other_means():
    table = table_of(np.random.default_rng(5), n=200)
    penalties, k = Penalties(2.0, 0.5, 0.25), 2
    X = dense(table)
    args = X, table.target, table.weight, penalties, k
    ours, theirs = [], []
    for seed in range(5):
        start = start_of(table, k, seed)
        found = solved(
            table, Gaussian(table.target, table.weight), penalties, start,
            max_iter=3000, tol=1e-13,
        )  # fmt: skip
        ours.append(found.objectives[-1])
        at = np.concatenate([[0.0], start[1], start[2].ravel()])
        options = {"maxiter": 5000, "ftol": 1e-14, "gtol": 1e-8}
        theirs.append(
            minimize(
                lambda v: objective(*args, v), at, jac=True, method="L-BFGS-B", options=options
            ).fun
        )
    assert min(ours) == pytest.approx(min(theirs), rel=1e-6)


@pytest.mark.parametrize("likelihood", ["gaussian", "probit", "ordered"])
@pytest.mark.parametrize("density", [0.2, 1.0])
@pytest.mark.parametrize("k", [2, 36])
def test_no_sweep_raises_the_objective(likelihood, density, k):
    table = table_of(np.random.default_rng(2), n=60, d=20, density=density)
    model = {
        "gaussian": Gaussian(table.target, table.weight),
        "probit": Probit((table.target > 0).astype(np.int32), table.weight),
        "ordered": OrderedProbit(
            np.digitize(table.target, [-0.5, 0.5]).astype(np.int32), table.weight
        ),
    }[likelihood]
    found = solved(table, model, Penalties(0.5, 0.5), start_of(table, k), max_iter=60, tol=0.0)
    values = np.array(found.objectives)
    assert np.all(np.diff(values) <= 1e-9 * values[0])
    assert values[-1] < values[0]


def test_the_objective_falls_with_every_column_and_the_intercept():
    table = table_of(np.random.default_rng(3))
    model, penalties = Gaussian(table.target, table.weight), Penalties(1.0, 1.0)
    fields = find_fields(table.rows)
    sweeper = Sweeper(table.rows, fields, *start_of(table, 2), dtype=np.float64, n_threads=1)
    groups = np.zeros(table.rows.n_columns, dtype=np.int32)
    sweeper.aim(table.target)
    free = np.full((1, 3), 1.0)
    before = np.inf
    for column in range(table.rows.n_columns):
        # all others are held where they are by a prior that does not yield
        held = np.where(np.arange(len(groups)) == column, 0, 1 + np.arange(len(groups)))
        at = np.column_stack([sweeper.factors, sweeper.linear])
        means = np.concatenate([np.zeros((1, 3)), at])
        walls = np.concatenate([free, np.full((len(at), 3), 1e13)])
        sweeper.sweep(table.weight, 1.0, held.astype(np.int32), means, walls)
        value = model.objective(sweeper.scores(), 1) + penalty_of(sweeper, penalties)
        assert value <= before * (1 + 1e-9)
        before = value


def test_it_stops_where_a_sweep_gains_little_and_says_so():
    table = table_of(np.random.default_rng(4))
    args = (
        table, Gaussian(table.target, table.weight), Penalties(1.0, 1.0), start_of(table, 2),
    )  # fmt: skip
    found = solved(*args, max_iter=1000, tol=1e-4)
    assert found.has_converged and found.n_iter < 1000
    last, end = found.objectives[-2:]
    assert last - end <= 1e-4 * end
    assert not solved(*args, max_iter=2, tol=0.0).has_converged


def test_single_precision_ends_near_double():
    table = table_of(np.random.default_rng(6))
    ends = [
        solved(
            table, Gaussian(table.target, table.weight), Penalties(1.0, 1.0),
            start_of(table, 2), max_iter=100, tol=0.0, dtype=dtype,
        ).objectives[-1]
        for dtype in (np.float32, np.float64)
    ]  # fmt: skip
    assert ends[0] == pytest.approx(ends[1], rel=1e-4)
