"""The squared loss with every penalty, however the columns stand to one another."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import sparse

from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Control, Penalty, Problem
from algos.linear_learner.rows import make_rows
from algos.linear_learner.solvers.least_squares import solve
from algos.linear_learner.solvers.wide import solve_by_rows, solve_with_conjugates
from tests.linear_learner import nist
from tests.linear_learner.plain_rows import PlainRows, make_penalty, make_problem, objective

SQUARED = Loss("squared_error")
TIGHT = Control(tol=1e-10)


def data(n=80, d=12, *, n_outputs=None, seed=0, dtype=np.float64, offset=2.0, noise=1.0):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, d)) + offset).astype(dtype)
    y = X @ rng.normal(size=(d, n_outputs or 1)) + noise * rng.normal(size=(n, 1))
    return X, y if n_outputs else y[:, 0]


def sparse_data(n, d, density=0.2, seed=0):
    X = sparse.random(n, d, density, format="csr", random_state=seed)
    y = np.asarray(X[:, :3].sum(axis=1)).ravel()
    return X, y + 0.1 * np.random.default_rng(seed).normal(size=n)


def least_squares(problem, penalty):
    """Return coefficients and intercepts by the QR decomposition of the penalised rows."""
    rows, root = problem.rows, np.sqrt(problem.weight)[:, None]
    x = PlainRows(rows.X, rows.shift, rows.scale).x
    x = np.c_[x, np.full(rows.n, float(problem.fit_intercept))] * root
    below = np.c_[np.diag(np.sqrt(penalty.l2)), np.zeros(rows.d)]
    y = problem.target.reshape(rows.n, -1) * root
    y = np.r_[y, np.zeros((rows.d, y.shape[1]))]
    found = np.linalg.lstsq(np.r_[x, below], y, rcond=None)[0].T
    return found[:, :-1], found[:, -1]


def assert_least(problem, penalty, solution, rel=1e-9):
    expected = least_squares(problem, penalty)
    found = objective(problem, penalty, solution.coef, solution.intercept)
    assert solution.converged
    assert solution.certificate <= 1e-10
    assert found <= objective(problem, penalty, *expected) * (1 + rel)
    assert solution.objective == pytest.approx(found, rel=1e-9)
    assert len(solution.objectives) == solution.n_iter
    return expected


def rows_of(problem):
    """Return the problem over the rows that estimators use."""
    rows = make_rows(problem.rows.X, problem.weight, center=problem.fit_intercept, n_threads=1)
    return Problem(rows, problem.target, problem.weight, problem.loss, problem.fit_intercept,
                   problem.n_outputs)  # fmt: skip


@pytest.mark.parametrize("alpha", [0, 1e-3, 1.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("n_outputs", [None, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_ridge_is_that_of_a_qr_decomposition(alpha, fit_intercept, n_outputs, weighted):
    X, y = data(n_outputs=n_outputs)
    weight = np.random.default_rng(1).uniform(0.1, 2, size=len(y)) if weighted else None
    plain = make_problem(
        X, y, SQUARED, weight, fit_intercept=fit_intercept, n_outputs=n_outputs or 1
    )
    penalty = make_penalty(12, alpha)
    for problem in (plain, rows_of(plain)):
        (solution,) = solve(problem, [penalty], TIGHT)
        coef, intercept = assert_least(problem, penalty, solution)
        np.testing.assert_allclose(solution.coef, coef, rtol=1e-11)
        np.testing.assert_allclose(solution.intercept, intercept, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("density", [0.2, 1.0])
def test_sparse_rows_are_as_good_as_dense_ones(density):
    X, y = sparse_data(60, 10, density)
    X.data += 3
    problem, penalty = make_problem(X, y, SQUARED), make_penalty(10, 0.01)
    for rows in (problem, rows_of(problem)):
        (solution,) = solve(rows, [penalty], TIGHT)
        assert_least(rows, penalty, solution)


def test_each_penalty_of_a_pack_is_solved_as_if_alone():
    problem = make_problem(*data(), SQUARED)
    pack = [make_penalty(12, alpha, ratio) for alpha, ratio in ((1, 0), (0.5, 0.5), (0, 0))]
    for penalty, solution in zip(pack, solve(problem, pack, TIGHT), strict=True):
        (alone,) = solve(problem, [penalty], TIGHT)
        np.testing.assert_allclose(solution.coef, alone.coef, atol=1e-4)


@pytest.mark.parametrize("direction", ["equal", "unequal"])
def test_many_ridges_share_one_eigendecomposition(direction):
    problem = make_problem(*data(200, 70), SQUARED)
    weights = np.ones(70) if direction == "equal" else np.geomspace(1e-3, 1e3, 70)
    pack = [Penalty(np.zeros(70), alpha * weights) for alpha in np.geomspace(10, 1e-4, 20)]
    pack.append(make_penalty(70, 0))
    for penalty, solution in zip(pack, solve(problem, pack, TIGHT), strict=True):
        (alone,) = solve(problem, [penalty], TIGHT)
        np.testing.assert_allclose(solution.coef, alone.coef, rtol=1e-9, atol=1e-11)
        assert_least(problem, penalty, solution)


def test_columns_may_have_penalties_of_their_own():
    problem = make_problem(*data(), SQUARED)
    l2 = np.geomspace(1e-8, 1e4, 12)
    l2[3] = 0
    (solution,) = solve(problem, [Penalty(np.zeros(12), l2)], TIGHT)
    coef, _ = assert_least(problem, Penalty(np.zeros(12), l2), solution)
    np.testing.assert_allclose(solution.coef, coef, rtol=1e-10)


@pytest.mark.parametrize("n", [60, 6000])
@pytest.mark.parametrize("spread", [1e-3, 1e-5, 1e-7])
@pytest.mark.parametrize("alpha", [0, 1e-16])
def test_nearly_equal_columns_cost_what_they_cost_a_qr_decomposition(n, spread, alpha):
    X, y = data(n, 12)
    X[:, 6:] = X[:, :6] + spread * np.random.default_rng(5).normal(size=(n, 6))
    problem, penalty = make_problem(X, y, SQUARED), make_penalty(12, alpha)
    (solution,) = solve(problem, [penalty], TIGHT)
    coef, _ = assert_least(problem, penalty, solution)
    error = np.abs(solution.coef - coef).max() / np.abs(coef).max()
    assert error <= 2e-14 / spread


@pytest.mark.parametrize("n", [30, 8000])
@pytest.mark.parametrize("kind", ["equal", "constant", "zero", "few rows"])
def test_dependent_columns_give_the_shortest_solution(n, kind):
    X, y = data(n, 12)
    if kind == "equal":
        X[:, 7] = X[:, 3]
    elif kind == "few rows":
        X, y = X[:8], y[:8]
    else:
        X[:, 7] = 1e5 / 3 if kind == "constant" else 0
    problem = make_problem(X, y, SQUARED)
    (solution,) = solve(problem, [make_penalty(12, 0)], TIGHT)
    x, root = problem.rows.x, np.sqrt(problem.weight)[:, None]
    x = (x - problem.weight @ x) * root
    if kind in ("constant", "zero"):
        x[:, 7] = 0
    expected = np.linalg.lstsq(x, (y - problem.weight @ y) * root[:, 0], rcond=1e-12)[0]
    np.testing.assert_allclose(solution.coef[0], expected, rtol=1e-9, atol=1e-9)
    assert solution.converged


@pytest.mark.parametrize("offset", [0, 100, 1e4])
@pytest.mark.parametrize("alpha", [0, 0.01])
def test_an_offset_costs_float32_no_digits(offset, alpha):
    X, y = data(3000, 10, dtype=np.float32, offset=offset)
    plain = make_problem(X, y, SQUARED)
    penalty = make_penalty(10, alpha)
    for problem in (plain, rows_of(plain)):
        (solution,) = solve(problem, [penalty], Control())
        coef, _ = least_squares(problem, penalty)
        np.testing.assert_allclose(solution.coef, coef, rtol=1e-5)


def test_correlated_float32_columns_are_multiplied_in_double():
    X, y = data(6000, 12, dtype=np.float32)
    X[:, 6:] = X[:, :6] + np.float32(1e-3) * X[:, 6:]
    problem = rows_of(make_problem(X, y, SQUARED))
    (solution,) = solve(problem, [make_penalty(12, 0)], Control())
    coef, _ = least_squares(problem, make_penalty(12, 0))
    np.testing.assert_allclose(solution.coef, coef, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", nist.CERTIFIED)
def test_certified_digits(name):
    X, y = nist.load(name)
    fit_intercept, certified = nist.has_intercept(name), np.array(nist.CERTIFIED[name])
    exact = nist.exact_solution(X, y, fit_intercept=fit_intercept)
    # Filip's powers of x are rounded before anyone sees them.
    np.testing.assert_allclose(exact, certified, rtol=3e-8 if name == "Filip" else 1e-13)
    plain = make_problem(X, y, SQUARED, fit_intercept=fit_intercept)
    for problem in (plain, rows_of(plain)):
        (solution,) = solve(problem, [make_penalty(X.shape[1], 0)], Control())
        coef = solution.coef[0] / problem.rows.scale
        intercept = math.fsum([solution.intercept[0], *(-coef * problem.rows.shift)])
        found = np.r_[[intercept] * fit_intercept, coef]
        np.testing.assert_allclose(found, exact, rtol=1e-9)
        assert solution.converged


def test_a_penalised_ill_conditioned_problem_has_all_digits():
    X, y = nist.load("Filip")
    x = make_problem(X, y, SQUARED).rows.x
    problem = Problem(PlainRows(x), y, np.full(82, 1 / 82), SQUARED)
    (solution,) = solve(problem, [make_penalty(10, 1e-14)], Control())
    expected = nist.exact_solution(x, y, alpha=1e-14)[1:]
    np.testing.assert_allclose(solution.coef[0], expected, rtol=1e-9)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [1e-6, 0.1, 10])
@pytest.mark.parametrize("method", [solve, solve_by_rows, solve_with_conjugates])
@pytest.mark.parametrize("n_outputs", [None, 2])
def test_more_columns_than_rows(fit_intercept, alpha, method, n_outputs):
    X, y = data(20, 300, n_outputs=n_outputs)
    weight = np.random.default_rng(1).uniform(0.1, 2, size=20)
    problem = make_problem(
        X, y, SQUARED, weight, fit_intercept=fit_intercept, n_outputs=n_outputs or 1
    )
    penalties = [make_penalty(300, 2 * alpha), make_penalty(300, alpha)]
    for penalty, solution in zip(
        penalties, method(problem, penalties, Control(1e-14)), strict=True
    ):
        coef, _ = assert_least(problem, penalty, solution)
        rtol = 1e-4 if method is solve_with_conjugates else 1e-9
        np.testing.assert_allclose(solution.coef, coef, rtol=rtol, atol=rtol)


def test_without_penalty_more_columns_than_rows_give_the_shortest_solution():
    problem = make_problem(*data(20, 300), SQUARED)
    (solution,) = solve_by_rows(problem, [make_penalty(300, 0)], TIGHT)
    expected = np.linalg.lstsq(
        problem.rows.x, problem.target - problem.weight @ problem.target, rcond=1e-12
    )[0]
    np.testing.assert_allclose(solution.coef[0], expected, rtol=1e-4, atol=1e-4)


def test_many_sparse_columns_are_solved_by_conjugate_gradients():
    X, y = sparse_data(300, 3000, 0.01)
    plain = make_problem(X, y, SQUARED)
    penalties = [make_penalty(3000, alpha) for alpha in (1, 0.1, 0.001)]
    for problem in (plain, rows_of(plain)):
        dense = PlainRows(X.toarray(), problem.rows.shift, problem.rows.scale)
        exact = solve_by_rows(dataclasses.replace(problem, rows=dense), penalties, TIGHT)
        cold = solve(problem, penalties, TIGHT)
        for penalty, solution, expected in zip(penalties, cold, exact, strict=True):
            assert solution.criterion == "gradient norm"
            assert solution.converged
            assert solution.objective <= expected.objective * (1 + 1e-9)
            found = objective(problem, penalty, solution.coef, solution.intercept)
            assert solution.objective == pytest.approx(found, rel=1e-9)
        warm = solve(problem, penalties, TIGHT, cold)
        assert all(solution.n_iter <= 4 for solution in warm)


def test_conjugate_gradients_can_be_stopped():
    problem = make_problem(*sparse_data(300, 3000, 0.01), SQUARED)
    penalties = [make_penalty(3000, alpha) for alpha in (1, 0.001)]
    for solution in solve_with_conjugates(problem, penalties, Control(tol=1e-10, max_iter=1)):
        assert not solution.converged
        assert solution.n_iter == 1
    asked = []

    def give_up(candidate, coef, intercept, certificate):
        asked.append(candidate)
        return candidate == 1

    control = Control(tol=1e-10, give_up=give_up)
    strong, weak = solve_with_conjugates(problem, penalties, control)
    assert strong.converged
    assert not weak.converged
    assert asked.count(1) == 1


@pytest.mark.parametrize("method", [solve, solve_by_rows, solve_with_conjugates])
@pytest.mark.parametrize("alpha", [0, 0.1])
def test_nothing_to_learn_is_learnt_at_once(method, alpha):
    X, y = data(20, 30)
    for some, target in ((X, 0 * y + 7), (X[:1], y[:1]), (0 * X + 3, y)):
        problem = make_problem(some, target, SQUARED)
        (solution,) = method(problem, [make_penalty(30, alpha)], TIGHT)
        np.testing.assert_allclose(solution.coef, 0, atol=1e-12)
        assert solution.intercept[0] == pytest.approx(target.mean())
        assert solution.converged


@pytest.mark.parametrize("method", [solve, solve_by_rows, solve_with_conjugates])
@pytest.mark.parametrize("factor", [1e-150, 1e140])
def test_targets_of_any_size(method, factor):
    X, y = data(20, 30)
    penalty = make_penalty(30, 0.1)
    (plain,) = method(make_problem(X, y, SQUARED), [penalty], TIGHT)
    (solution,) = method(make_problem(X, y * factor, SQUARED), [penalty], TIGHT)
    assert solution.converged
    np.testing.assert_allclose(solution.coef / factor, plain.coef, rtol=1e-6)


def test_weights_are_repeated_rows():
    X, y = data(40, 8)
    counts = np.random.default_rng(2).integers(1, 4, size=40)
    penalty = make_penalty(8, 0.1)
    weighted = make_problem(X, y, SQUARED, counts)
    repeated = make_problem(np.repeat(X, counts, axis=0), np.repeat(y, counts), SQUARED)
    (a,), (b,) = solve(weighted, [penalty], TIGHT), solve(repeated, [penalty], TIGHT)
    np.testing.assert_allclose(a.coef, b.coef, rtol=1e-12)
