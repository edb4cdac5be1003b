"""The best intercept of each loss: no neighbouring value has a smaller loss."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from algos.linear_learner.losses import Loss
from algos.linear_learner.solvers.null_model import best_intercept, null_intercept, null_model
from tests.linear_learner.plain_rows import loss_and_slope, make_problem
from tests.linear_learner.test_rows import LOSSES

single_output = pytest.mark.parametrize(
    "loss", [loss for loss in LOSSES if not loss.is_joint], ids=lambda loss: loss.name
)


def make_one(loss, n, seed, size=1.0):
    """Return a problem whose rows have nothing to say, and decision values."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n) * size
    if loss.is_of_classes:
        y = np.where(np.arange(n) % 3 == 0, -1.0, 1.0)
    elif loss.has_log_link:
        y = np.exp(y / size)
    problem = make_problem(np.zeros((n, 1)), y, loss, rng.integers(1, 4, n))
    return problem, rng.normal(size=n) * min(size, 3)


def lost(problem, z):
    return float(problem.weight @ loss_and_slope(problem.loss, problem.target, z)[0])


def assert_best(problem, z, intercept):
    least = lost(problem, z + intercept)
    rounding = 1e-14 * (abs(least) + np.abs(problem.target).max() ** 2 + 1)
    for step in (1e-4, 1e-2, 1, 100):
        with np.errstate(over="ignore"):
            assert least <= lost(problem, z + intercept - step) + rounding
            assert least <= lost(problem, z + intercept + step) + rounding


@single_output
@given(
    n=st.integers(2, 40),
    seed=st.integers(0, 999),
    size=st.sampled_from([1e-3, 1.0, 1e6]),
    begin=st.sampled_from([0.0, -5.0, 50.0]),
)
def test_no_neighbour_loses_less(loss, n, seed, size, begin):
    problem, z = make_one(loss, n, seed, size)
    assert_best(problem, z, best_intercept(problem, z, begin))


@single_output
@given(n=st.integers(2, 40), seed=st.integers(0, 999))
def test_null_model_is_the_best_without_coefficients(loss, n, seed):
    problem, _ = make_one(loss, n, seed)
    (intercept,) = null_intercept(problem)
    assert_best(problem, np.zeros(n), intercept)
    null = null_model(problem)
    np.testing.assert_allclose(null.value, lost(problem, np.full(n, intercept)), rtol=1e-12)
    assert null.unit > 0


@single_output
def test_weights_are_repeated_rows(loss):
    problem, z = make_one(loss, 20, 3)
    times = np.random.default_rng(0).integers(1, 4, 20)
    X, y = problem.rows.X, problem.target
    weighted = make_problem(X, y, loss, times)
    repeated = make_problem(np.repeat(X, times, 0), np.repeat(y, times), loss)
    one, other = best_intercept(weighted, z), best_intercept(repeated, np.repeat(z, times))
    np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_targets_that_are_all_equal_give_finite_intercepts(loss):
    problem = make_problem(np.zeros((5, 1)), np.ones(5), loss, n_outputs=3 if loss.is_joint else 1)
    assert np.isfinite(null_intercept(problem)).all()


def test_of_several_best_intercepts_the_one_nearest_to_zero_is_taken():
    X, y = np.zeros((4, 1)), np.array([-4.0, -3.0, -1.0, 7.0])
    assert null_intercept(make_problem(X, y, Loss("absolute_error"))) == [-1.0]
    assert null_intercept(make_problem(X, np.sign(y + 2), Loss("hinge", 1.0))) == [0.0]
    assert null_intercept(make_problem(X, -y, Loss("absolute_error"))) == [1.0]


@pytest.mark.parametrize(("name", "expected"), [("hinge", 0.0), ("perceptron", 2.0)])
@pytest.mark.parametrize("n", [6, 198, 1_000_002])  # 1/n is no number of binary digits
def test_rounding_chooses_none_of_two_classes_of_equal_weight(name, expected, n):
    y = np.repeat([-1.0, 1.0], n // 2)
    for target in (y, -y, np.random.default_rng(0).permutation(y)):
        problem = make_problem(np.zeros((n, 1)), target, Loss(name, 2.0))
        assert null_intercept(problem) == [expected]


def test_one_row_more_makes_a_class_the_heavier_one():
    y = np.append(np.repeat([-1.0, 1.0], 500_000), -1.0)
    problem = make_problem(np.zeros((len(y), 1)), y, Loss("hinge", 2.0))
    assert null_intercept(problem) == [-2.0]


def test_without_intercept_it_is_zero():
    problem = make_problem(np.zeros((3, 1)), np.ones(3), Loss("huber", 1.0), fit_intercept=False)
    assert null_intercept(problem) == [0.0]
