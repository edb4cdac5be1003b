"""Absolute, quantile, epsilon-insensitive and hinge loss: exact, and certified so."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog, minimize
from sklearn.datasets import make_classification
from sklearn.linear_model import QuantileRegressor
from sklearn.svm import LinearSVC

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Control, Problem
from algos.linear_learner.rows import make_rows
from algos.linear_learner.solvers import bands, interior, kinked, kinked_columns, vertex
from algos.linear_learner.solvers.kinked import path
from tests.linear_learner.plain_rows import make_penalty, make_problem, objective

LOSSES = [
    Loss("absolute_error"),
    Loss("quantile", 0.2),
    Loss("epsilon_insensitive", 0.3),
    Loss("hinge", 1.0),
]
PENALTIES = [(0.0, 0.0), (0.1, 0.0), (0.05, 1.0), (0.05, 0.5)]
EXACT = Control(tol=1e-10)


def draw(n, d, loss, *, seed=0, weighted=False):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, d)) + 1
    y = X @ random.normal(size=d) / np.sqrt(d) + random.standard_t(3, size=n)
    weight = random.uniform(0.1, 2, n) if weighted else None
    if loss.is_of_classes:
        y = np.where(y > np.median(y), 1.0, -1.0)
    return X, y, weight


def as_lines(loss, y):
    """Return low kinks with their slopes, high kinks with theirs."""
    q, n = loss.parameter, len(y)
    if loss.name == "hinge":
        return q * y, 1.0 * (y > 0), q * y, 1.0 * (y < 0)
    if loss.name == "epsilon_insensitive":
        return y - q, np.ones(n), y + q, np.ones(n)
    q = q if loss.name == "quantile" else None
    return y, np.full(n, q or 1.0), y, np.full(n, 1 - q if q else 1.0)


def optimum(problem, penalty):
    """Return the least objective: HiGHS without L2, else the dual by a bounded quasi-Newton."""
    x, weight = problem.rows.x, problem.weight
    n = len(x)
    low, p, high, m = as_lines(problem.loss, problem.target)
    if not penalty.l2.any():
        # v = v⁺ - v⁻, b = b⁺ - b⁻, and the excesses below and above.
        one = np.ones((n, 1)) * problem.fit_intercept
        A = np.block(
            [
                [-x, x, -one, one, -np.eye(n), np.zeros((n, n))],
                [x, -x, one, -one, np.zeros((n, n)), -np.eye(n)],
            ]
        )
        cost = np.r_[penalty.l1, penalty.l1, 0, 0, weight * p, weight * m]
        found = linprog(cost, A_ub=A, b_ub=np.r_[-low, high], method="highs")
        assert found.status == 0
        return found.fun

    def negative_dual(theta):
        pull = (theta[:n] - theta[n:]) @ x
        excess = np.maximum(np.abs(pull) - penalty.l1, 0) * np.sign(pull)
        v = excess / penalty.l2
        value = -(theta[:n] @ low - theta[n:] @ high) + excess @ v / 2
        rise = np.r_[-low, high] + np.r_[x @ v, -(x @ v)]
        return value, rise

    constraints = []
    if problem.fit_intercept:
        signs = np.r_[np.ones(n), -np.ones(n)]
        constraints = [{"type": "eq", "fun": lambda t: t @ signs, "jac": lambda t: signs}]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Values in x were outside bounds")
        found = minimize(
            negative_dual,
            np.zeros(2 * n),
            jac=True,
            method="SLSQP",
            bounds=[(0, u) for u in np.r_[weight * p, weight * m]],
            constraints=constraints,
            options={"ftol": 1e-15, "maxiter": 2000},
        )
    return -found.fun


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize(("alpha", "l1_ratio"), PENALTIES)
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_objective_is_the_optimum(loss, alpha, l1_ratio, fit_intercept, weighted):
    X, y, weight = draw(40, 3, loss, weighted=weighted)
    problem = make_problem(X, y, loss, weight, fit_intercept=fit_intercept)
    penalty = make_penalty(3, alpha, l1_ratio)
    (found,) = path(problem, [penalty], EXACT)
    assert found.converged and found.criterion == "duality gap" and found.certificate <= 1e-10
    value = objective(problem, penalty, found.coef, found.intercept)
    np.testing.assert_allclose(found.objective, value, rtol=1e-12)
    best = optimum(problem, penalty)
    assert value <= best * (1 + 1e-9) + 1e-12
    if not penalty.l2.any():  # the other oracle ends where it likes
        np.testing.assert_allclose(value, best, rtol=1e-9)
    if not fit_intercept:
        assert found.intercept[0] == 0


@pytest.mark.parametrize(("alpha", "l1_ratio"), PENALTIES)
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["dense", "csr"])
def test_bands_end_where_all_rows_do(loss, alpha, l1_ratio, dtype, kind, monkeypatch):
    X, y, weight = draw(3000, 4, loss, weighted=True)
    X = X.astype(dtype)
    if kind == "csr":
        X = sparse.csr_array(X * (np.random.default_rng(1).random(X.shape) < 0.5))
    weight /= weight.sum()
    rows = make_rows(X, weight, center=kind == "dense", n_threads=1)
    problem, penalty = Problem(rows, y, weight, loss), make_penalty(4, alpha, l1_ratio)
    (whole,) = path(problem, [penalty], EXACT)
    monkeypatch.setattr(bands, "FEW", 500)
    monkeypatch.setattr(bands, "REACH", 1.0)
    assert bands._share(kinked.bent_from(problem)) < bands.MOST
    (found,) = path(problem, [penalty], EXACT)
    assert found.converged and whole.converged
    bound = 1e-9 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(found.objective, whole.objective, rtol=bound)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("alpha", [0.0, 0.01, 0.1])
def test_agrees_with_quantile_regressor(q, alpha):
    X, y, _ = draw(200, 5, LOSSES[1])
    problem = make_problem(X, y, Loss("quantile", q), standardize=False)
    (found,) = path(problem, [make_penalty(5, alpha, 1.0)], EXACT)
    theirs = QuantileRegressor(quantile=q, alpha=alpha, solver="highs").fit(X, y)
    np.testing.assert_allclose(found.coef[0], theirs.coef_, rtol=1e-7, atol=1e-9)
    assert np.array_equal(found.coef[0] == 0, np.abs(theirs.coef_) < 1e-12)


def test_agrees_with_linear_svc():
    X, y, _ = draw(300, 4, LOSSES[3])
    problem = make_problem(X, y, Loss("hinge", 1.0), fit_intercept=False, standardize=False)
    (found,) = path(problem, [make_penalty(4, 1 / 300)], EXACT)
    theirs = LinearSVC(loss="hinge", C=1.0, fit_intercept=False, tol=1e-10, max_iter=10**7)
    np.testing.assert_allclose(found.coef, theirs.fit(X, y).coef_, rtol=1e-5)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_linear_programs_end_on_a_vertex(loss):
    X, y, _ = draw(300, 5, loss)
    problem = make_problem(X, y, loss)
    (found,) = path(problem, [make_penalty(5, 0.02, 1.0)], Control())
    z = problem.rows.decision(found.coef, found.intercept)[:, 0]
    low, _, high, _ = as_lines(loss, y)
    at_kink = np.minimum(np.abs(z - low), np.abs(z - high)) < 1e-12
    assert at_kink.sum() + (found.coef == 0).sum() == 6


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_weights_equal_repeats(loss, l1_ratio):
    X, y, _ = draw(60, 4, loss)
    counts = np.random.default_rng(2).integers(1, 4, 60)
    order = np.random.default_rng(3).permutation(counts.sum())
    repeats = np.repeat(np.arange(60), counts)[order]
    penalties = [make_penalty(4, 0.05, l1_ratio)]
    (weighted,) = path(make_problem(X, y, loss, counts), penalties, EXACT)
    (repeated,) = path(make_problem(X[repeats], y[repeats], loss), penalties, EXACT)
    np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-8, atol=1e-10)


def test_tied_optima_of_weights_and_repeats_are_the_same():
    # Any constant between the two middle targets is optimal.
    X, y = np.zeros((4, 1)), np.array([1.0, 2.0, 5.0, 9.0])
    problem = make_problem(X, y, LOSSES[0])
    twice = make_problem(np.zeros((8, 1)), np.repeat(y, 2), LOSSES[0])
    (one,), (other,) = (path(p, [make_penalty(1, 0.1)], EXACT) for p in (problem, twice))
    np.testing.assert_allclose(one.intercept, other.intercept, rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("case", ["one row", "constant", "duplicates", "wide", "all equal"])
def test_degenerate_data_end_finite(case, loss, alpha):
    X, y, _ = draw(50, 4, loss)
    if case == "one row":
        X, y = X[:1], y[:1]
    elif case == "constant":
        X[:, 1] = 3
    elif case == "duplicates":
        X, y = np.c_[X, X][np.repeat(np.arange(50), 3)], np.repeat(y, 3)
    elif case == "wide":
        X, y = np.random.default_rng(4).normal(size=(10, 30)), y[:10]
    else:
        y[:] = 1
    for l1_ratio in (0.0, 1.0):
        problem = make_problem(X, y, loss)
        (found,) = path(problem, [make_penalty(X.shape[1], alpha, l1_ratio)], Control(tol=1e-9))
        assert found.converged
        assert np.isfinite(found.coef).all() and np.isfinite(found.intercept).all()


@pytest.mark.parametrize("size", [1e-150, 1e150])
@pytest.mark.parametrize("loss", LOSSES[:2], ids=lambda loss: loss.name)
def test_targets_of_any_size(loss, size):
    X, y, _ = draw(200, 3, loss)
    (plain,) = path(make_problem(X, y, loss), [make_penalty(3, 0.02, 1.0)], EXACT)
    (scaled,) = path(make_problem(X, y * size, loss), [make_penalty(3, 0.02, 1.0)], EXACT)
    assert scaled.converged
    np.testing.assert_allclose(scaled.coef, plain.coef * size, rtol=1e-9)


@pytest.mark.parametrize("loss", LOSSES[:3], ids=lambda loss: loss.name)
def test_outliers_and_offsets_cost_no_digits(loss):
    X, y, _ = draw(400, 3, loss)
    y = y + 1e6
    (plain,) = path(make_problem(X, y, loss), [make_penalty(3, 0.0)], EXACT)
    far = np.argmax(y - X @ (plain.coef[0] / X.std(axis=0)))
    for size, digits in ((1e6, 1e-7), (1e12, 0.1)):
        y[far] += size
        (found,) = path(make_problem(X, y, loss), [make_penalty(3, 0.0)], EXACT)
        assert found.converged
        np.testing.assert_allclose(found.coef, plain.coef, atol=digits)


def test_separable_classes_without_penalty_reach_zero():
    X = np.random.default_rng(5).normal(size=(80, 3))
    problem = make_problem(X, np.where(X[:, 0] > 0, 1.0, -1.0), Loss("hinge", 1.0))
    (found,) = path(problem, [make_penalty(3, 0.0)], Control())
    assert found.converged and found.objective <= 1e-6


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_few_of_many_columns(loss, monkeypatch):
    X, y, _ = draw(60, 80, loss)
    problem = make_problem(X, y, loss)
    penalties = [make_penalty(80, alpha, l1_ratio) for alpha, l1_ratio in ((0.1, 1.0), (0.05, 0.5))]
    whole = list(path(problem, penalties, EXACT))
    monkeypatch.setattr(kinked_columns, "MANY", 20)
    monkeypatch.setattr(kinked_columns, "FIRST", 5)
    for few, all_columns in zip(path(problem, penalties, EXACT), whole, strict=True):
        assert few.converged
        np.testing.assert_allclose(few.objective, all_columns.objective, rtol=1e-9)


def test_packs_end_where_single_fits_do():
    X, y, _ = draw(6000, 5, LOSSES[0])
    problem = make_problem(X, y, LOSSES[0])
    penalties = [make_penalty(5, alpha, 1.0) for alpha in np.geomspace(0.5, 1e-4, 6)]
    together = list(path(problem, penalties, EXACT))
    for penalty, found in zip(penalties, together, strict=True):
        (alone,) = path(problem, [penalty], EXACT)
        np.testing.assert_allclose(found.objective, alone.objective, rtol=1e-9)
    (again,) = path(problem, penalties[-1:], EXACT, start=together[-1:])
    np.testing.assert_allclose(again.objective, together[-1].objective, rtol=1e-9)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_a_neighbour_s_kinks_lead_to_the_solution_or_nowhere(loss, l1_ratio, monkeypatch):
    X, y, weight = draw(300, 5, loss, weighted=True)
    problem = make_problem(X, y, loss, weight)
    penalties = [make_penalty(5, alpha, l1_ratio) for alpha in np.geomspace(1.0, 1e-8, 24)]
    led = []

    def follow(*arguments):
        led.append(vertex.follow(*arguments))
        return led[-1]

    monkeypatch.setattr(bands, "follow", follow)
    together = list(path(problem, penalties, EXACT))
    assert len(led) == len(penalties) - 1 and any(led)
    for penalty, found in zip(penalties, together, strict=True):
        (alone,) = path(problem, [penalty], EXACT)
        assert found.converged and found.certificate <= 1e-10
        np.testing.assert_allclose(found.objective, alone.objective, rtol=1e-9)


def test_threads_change_no_bit():
    X, y, weight = draw(9000, 6, LOSSES[0], weighted=True)
    weight /= weight.sum()
    found = []
    for n_threads in (1, 2):
        rows = make_rows(X, weight, center=True, n_threads=n_threads)
        found += path(Problem(rows, y, weight, LOSSES[0]), [make_penalty(6, 0.01)], Control())
    assert np.array_equal(found[0].coef, found[1].coef)


def test_hopeless_candidates_are_given_up(monkeypatch):
    monkeypatch.setattr(bands, "FEW", 500)
    monkeypatch.setattr(bands, "REACH", 0.3)
    X, y, _ = draw(9000, 6, LOSSES[3])
    asked = []

    def give_up(number, coef, intercept, certificate):
        asked.append((number, coef.shape, intercept.shape))
        return True

    problem = make_problem(X, y, LOSSES[3])
    control = Control(tol=1e-10, give_up=give_up)
    (found,) = path(problem, [make_penalty(6, 0.01)], control)
    assert asked == [(0, (1, 6), (1,))] and not found.converged


def test_too_few_iterations_are_told():
    X, y, _ = draw(300, 4, LOSSES[0])
    (found,) = path(make_problem(X, y, LOSSES[0]), [make_penalty(4, 0.1)], Control(max_iter=2))
    assert not found.converged and found.n_iter == 2 and found.certificate > 1e-6


def test_smooth_losses_are_refused():
    X, y, _ = draw(20, 2, LOSSES[0])
    with pytest.raises(ValueError, match="`loss`='huber'"):
        list(path(make_problem(X, y, Loss("huber", 1.0)), [make_penalty(2, 0.1)], Control()))


def test_too_many_columns_are_refused(monkeypatch):
    monkeypatch.setattr("algos.linear_learner.solvers.newton_systems.MOST", 10)
    X, y, _ = draw(50, 12, LOSSES[0])
    with pytest.raises(ValueError, match="12 columns are too many"):
        list(path(make_problem(X, y, LOSSES[0]), [make_penalty(12, 0.1)], Control()))


def test_no_smaller_gap_than_the_type_allows_is_asked():
    X, y, weight = draw(2000, 4, LOSSES[0], weighted=True)
    weight /= weight.sum()
    rows = make_rows(X.astype(np.float32), weight, center=True, n_threads=1)
    (found,) = path(Problem(rows, y, weight, LOSSES[0]), [make_penalty(4, 0.1)], EXACT)
    assert found.converged


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("alpha", [1e-300, 1e-100, 1e-30, 1e-20])
def test_negligible_penalties_act_as_none(loss, l1_ratio, alpha):
    X, y, _ = draw(200, 2, loss)
    problem = make_problem(X, y, loss)
    (tiny,), (none,) = (path(problem, [make_penalty(2, a, l1_ratio)], EXACT) for a in (alpha, 0.0))
    assert tiny.converged
    assert tiny.certificate <= 1e-10
    np.testing.assert_allclose(tiny.objective, none.objective, rtol=1e-9)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_the_strongest_penalties_leave_the_null_model(loss, l1_ratio):
    X, y, _ = draw(200, 4, loss)
    (found,) = path(make_problem(X, y, loss), [make_penalty(4, 1e300, l1_ratio)], EXACT)
    assert found.converged
    assert np.abs(found.coef).max() < 1e-30


def test_the_smallest_margin_is_a_matter_of_units():
    X, y, _ = draw(200, 4, Loss("hinge", 1.0))
    problem = make_problem(X, y, Loss("hinge", 1e-300))
    (found,) = path(problem, [make_penalty(4, 0.1, 0.0)], EXACT)
    assert found.converged


def imbalanced(n, d, share, seed):
    """Return rows with few of the second class, ±1."""
    X, y = make_classification(n, d, n_informative=d // 2, weights=[1 - share], random_state=seed)
    return X, 2.0 * y - 1


@pytest.mark.parametrize("alpha", [1e-2, 1e-3, 1e-4, 0.0])
@pytest.mark.parametrize(
    ("n", "rows", "d", "share", "seed"),
    [(20000, 20000, 20, 0.03, 102), (20000, 2000, 20, 0.03, 102), (30000, 30000, 30, 0.05, 7)],
)
def test_rare_classes_are_solved(n, rows, d, share, seed, alpha):
    X, y = imbalanced(n, d, share, seed)
    problem = make_problem(X[:rows], y[:rows], Loss("hinge", 1.0))
    penalty = make_penalty(problem.rows.d, alpha, 0.0)
    (found,) = path(problem, [penalty], Control())
    assert found.converged
    assert found.certificate <= 1e-6
    assert found.objective == pytest.approx(
        objective(problem, penalty, found.coef, found.intercept), rel=1e-9
    )


def test_a_pack_for_rare_classes_ends_solved():
    X, y = imbalanced(20000, 20, 0.03, 102)
    model = LinearLearnerClassifier("hinge", random_state=0).fit(X, y)
    assert model.certificate_ <= model.tol


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
@pytest.mark.parametrize("loss", [*LOSSES, Loss("quantile", 0.05), Loss("quantile", 0.95)])
@pytest.mark.parametrize("seed", range(6))
def test_lopsided_data_end_at_the_optimum(loss, seed, l1_ratio):
    random = np.random.default_rng(seed)
    share = random.choice([0.02, 0.05, 0.3])
    X, y = imbalanced(300, 8, share, seed)
    X = np.exp(X / 2) if seed % 2 else X
    if not loss.is_of_classes:
        y = y * np.exp(random.normal(size=300)) + X[:, 0]
    problem = make_problem(X, y, loss)
    penalty = make_penalty(problem.rows.d, random.choice([1e-1, 1e-2, 1e-4]) * l1_ratio, 1.0)
    (found,) = path(problem, [penalty], EXACT)
    assert found.certificate <= 1e-10
    best = optimum(problem, penalty)
    assert found.objective == pytest.approx(best, rel=1e-8, abs=1e-10)


def test_short_steps_that_lead_on_are_followed(monkeypatch):
    """From duals far from any balance, with nothing else to fall back on."""
    monkeypatch.setattr(interior, "MOST_SHIFTS", 0)
    monkeypatch.setattr(bands, "SPREADS", (1.0,))
    X, y = imbalanced(20000, 20, 0.03, 102)
    problem = make_problem(X[:2000], y[:2000], Loss("hinge", 1.0))
    (found,) = path(problem, [make_penalty(problem.rows.d, 1e-3, 0.0)], Control())
    assert found.certificate <= 1e-6
    assert found.n_iter > 30


def test_a_walk_that_breaks_down_is_begun_elsewhere(monkeypatch):
    program_of = bands.exact

    def breaks_down(program, tol, max_iter, *rest, first=1.0):
        return program_of(program, tol, max_iter if first > 1 else 2, *rest, first=first)

    monkeypatch.setattr(bands, "exact", breaks_down)
    X, y, _ = draw(300, 4, LOSSES[3])
    problem = make_problem(X, y, LOSSES[3])
    (found,) = path(problem, [make_penalty(problem.rows.d, 1e-2, 0.0)], Control())
    assert found.converged


@pytest.mark.parametrize("loss", LOSSES)
def test_a_fit_never_ends_worse_than_its_start(loss):
    X, y, _ = draw(300, 4, loss)
    problem = make_problem(X, y, loss)
    before, after = make_penalty(problem.rows.d, 1e-2, 0.0), make_penalty(problem.rows.d, 2e-2, 0.0)
    (start,) = path(problem, [before], Control())
    (found,) = path(problem, [after], Control(max_iter=1), [start])
    assert found.objective <= objective(problem, after, start.coef, start.intercept) * (1 + 1e-12)
    (best,) = path(problem, [after], Control())
    assert found.objective - best.objective <= found.certificate * null(problem) + 1e-12


def null(problem):
    return kinked.bent_from(problem).null * kinked.bent_from(problem).unit


@pytest.mark.parametrize("loss", ["absolute_error", "quantile", "epsilon_insensitive"])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array], ids=["dense", "csr"])
def test_float32_rows_with_l1_are_certified(make, seed, loss):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(100, 5)).astype(np.float32)
    y = X[:, 0] + rng.normal(size=100)
    model = LinearLearnerRegressor(loss, alpha=1e-4, l1_ratio=1.0).fit(make(X), y)
    assert model.certificate_ <= model.tol


@pytest.mark.parametrize(
    ("X", "y", "weight"),
    [
        ([[-(2**30)], [1]], [0, 1], [1e154, 1e-30]),
        ([[-(2**30)], [2**30], [2**30], [1]], [1, 0, 0, 1], [1e-47, 1e-30, 1e100, 1.0]),
        ([[2**30, 1], [0, 2**30], [-(2**30), 1]], [1, 0, 0], [1e100, 1.0, 1e-30]),
    ],
)
@pytest.mark.parametrize("alpha", [0.01, 0.1, 0.0])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_rows_of_next_to_no_weight_lead_no_iterate_out_of_the_numbers(X, y, weight, alpha):
    model = LinearLearnerClassifier("hinge", alpha=alpha).fit(np.array(X), y, sample_weight=weight)
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.objective_)
