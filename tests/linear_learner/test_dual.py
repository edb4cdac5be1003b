"""Dual coordinate descent against independent optima, and what it promises beside them."""

import numpy as np
import pytest
from scipy import sparse

from algos import LinearLearnerClassifier
from algos.linear_learner.losses import CODES, Loss
from algos.linear_learner.problem import Control, Penalty, Problem
from algos.linear_learner.solvers import dual
from algos.linear_learner.solvers.columns import spanned_rows
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

TIGHT = Control(tol=1e-11, max_iter=50_000)  # of the null model, which loses 20 times more
losses = pytest.mark.parametrize("name", [name for name in CODES if Loss(name).has_boxes])
intercepts = pytest.mark.parametrize("fit_intercept", [True, False])


def solve(problem, alpha, control=TIGHT):
    (found,) = dual.path(problem, [make_penalty(problem.rows.d, alpha)], control)
    return found


@losses
@intercepts
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("alpha", [0.05, 1.0])
def test_objective_is_the_optimum(name, fit_intercept, weighted, alpha):
    problem = make_small_problem(name, weighted=weighted, fit_intercept=fit_intercept)
    penalty = make_penalty(4, alpha)
    (found,) = dual.path(problem, [penalty], TIGHT)
    optimum = least_objective(problem, penalty)
    reached = objective(problem, penalty, found.coef, found.intercept)
    assert found.converged
    assert reached <= optimum * (1 + 1e-9)
    np.testing.assert_allclose(found.objective, reached, rtol=1e-12)
    assert (found.intercept == 0).all() or fit_intercept


@losses
def test_more_columns_than_rows(name):
    loss = make_loss(name)
    X, y = make_data(12, 40, loss, seed=3)
    problem = make_problem(X, y, loss)
    penalty = make_penalty(40, 0.3)
    (found,) = dual.path(problem, [penalty], TIGHT)
    assert found.converged
    assert found.objective <= least_objective(problem, penalty) * (1 + 1e-9)


@losses
def test_penalties_may_differ_by_column(name):
    problem = make_small_problem(name)
    penalty = Penalty(np.zeros(4), np.array([0.1, 1.0, 0.4, 2.0]))
    (found,) = dual.path(problem, [penalty], TIGHT)
    assert found.objective <= least_objective(problem, penalty) * (1 + 1e-9)


@pytest.mark.parametrize("name", ["hinge", "huber"])
def test_more_columns_than_rows_with_penalties_of_their_own(name):
    loss = make_loss(name)
    X, y = make_data(12, 40, loss, seed=3)
    X[5] = X[4]
    problem = make_problem(X, y, loss, np.arange(1, 13))
    penalty = Penalty(np.zeros(40), np.geomspace(0.1, 10, 40))
    (found,) = dual.path(problem, [penalty], TIGHT)
    assert found.objective <= least_objective(problem, penalty) * (1 + 1e-9)


def test_rows_in_the_coordinates_that_they_span_have_the_same_products():
    X = np.random.default_rng(0).normal(size=(9, 30)) + 3
    X[4], X[7] = X[3], 0
    rows = PlainRows(X, X.mean(axis=0), X.std(axis=0))
    l2 = np.geomspace(1, 5, 30)
    found = spanned_rows(rows, l2)
    assert found.spanned.shape == (9, 7)
    expected = (rows.x / l2) @ rows.x.T * found.strength
    np.testing.assert_allclose(found.spanned @ found.spanned.T, expected, atol=1e-12)


@losses
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_sparse_rows_equal_dense_ones(name, dtype, kind):
    loss = make_loss(name)
    X, y = make_data(30, 12, loss, density=0.3)
    X[4] = 0
    X[:, 5] = 0
    X = X.astype(dtype)
    matrix = sparse.csr_array(X)
    matrix.indices, matrix.indptr = matrix.indices.astype(kind), matrix.indptr.astype(kind)
    weight = np.full(30, 1 / 30)
    results = [
        solve(Problem(PlainRows(rows), y, weight, loss), 0.2).objective for rows in (X, matrix)
    ]
    np.testing.assert_allclose(*results, rtol=1e-6 if dtype == np.float32 else 1e-9)


@losses
def test_weights_equal_repeats(name):
    loss = make_loss(name)
    X, y = make_data(20, 5, loss)
    times = np.random.default_rng(0).integers(1, 4, 20)
    weighted = make_problem(X, y, loss, times)
    repeated = make_problem(np.repeat(X, times, 0), np.repeat(y, times), loss)
    one, other = solve(weighted, 0.1), solve(repeated, 0.1)
    np.testing.assert_allclose(one.objective, other.objective, rtol=2e-10)
    np.testing.assert_allclose(one.coef, other.coef, atol=1e-4)


def test_row_order_changes_rounding_alone():
    loss = make_loss("log_loss")
    X, y = make_data(60, 5, loss)
    order = np.random.default_rng(1).permutation(60)
    one = solve(make_problem(X, y, loss, standardize=False), 0.1)
    other = solve(make_problem(X[order], y[order], loss, standardize=False), 0.1)
    np.testing.assert_allclose(one.coef, other.coef, rtol=1e-12, atol=1e-13)


def test_pack_equals_single_fits_and_starts_warm():
    problem = make_small_problem("log_loss", n=60)
    penalties = [make_penalty(4, alpha) for alpha in np.geomspace(3, 0.01, 8)]
    pack = list(dual.path(problem, penalties, TIGHT))
    cold = [solution for penalty in penalties for solution in dual.path(problem, [penalty], TIGHT)]
    for one, other in zip(pack, cold, strict=True):
        np.testing.assert_allclose(one.objective, other.objective, rtol=2e-10)
    (again,) = dual.path(problem, penalties[-1:], TIGHT, start=pack[-1:])
    assert again.n_iter < cold[-1].n_iter


def test_given_up_candidates_end_early():
    problem = make_small_problem("hinge", n=60)
    told = []

    def give_up(candidate, coef, intercept, certificate):
        told.append((candidate, coef.shape, intercept.shape))
        return candidate == 0

    penalties = [make_penalty(4, 0.01), make_penalty(4, 0.009)]
    control = Control(tol=1e-12, max_iter=10_000, give_up=give_up)
    first, second = dual.path(problem, penalties, control)
    assert not first.converged
    assert second.converged
    assert told[0] == (0, (1, 4), (1,))


@losses
@intercepts
def test_float32_rows_converge(name, fit_intercept):
    loss = make_loss(name)
    X, y = make_data(40, 90, loss)
    problem = make_problem(X.astype(np.float32), y, loss, fit_intercept=fit_intercept)
    assert solve(problem, 0.1).converged


@losses
@intercepts
@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_data_end_in_finite_answers(name, fit_intercept, case):
    problem = make_degenerate_problem(make_loss(name), case, fit_intercept=fit_intercept)
    found = solve(problem, 0.1)
    assert_finite(found)
    assert found.converged


@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_huge_and_tiny_columns_end_in_finite_answers(size):
    loss = make_loss("squared_hinge")
    X, y = make_data(15, 4, loss)
    X[:, 0] *= size
    found = solve(make_problem(X, y, loss), 0.1)
    assert found.converged
    assert np.isfinite(found.coef).all()


def test_sweeps_end_where_the_certificate_is_reached(monkeypatch):
    """A sweep too many costs a tenth of a fit to texts; a check too early costs as much."""
    rng = np.random.default_rng(5)
    X = sparse.random(400, 1000, density=0.05, format="csr", random_state=5)
    y = np.where(X @ rng.normal(size=1000) + 0.1 * rng.normal(size=400) > 0, 1.0, -1.0)
    problem = make_problem(X, y, Loss("log_loss"), fit_intercept=False)
    checks = []
    measure = dual._Sweeps.model
    monkeypatch.setattr(dual._Sweeps, "model", lambda self: checks.append(None) or measure(self))
    for tol in (1e-2, 1e-4, 1e-6, 1e-8):
        checks.clear()
        found = solve(problem, 1e-2, Control(tol=tol))
        assert found.certificate <= tol
        assert len(checks) <= 2
        assert found.n_iter <= 5 - 2 * np.log10(tol)


def test_pulls_at_their_limits_are_led_back():
    """Saturated pulls of the wrong side lack more than floats have the squares of."""
    rng = np.random.default_rng(0)
    X = sparse.csr_array(rng.normal(size=(60, 300)) * (rng.random((60, 300)) < 0.1))
    y = rng.integers(0, 2, 60)
    model = LinearLearnerClassifier(
        alpha=1e-6, standardize=False, solver="dual_coordinate_descent", warm_start=True
    ).fit(X, y)
    assert model.fit(X, 1 - y).certificate_ <= model.tol
    assert model.score(X, 1 - y) == 1


@pytest.mark.parametrize("flips", [False, True])
def test_starts_of_another_penalty_or_other_targets_do_not_swing_the_model(flips, monkeypatch):
    """The pulls of a stronger penalty as they are moved intercepts to 1000 and back."""
    rng = np.random.default_rng(0)
    X = sparse.random(300, 3000, density=0.02, format="csr", random_state=0)
    target = np.where(X @ rng.normal(size=3000) > 0, 1.0, -1.0)
    problem = make_problem(X, target, Loss("log_loss"), standardize=False)
    (start,) = dual.path(problem, [make_penalty(3000, 1e-2)], TIGHT)
    if flips:
        problem = make_problem(X, -target, Loss("log_loss"), standardize=False)
    penalties, control = [make_penalty(3000, 1e-7)], Control(tol=1e-6)
    (cold,) = dual.path(problem, penalties, control)
    intercepts, gaps, sweep = [], [], dual._Sweeps.sweep

    def watched(self, order):
        gaps.append(sweep(self, order))
        intercepts.append(self.intercept)
        return gaps[-1]

    monkeypatch.setattr(dual._Sweeps, "sweep", watched)
    (warm,) = dual.path(problem, penalties, control, start=[start])
    assert warm.converged
    assert warm.n_iter <= 1.5 * cold.n_iter
    assert np.abs(intercepts).max() < 10
    assert max(gaps) < 10
