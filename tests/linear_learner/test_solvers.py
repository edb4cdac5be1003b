"""Which solver `solver="auto"` takes, and that it says why."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Penalty, Problem
from algos.linear_learner.rows import make_rows
from algos.linear_learner.solvers.choice import choose_solver
from tests.linear_learner.plain_rows import scattered


def chosen(loss, n, d, l1_ratio, *, is_sparse=False, n_candidates=1):
    X = np.ones((n, d))
    weight = np.full(n, 1 / n)
    rows = make_rows(
        sparse.csr_array(X) if is_sparse else X, weight, center=not is_sparse, n_threads=1
    )
    target = np.where(np.arange(n) % 2, 1.0, -1.0)
    problem = Problem(rows, target, weight, Loss(loss, float(loss == "hinge")))
    penalty = Penalty(np.full(d, l1_ratio), np.full(d, 1 - l1_ratio))
    choice = choose_solver("auto", problem, [penalty] * n_candidates)
    assert choice.reason
    return choice.name


@pytest.mark.parametrize(
    ("loss", "n", "d", "l1_ratio", "name"),
    [
        ("squared_error", 50, 5, 0.0, "gram"),
        ("squared_error", 50, 5, 1.0, "gram"),
        ("squared_error", 10, 20, 1.0, "coordinate_descent"),
        ("squared_error", 1500, 1000, 1.0, "coordinate_descent"),
        ("log_loss", 50, 5, 0.0, "newton"),
        ("log_loss", 50, 5, 1.0, "newton"),
        ("log_loss", 50, 1000, 0.0, "lbfgs"),
        ("log_loss", 50, 2000, 1.0, "coordinate_descent"),
        ("hinge", 50, 5, 0.0, "interior_point"),
        ("hinge", 50, 5, 1.0, "interior_point"),
    ],
)
def test_choice_follows_loss_penalty_and_shape(loss, n, d, l1_ratio, name):
    assert chosen(loss, n, d, l1_ratio) == name


def chosen_of_one(n, d, k, alpha, n_candidates=1, **how):
    X, weight = np.ones((n, d)), np.full(n, 1 / n)
    rows = make_rows(X, weight, center=True, n_threads=1)
    loss = Loss("multinomial" if k > 1 else "log_loss")
    problem = Problem(rows, np.ones(n), weight, loss, n_outputs=k)
    penalties = [Penalty(np.zeros(d), np.full(d, alpha))] * n_candidates
    return choose_solver("auto", problem, penalties, **how).name


@pytest.mark.parametrize(
    ("n", "d", "k", "alpha", "name"),
    [  # as measured
        (1000, 10, 100, 1e-2, "lbfgs"),
        (1000, 10, 100, 1e-4, "lbfgs"),
        (20_000, 40, 20, 1e-4, "lbfgs"),
        (2000, 100, 10, 1e-4, "lbfgs"),
        (1797, 64, 10, 1e-4, "lbfgs"),
        (5000, 60, 10, 1e-2, "lbfgs"),
        (2000, 500, 1, 1e-2, "lbfgs"),
        (1000, 784, 1, 1e-5, "lbfgs"),
        (442, 10, 20, 1e-6, "newton"),
        (442, 10, 5, 1e-4, "newton"),
        (20_000, 60, 5, 1e-6, "newton"),
        (569, 30, 1, 1e-4, "newton"),
        (100_000, 20, 1, 1e-4, "newton"),
        (1000, 10, 100, 0.0, "newton"),
    ],
)
def test_one_candidate_goes_the_cheaper_way(n, d, k, alpha, name):
    assert chosen_of_one(n, d, k, alpha) == name


def test_packs_and_their_best_share_curvature():
    assert chosen_of_one(1000, 10, 100, 1e-2, n_candidates=2) == "newton"
    assert chosen_of_one(1000, 10, 100, 1e-2, begins_near=True) == "newton"


def test_columns_that_go_together_call_for_curvature():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 100)).cumsum(axis=1)
    y = rng.integers(10, size=1000)
    weak, strong = (LinearLearnerClassifier(alpha=a, tol=0.5).fit(X, y) for a in (1e-5, 1e-2))
    assert weak.solver_ == "newton" and strong.solver_ == "lbfgs"
    mixed = LinearLearnerClassifier(alpha=1e-5, tol=0.5).fit(rng.normal(size=(1000, 100)), y)
    assert mixed.solver_ == "lbfgs"


def test_passes_that_were_cheaper_say_so(capsys):
    X = np.random.default_rng(0).normal(size=(300, 10))
    labels = np.arange(300) % 60
    model = LinearLearnerClassifier(alpha=0.1, verbose=1).fit(X, labels)
    assert model.solver_ == "lbfgs" and model.certificate_ <= 1e-6
    assert "passes are estimated to cost less than curvature" in capsys.readouterr().out


def test_candidates_of_squared_loss_share_one_pass():
    assert chosen("squared_error", 1500, 1000, 1.0, n_candidates=32) == "gram"


def test_few_sparse_rows_are_solved_in_the_dual():
    assert chosen("log_loss", 20, 3500, 0.0, is_sparse=True) == "dual_coordinate_descent"
    assert chosen("hinge", 20, 3500, 0.0, is_sparse=True) == "dual_coordinate_descent"


@pytest.mark.parametrize("as_rows", [np.asarray, sparse.csr_array])
def test_many_columns_of_a_joint_loss_with_l1_go_by_blocks(as_rows):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 600)), rng.integers(0, 3, 120)
    model = LinearLearnerClassifier(alpha=0.05, l1_ratio=1.0).fit(as_rows(X), y)
    assert model.solver_ == "newton"
    assert model.certificate_ <= 1e-6
    assert 0 < (model.coef_ != 0).sum() < 300


def test_blocks_that_do_not_fit_say_so():
    X = scattered((30, 300_000), 0.1, seed=0)
    with pytest.raises(MemoryError, match="OneVsRestClassifier"):
        LinearLearnerClassifier(alpha=0.1, l1_ratio=1.0).fit(X, np.arange(30) % 3)


def test_coordinate_descent_refuses_joint_losses():
    X, y = np.eye(9), np.arange(9) % 3
    model = LinearLearnerClassifier(alpha=0.1, l1_ratio=1.0, solver="coordinate_descent")
    with pytest.raises(ValueError, match="one output at a time"):
        model.fit(X, y)


def test_coordinate_descent_knows_the_null_model_of_a_log_link():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 1600))
    y = rng.poisson(20 * np.exp(0.3 * X[:, 0]))
    model = LinearLearnerRegressor("poisson", alpha=0.1, l1_ratio=0.5).fit(X, y)
    assert model.solver_ == "coordinate_descent"
    assert model.certificate_ <= 1e-6
    assert model.score(X, y) > 0.5


@pytest.mark.parametrize("n_more", [0, 1700])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_losses_beyond_numbers_end_at_the_null_model(n_more, l1_ratio):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4 + n_more))
    counts = np.append(rng.poisson(3.0, 59), 1e200)
    model = LinearLearnerRegressor("poisson", alpha=0.01, l1_ratio=l1_ratio)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, counts)
    assert model.certificate_ == np.inf
    assert not model.coef_.any()


@pytest.mark.parametrize(
    "parameters", [{"loss": "huber", "delta": 1e300},
                   {"loss": "squared_epsilon_insensitive", "epsilon": 1e300}],
)  # fmt: skip
def test_parameters_without_a_square_are_taken(parameters):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    model = LinearLearnerRegressor(**parameters, alpha=0.1).fit(X, X[:, 0])
    assert model.certificate_ <= 1e-6


def test_separable_classes_are_told_of_as_such():
    X = np.random.default_rng(0).normal(size=(200, 4))
    with pytest.warns(ConvergenceWarning, match="separable; write alpha > 0"):
        LinearLearnerClassifier(alpha=0).fit(X, X[:, 0] > 0)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_no_tolerance_is_the_machines(loss, l1_ratio):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    y = X[:, 0] + rng.normal(size=200)
    model = LinearLearnerRegressor(loss, alpha=0.1, l1_ratio=l1_ratio, tol=0).fit(X, y)
    assert model.certificate_ < 1e-14


def test_perceptron_has_no_automatic_solver():
    X, y = np.eye(4), np.arange(4) % 2
    with pytest.raises(ValueError, match="solver='sgd'"):
        LinearLearnerClassifier(loss="perceptron", alpha=0.1).fit(X, y)
