"""Smooth losses: Newton's method, proximal Newton and L-BFGS."""

import numpy as np
import pytest
from scipy import sparse

from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Control, Penalty, Problem
from algos.linear_learner.rows import make_rows
from algos.linear_learner.solvers import lbfgs, newton, proximal
from algos.linear_learner.solvers.null_model import evaluated_null
from algos.linear_learner.solvers.points import Points
from tests.linear_learner.plain_optimum import least_objective
from tests.linear_learner.plain_rows import make_penalty, make_problem, objective
from tests.linear_learner.smooth_cases import LOSSES, PENALTIES, draw, problem_of

SOLVERS = {"newton": newton.path, "proximal": proximal.path, "lbfgs": lbfgs.path}
CASES = [
    (solver, penalty)
    for solver in SOLVERS
    for penalty in PENALTIES
    if solver == "proximal" or penalty in ("none", "l2")
]
PRECISE = Control(tol=1e-10, max_iter=300)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("solver", "penalty"), CASES)
def test_objective_is_the_optimum(solver, penalty, name, fit_intercept):
    problem = problem_of(name, fit_intercept=fit_intercept)
    terms = make_penalty(problem.rows.d, *PENALTIES[penalty])
    (found,) = SOLVERS[solver](problem, [terms], PRECISE)
    best = least_objective(problem, terms)
    assert found.converged
    assert found.certificate <= PRECISE.tol
    assert found.objective == pytest.approx(
        objective(problem, terms, found.coef, found.intercept), rel=1e-12
    )
    assert found.objective <= best + 1e-9 * abs(best)
    assert found.objectives[-1] == found.objective
    assert len(found.objectives) == found.n_iter + 1
    if not fit_intercept:
        assert not found.intercept.any()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize(("solver", "penalty"), CASES)
def test_float32_rows_end_where_they_can(solver, penalty, name):
    problem = problem_of(name, dtype=np.float32)
    terms = make_penalty(problem.rows.d, *PENALTIES[penalty])
    (found,) = SOLVERS[solver](problem, [terms], Control(tol=1e-14, max_iter=300))
    best = least_objective(problem, terms)
    assert found.converged
    assert found.objective <= best + 1e-5 * abs(best)


@pytest.mark.parametrize("name", LOSSES)
def test_a_sample_of_many_rows_leads_to_the_same_optimum(name, monkeypatch):
    monkeypatch.setattr("algos.linear_learner.solvers.sample._MULTIPLICATIONS", 1 << 10)
    problem = problem_of(name, n=3000)
    for path, penalty in ((newton.path, "l2"), (proximal.path, "elastic net")):
        terms = make_penalty(problem.rows.d, *PENALTIES[penalty])
        (found,) = path(problem, [terms], PRECISE)
        best = least_objective(problem, terms)
        assert found.converged
        assert found.objective <= best + 1e-9 * abs(best)


@pytest.mark.parametrize("solver", ["newton", "proximal"])
def test_outputs_may_have_hessians_of_their_own(solver, monkeypatch):
    monkeypatch.setattr("algos.linear_learner.solvers.shape.WHOLE", 20)
    monkeypatch.setattr("algos.linear_learner.solvers.sample._MULTIPLICATIONS", 1 << 10)
    for n in (300, 2000):
        problem = problem_of("multinomial", n=n)
        penalty = make_penalty(7, 0.02, 0.5 if solver == "proximal" else 0.0)
        (found,) = SOLVERS[solver](problem, [penalty], Control(tol=1e-8, max_iter=300))
        best = least_objective(problem, penalty)
        assert found.converged
        assert found.objective <= best + 1e-6 * abs(best)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", ["log_loss", "multinomial"])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_bits_do_not_depend_on_threads(name, solver, is_sparse):
    X, y, weight = draw(name, n=30_000, dtype=np.float32)
    X = sparse.csr_array(X) if is_sparse else X
    l1_ratio = 0.5 if solver == "proximal" else 0.0
    pack = [make_penalty(7, alpha, l1_ratio) for alpha in (0.1, 0.001)]
    found = []
    for n_threads in (1, 2):
        rows = make_rows(X, weight, center=not is_sparse, n_threads=n_threads)
        n_outputs = 3 if name == "multinomial" else 1
        problem = Problem(rows, y, weight / weight.sum(), LOSSES[name], n_outputs=n_outputs)
        found.append(list(SOLVERS[solver](problem, pack, Control())))
    for one, two in zip(*found, strict=True):
        assert one.converged
        np.testing.assert_array_equal(one.coef, two.coef)
        np.testing.assert_array_equal(one.intercept, two.intercept)


def test_a_hessian_without_room_names_the_remedy(monkeypatch):
    monkeypatch.setattr("algos._common.memory._physical_bytes", lambda: 1000.0)
    with pytest.raises(MemoryError, match="lbfgs"):
        list(newton.path(problem_of("log_loss"), [make_penalty(7, 0.1)], PRECISE))


def test_classes_have_one_model_of_mean_zero():
    problem = problem_of("multinomial")
    for path in SOLVERS.values():
        (found,) = path(problem, [make_penalty(7, 0.0)], PRECISE)
        np.testing.assert_allclose(found.coef.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(found.intercept.mean(), 0, atol=1e-12)


def test_sparse_columns_far_from_zero_cost_few_steps():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 20)) / 10 + 1
    y = np.where(rng.random(400) < 1 / (1 + np.exp(-10 * (X[:, 0] - 1))), 1.0, -1.0)
    problem = make_problem(sparse.csr_array(X), y, LOSSES["log_loss"])
    penalty = make_penalty(20, 1e-3)
    (found,) = lbfgs.path(problem, [penalty], Control(tol=1e-8))
    (exact,) = newton.path(problem, [penalty], PRECISE)
    assert found.n_iter < 30
    assert found.objective <= exact.objective + 1e-7


@pytest.mark.parametrize("name", ["log_loss", "multinomial", "poisson"])
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("many", [True, False])
def test_a_pack_is_its_candidates(name, solver, many, monkeypatch):
    monkeypatch.setattr("algos.linear_learner.solvers.sample._MULTIPLICATIONS", 1 << 10)
    problem = problem_of(name, n=2000 if many else 100)
    l1_ratio = 0.5 if solver == "proximal" else 0.0
    pack = [make_penalty(problem.rows.d, alpha, l1_ratio) for alpha in np.logspace(0, -4, 6)]
    together = list(SOLVERS[solver](problem, pack, PRECISE))
    for penalty, found in zip(pack, together, strict=True):
        (alone,) = SOLVERS[solver](problem, [penalty], PRECISE)
        assert found.converged
        assert found.objective == pytest.approx(alone.objective, rel=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_candidate_can_be_given_up(solver):
    problem = problem_of("log_loss")
    pack = [make_penalty(7, alpha) for alpha in (0.1, 0.01, 0.001)]
    told = []

    def give_up(number, coef, intercept, certificate):
        told.append(number)
        assert coef.shape == (1, 7)
        assert intercept.shape == (1,)
        return number == 1

    found = list(SOLVERS[solver](problem, pack, Control(tol=1e-10, give_up=give_up)))
    assert [solution.converged for solution in found] == [True, False, True]
    assert found[1].n_iter == 1
    assert set(told) == {0, 1, 2}


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_start_at_the_optimum_needs_no_step(solver):
    problem = problem_of("log_loss")
    pack = [make_penalty(7, 0.01)]
    found = list(SOLVERS[solver](problem, pack, PRECISE))
    again = list(SOLVERS[solver](problem, pack, Control(tol=1e-8), start=found))
    assert again[0].n_iter <= 1
    assert again[0].converged


@pytest.mark.parametrize("solver", SOLVERS)
def test_iterations_end_at_their_number(solver):
    problem = problem_of("poisson")
    (found,) = SOLVERS[solver](problem, [make_penalty(7, 0.0)], Control(tol=1e-12, max_iter=2))
    assert found.n_iter == 2
    assert not found.converged
    assert np.isfinite(found.certificate)


def test_zeros_of_an_l1_penalty_are_exact_and_right():
    problem = problem_of("log_loss", n=400, d=30)
    penalty = make_penalty(30, 0.05, 1.0)
    (found,) = proximal.path(problem, [penalty], PRECISE)
    data = problem.evaluate(found.coef[None], found.intercept[None])
    zero = found.coef == 0
    assert 0 < zero.sum() < 30
    assert np.all(np.abs(data.gradient[0][zero]) <= 0.05)
    np.testing.assert_allclose(
        data.gradient[0][~zero], -0.05 * np.sign(found.coef[~zero]), rtol=1e-3
    )


def test_columns_may_have_penalties_of_their_own():
    problem = problem_of("log_loss")
    l1, l2 = np.linspace(0, 0.1, 7), np.linspace(0.1, 0, 7)
    (found,) = proximal.path(problem, [Penalty(l1, l2)], PRECISE)
    best = least_objective(problem, Penalty(l1, l2))
    assert found.objective <= best * (1 + 1e-9)


HARD = {
    "one row": lambda X, y: (X[:1], y[:1]),
    "constant columns": lambda X, y: (np.c_[X, np.zeros((len(X), 2))], y),
    "duplicate columns": lambda X, y: (np.c_[X, X], y),
    "fewer rows than columns": lambda X, y: (X[:5], y[:5]),
    "equal targets": lambda X, y: (X, np.full(len(y), y[0])),
    "separable": lambda X, y: (np.c_[X, y], y),
}


@pytest.mark.parametrize("alpha", [0.0, 1e-3])
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("case", HARD)
@pytest.mark.parametrize("solver", SOLVERS)
def test_hard_problems_end_finite(solver, case, name, alpha):
    X, y, _ = draw(name, n=60)
    X, y = HARD[case](X, y)
    problem = make_problem(X, y, LOSSES[name], n_outputs=3 if name == "multinomial" else 1)
    penalty = make_penalty(X.shape[1], alpha, 0.5 if solver == "proximal" else 0.0)
    (found,) = SOLVERS[solver](problem, [penalty], Control(tol=1e-8, max_iter=200))
    assert np.isfinite(found.coef).all()
    assert np.isfinite(found.intercept).all()
    assert np.isfinite(found.objective)
    has_one_class = problem.loss.is_of_classes and len(set(y)) == 1  # no finite optimum
    if alpha and not has_one_class:
        assert found.converged
        best = least_objective(problem, penalty)
        null = evaluated_null(Points(problem))
        # L-BFGS has no second derivatives, and can only guess what is left to gain.
        assert found.objective - best <= (1e-4 if solver == "lbfgs" else 1e-7) * null.unit


@pytest.mark.parametrize("name", ["log_loss", "multinomial"])
@pytest.mark.parametrize("path", [newton.path, proximal.path])
def test_separable_classes_have_no_best_model(name, path):
    X, y, _ = draw(name, n=60)
    problem = make_problem(
        np.c_[X, y == y.min(), y == y.max()],
        y,
        LOSSES[name],
        n_outputs=3 if name == "multinomial" else 1,
    )
    (found,) = path(problem, [make_penalty(9, 0.0)], Control(tol=1e-6))
    assert not found.converged
    assert found.objective < 1e-4
    (found,) = path(problem, [make_penalty(9, 1e-6)], Control(tol=1e-6))
    assert found.converged


@pytest.mark.parametrize("name", ["huber", "squared_epsilon_insensitive"])
@pytest.mark.parametrize("size", [1e-100, 1e100])
def test_targets_of_any_size(name, size):
    X, y, _ = draw(name)
    loss = Loss(name, LOSSES[name].parameter * size)
    (found,) = newton.path(make_problem(X, y * size, loss), [make_penalty(7, 0.01)], PRECISE)
    (plain,) = newton.path(make_problem(X, y, LOSSES[name]), [make_penalty(7, 0.01)], PRECISE)
    assert found.converged
    np.testing.assert_allclose(found.coef, plain.coef * size, rtol=1e-4)


def test_poisson_counts_that_overflow_exp():
    X, _, _ = draw("poisson")
    y = np.exp(np.clip(100 * X[:, 0], None, 500)).round()
    problem = make_problem(X, y / y.mean(), LOSSES["poisson"])
    for path in SOLVERS.values():
        (found,) = path(problem, [make_penalty(7, 0.1)], Control(tol=1e-8))
        assert np.isfinite(found.objective)


def test_points_and_models_are_the_same():
    problem = problem_of("multinomial")
    points = Points(problem)
    coef, intercept = np.arange(21.0).reshape(3, 7), np.arange(3.0)
    back = points.model(points.point(coef, intercept))
    np.testing.assert_array_equal(back[0], coef)
    np.testing.assert_array_equal(back[1], intercept)


@pytest.mark.parametrize("seed", [1, 2, 6])
def test_lbfgs_does_not_take_slow_steps_for_the_end(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(5, 8)) * 10.0 ** rng.integers(-3, 4, size=8) + 100 * rng.normal(size=8)
    y = np.array([1.0, -1, 1, -1, -1])
    weight = np.full(5, 0.2)
    rows = make_rows(X, weight, center=True, n_threads=1)
    problem = Problem(rows, y, weight, LOSSES["log_loss"])
    penalty = Penalty(np.zeros(8), 0.1 / rows.scale**2)
    (best,) = newton.path(problem, [penalty], PRECISE)
    (found,) = lbfgs.path(problem, [penalty], Control())
    assert found.converged
    assert found.objective - best.objective <= 2e-6
