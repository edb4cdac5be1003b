"""Working sets against independent optima, and what they promise beside them."""

import numpy as np
import pytest
from scipy import sparse

from algos.linear_learner.problem import Control, Penalty, Problem
from algos.linear_learner.solvers import working_set
from algos.linear_learner.solvers.null_model import null_model
from tests.linear_learner.plain_optimum import (
    DEGENERATE,
    assert_finite,
    least_objective,
    make_data,
    make_degenerate_problem,
    make_loss,
    make_small_problem,
)
from tests.linear_learner.plain_rows import PlainRows, make_penalty, make_problem, objective

TIGHT = Control(tol=1e-10, max_iter=1000)
LOSSES = (
    "squared_error", "squared_epsilon_insensitive", "huber", "poisson", "gamma", "tweedie",
    "log_loss", "squared_hinge",
)  # fmt: skip
losses = pytest.mark.parametrize("name", LOSSES)
intercepts = pytest.mark.parametrize("fit_intercept", [True, False])


def solve(problem, alpha, l1_ratio=1.0, control=TIGHT):
    (found,) = working_set.path(problem, [make_penalty(problem.rows.d, alpha, l1_ratio)], control)
    return found


@losses
@intercepts
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("l1_ratio", [1.0, 0.5, 0.0])
@pytest.mark.parametrize("alpha", [0.01, 0.2])
def test_objective_is_the_optimum(name, fit_intercept, weighted, l1_ratio, alpha):
    problem = make_small_problem(name, weighted=weighted, fit_intercept=fit_intercept)
    penalty = make_penalty(4, alpha, l1_ratio)
    (found,) = working_set.path(problem, [penalty], TIGHT)
    optimum = least_objective(problem, penalty)
    reached = objective(problem, penalty, found.coef, found.intercept)
    assert found.converged
    assert reached <= optimum + 1e-9 * abs(optimum)
    np.testing.assert_allclose(found.objective, reached, rtol=1e-12)
    assert (found.intercept == 0).all() or fit_intercept


@losses
def test_without_penalty(name):
    problem = make_small_problem(name, n=60)
    penalty = make_penalty(4, 0.0)
    (found,) = working_set.path(problem, [penalty], TIGHT)
    assert found.criterion == "gradient norm"
    assert found.objective <= least_objective(problem, penalty) * (1 + 1e-9)


@losses
def test_many_columns(name):
    loss = make_loss(name)
    X, y = make_data(20, 150, loss, seed=3)
    problem = make_problem(X, y, loss)
    penalty = make_penalty(150, 0.1, 0.9)
    (found,) = working_set.path(problem, [penalty], TIGHT)
    assert found.converged
    assert found.objective <= least_objective(problem, penalty) * (1 + 1e-9)
    assert 0 < (found.coef != 0).sum() < 150


@losses
def test_penalties_may_differ_by_column(name):
    problem = make_small_problem(name, n=60)
    penalty = Penalty(np.array([0.0, 0.1, 0.0, 0.05]), np.array([0.1, 0.0, 0.0, 0.1]))
    (found,) = working_set.path(problem, [penalty], TIGHT)
    assert found.objective <= least_objective(problem, penalty) * (1 + 1e-9)


@losses
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_sparse_columns_equal_dense_ones(name, dtype, kind):
    loss = make_loss(name)
    X, y = make_data(40, 50, loss, density=0.3)
    X[4] = 0
    X[:, 5] = 0
    X[:, 7] = X[:, 6]
    X = X.astype(dtype)
    matrix = sparse.csr_array(X)
    matrix.indices, matrix.indptr = matrix.indices.astype(kind), matrix.indptr.astype(kind)
    scale = np.random.default_rng(0).uniform(0.5, 2, 50)
    weight = np.full(40, 1 / 40)
    results = [
        solve(Problem(PlainRows(rows, scale=scale), y, weight, loss), 0.05).objective
        for rows in (X, matrix)
    ]
    np.testing.assert_allclose(*results, rtol=1e-6 if dtype == np.float32 else 1e-9)


@losses
def test_weights_equal_repeats(name):
    loss = make_loss(name)
    X, y = make_data(20, 30, loss)
    times = np.random.default_rng(0).integers(1, 4, 20)
    one = solve(make_problem(X, y, loss, times), 0.1)
    other = solve(make_problem(np.repeat(X, times, 0), np.repeat(y, times), loss), 0.1)
    np.testing.assert_allclose(one.objective, other.objective, rtol=1e-10)
    np.testing.assert_allclose(one.coef, other.coef, atol=1e-4)


def test_threads_change_no_bit():
    loss = make_loss("log_loss")
    X, y = make_data(2000, 800, loss)
    weight = np.full(2000, 1 / 2000)
    one, two = (
        solve(Problem(PlainRows(X, n_threads=n), y, weight, loss), 0.02, control=Control())
        for n in (1, 2)
    )
    np.testing.assert_array_equal(one.coef, two.coef)
    np.testing.assert_array_equal(one.intercept, two.intercept)


def test_strongest_penalty_leaves_nothing():
    problem = make_small_problem("squared_error")
    found = solve(problem, 1e3)
    assert found.converged
    assert found.n_iter == 0
    assert not found.coef.any()


def test_pack_equals_single_fits_and_starts_warm():
    loss = make_loss("log_loss")
    problem = make_problem(*make_data(60, 200, loss), loss)
    penalties = [make_penalty(200, alpha, 1.0) for alpha in np.geomspace(0.2, 0.01, 6)]
    pack = list(working_set.path(problem, penalties, TIGHT))
    for one, penalty in zip(pack, penalties, strict=True):
        (alone,) = working_set.path(problem, [penalty], TIGHT)
        np.testing.assert_allclose(one.objective, alone.objective, rtol=2e-10)
    (again,) = working_set.path(problem, penalties[-1:], TIGHT, start=pack[-1:])
    assert again.n_iter == 0


def test_given_up_candidates_end_early():
    loss = make_loss("squared_error")
    problem = make_problem(*make_data(60, 200, loss), loss)
    penalties = [make_penalty(200, 0.01, 1.0), make_penalty(200, 0.009, 1.0)]
    control = Control(tol=1e-9, give_up=lambda candidate, *_: candidate == 0)
    first, second = working_set.path(problem, penalties, control)
    assert not first.converged
    assert second.converged


@losses
@intercepts
@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_data_end_in_finite_answers(name, fit_intercept, case):
    problem = make_degenerate_problem(make_loss(name), case, fit_intercept=fit_intercept)
    found = solve(problem, 0.1)
    assert_finite(found)


@pytest.mark.parametrize("name", ["log_loss", "squared_hinge"])
def test_separable_rows_without_penalty_end_in_finite_answers(name):
    X, _ = make_data(20, 3, make_loss(name))
    problem = make_problem(X, np.sign(X[:, 0] - np.median(X[:, 0]) + 1e-9), make_loss(name))
    assert_finite(solve(problem, 0.0, control=Control(max_iter=50)))


def test_columns_of_very_different_sizes_end_soon():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 60))
    X[:, 1] = X[:, 0]
    y = X @ rng.normal(size=60) + 0.5 * rng.standard_t(2, size=40)
    factor = 10.0 ** rng.integers(-3, 4, size=60)
    problem = make_problem(X, y, make_loss("squared_error"))
    penalty = Penalty(5e-7 / factor, 5e-7 / factor**2)
    (found,) = working_set.path(problem, [penalty], Control())
    assert found.converged
    assert found.n_iter < 40


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_columns_that_go_together_are_judged_together(seed, l1_ratio):
    loss = make_loss("tweedie")
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(40, 1))
    X = common + 0.03 * rng.normal(size=(40, 6))
    y = np.exp(0.5 * common[:, 0] + 3 * (X[:, 0] - X[:, 1])) * rng.gamma(3, size=40)
    problem = make_problem(X, y, loss)
    found = solve(problem, 1e-6, l1_ratio, Control(tol=1e-6, max_iter=1000))
    best = solve(problem, 1e-6, l1_ratio, Control(tol=1e-14, max_iter=3000))
    assert found.converged
    assert found.objective - best.objective <= 2e-6 * null_model(problem).unit
