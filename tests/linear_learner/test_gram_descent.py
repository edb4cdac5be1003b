"""Lasso and elastic net from inner products against independent minima."""

import numpy as np
import pytest
from scipy import optimize

from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Control
from algos.linear_learner.solvers.gram import gather
from algos.linear_learner.solvers.gram_descent import solve_one
from tests.linear_learner.plain_rows import make_penalty, make_problem, objective

SQUARED = Loss("squared_error")
TIGHT = Control(tol=1e-10)


def data(n=80, d=12, *, correlation=0.0, n_outputs=None, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) + 3 * correlation * rng.normal(size=(n, 1)) + 2
    y = X[:, : d // 2] @ rng.normal(size=(d // 2, n_outputs or 1)) + rng.normal(size=(n, 1))
    return X.astype(dtype), y if n_outputs else y[:, 0]


def minimum(problem, penalty):
    """Return the least objective for one output, coef being the difference of two parts >= 0."""
    rows, d = problem.rows, problem.rows.d
    ones = np.full((rows.n, 1), float(problem.fit_intercept))
    root = np.sqrt(problem.weight)[:, None]
    columns = np.c_[rows.x, ones] * root
    gram, cross = columns.T @ columns, columns.T @ (root[:, 0] * problem.target)

    def split(parts):
        v = np.r_[parts[:d] - parts[d : 2 * d], parts[-1]]
        slope = gram @ v - cross
        slope[:d] += penalty.l2 * v[:d]
        value = v @ gram @ v / 2 - cross @ v + penalty.l2 @ v[:d] ** 2 / 2
        value += penalty.l1 @ (parts[:d] + parts[d : 2 * d])
        return value, np.r_[slope[:d] + penalty.l1, penalty.l1 - slope[:d], slope[-1]]

    found = optimize.minimize(
        split, np.zeros(2 * d + 1), jac=True, method="L-BFGS-B",
        bounds=[(0, None)] * (2 * d) + [(None, None)],
        options={"maxiter": 20_000, "maxfun": 50_000, "ftol": 1e-16, "gtol": 1e-12, "maxcor": 30},
    )  # fmt: skip
    return found.fun + problem.weight @ problem.target**2 / 2


def solve_path(products, penalties, control):
    """Return a solution for each penalty, begun at the one before."""
    solutions, coef = [], np.zeros(products.cross.shape)
    for candidate, penalty in enumerate(penalties):
        solutions.append(solve_one(products, penalty, control, coef, candidate))
        coef = solutions[-1].coef
    return solutions


@pytest.mark.parametrize("l1_ratio", [1.0, 0.5])
@pytest.mark.parametrize("correlation", [0, 1, 10])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_objective_is_the_least(l1_ratio, correlation, fit_intercept):
    X, y = data(correlation=correlation)
    weight = np.random.default_rng(1).uniform(0.1, 2, size=len(y))
    problem = make_problem(X, y, SQUARED, weight, fit_intercept=fit_intercept)
    penalties = [make_penalty(X.shape[1], alpha, l1_ratio) for alpha in (1, 0.1, 0.01, 1e-4)]
    for penalty, solution in zip(
        penalties, solve_path(gather(problem), penalties, TIGHT), strict=True
    ):
        found = objective(problem, penalty, solution.coef, solution.intercept)
        assert solution.converged
        assert solution.certificate <= 1e-10
        assert solution.criterion == "duality gap"
        assert found == pytest.approx(solution.objective, rel=1e-12)
        assert found <= minimum(problem, penalty) * (1 + 1e-9)
        assert len(solution.objectives) == solution.n_iter
        assert solution.n_iter == 0 or solution.objectives[-1] == pytest.approx(found, rel=1e-9)
        if not fit_intercept:
            assert solution.intercept == 0


def test_many_outputs_are_as_many_fits():
    X, y = data(n_outputs=3)
    penalties = [make_penalty(12, alpha, 0.9) for alpha in (0.3, 0.03)]
    joint = make_problem(X, y, SQUARED, n_outputs=3)
    for candidate, solution in enumerate(solve_path(gather(joint), penalties, TIGHT)):
        for k in range(3):
            single = gather(make_problem(X, y[:, k], SQUARED))
            alone = solve_path(single, penalties, TIGHT)[candidate]
            np.testing.assert_allclose(solution.coef[k], alone.coef[0], atol=1e-5)
            np.testing.assert_allclose(solution.intercept[k], alone.intercept[0], rtol=1e-5)


def test_more_columns_than_rows():
    X, y = data(n=15, d=40)
    problem, penalty = make_problem(X, y, SQUARED), make_penalty(40, 0.1, 1.0)
    (solution,) = solve_path(gather(problem), [penalty], TIGHT)
    assert solution.converged
    assert solution.objective <= minimum(problem, penalty) * (1 + 1e-9)


def test_targets_of_any_size():
    X, y = data()
    problem = make_problem(X, y, SQUARED)
    penalty = make_penalty(12, 0.1, 0.5)
    (plain,) = solve_path(gather(problem), [penalty], TIGHT)
    for factor in (1e-150, 1e140):
        problem = make_problem(X, y * factor, SQUARED)
        scaled = penalty._replace(l1=penalty.l1 * factor)
        (solution,) = solve_path(gather(problem), [scaled], TIGHT)
        assert solution.converged
        np.testing.assert_allclose(solution.coef / factor, plain.coef, atol=1e-5)


def test_constant_columns_and_targets_have_no_coefficients():
    X, y = data()
    X[:, 3] = 1e5 / 3
    penalty = make_penalty(12, 0.01, 1.0)
    (solution,) = solve_path(gather(make_problem(X, y, SQUARED)), [penalty], TIGHT)
    assert solution.converged
    assert solution.coef[0, 3] == 0
    (solution,) = solve_path(gather(make_problem(X, y * 0 + 7, SQUARED)), [penalty], TIGHT)
    assert solution.converged
    assert not solution.coef.any()
    assert solution.intercept == pytest.approx(7)


def test_it_begins_where_it_is_told_to():
    X, y = data(correlation=10)
    products, penalties = gather(make_problem(X, y, SQUARED)), [make_penalty(12, 0.001, 0.9)]
    (cold,) = solve_path(products, penalties, TIGHT)
    warm = solve_one(products, penalties[0], Control(tol=2e-10), cold.coef, 0)
    assert warm.n_iter == 0
    np.testing.assert_array_equal(warm.coef, cold.coef)


def test_it_can_be_stopped():
    X, y = data(correlation=10)
    products, penalties = gather(make_problem(X, y, SQUARED)), [make_penalty(12, 1e-4, 1.0)]
    (few,) = solve_path(products, penalties, Control(tol=1e-12, max_iter=2))
    assert not few.converged
    assert few.n_iter == 2
    asked = []

    def give_up(candidate, coef, intercept, certificate):
        asked.append((candidate, coef.shape, intercept.shape, certificate))
        return True

    (given_up,) = solve_path(products, penalties, Control(tol=1e-12, give_up=give_up))
    assert not given_up.converged
    assert asked == [(0, (1, 12), (1,), given_up.certificate)]
