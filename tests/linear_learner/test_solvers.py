"""Which solver `solver="auto"` takes, and that it says why."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos.linear_learner.losses import Loss
from algos.linear_learner.problem import Penalty, Problem
from algos.linear_learner.rows import make_rows
from algos.linear_learner.solvers.choice import choose_solver
from tests.common.recorder import Recorder, needs_callbacks
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
        (442, 10, 20, 1e-6, "lbfgs"),
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


def spectra():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 800)
    peaks = 0.3 + 0.04 * labels[:, None] + rng.normal(0, 0.03, (800, 1))
    X = np.exp(-(((np.linspace(0, 1, 120) - peaks) / 0.15) ** 2))
    return X + 0.01 * rng.normal(size=(800, 120)), labels


def powers():
    x = np.random.default_rng(0).uniform(-1, 1, 1000)
    return np.vander(x, 12), np.digitize(x, np.linspace(-1, 1, 21))


def one_factor():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 1)) + 0.05 * rng.normal(size=(2000, 60))
    return X, np.digitize(X[:, 0] + 10 * (X[:, 1] - X[:, 2]), [-2, -1, -0.5, 0, 0.5, 1, 2])


def digits():
    return load_digits(return_X_y=True)


@pytest.mark.parametrize(
    ("data", "alpha", "max_iter", "name"),
    [
        (spectra, 1e-4, 1000, "newton"),
        (spectra, 3e-4, 1000, "newton"),
        (powers, 1e-5, 1000, "newton"),
        (one_factor, 1e-4, 1000, "newton"),
        (digits, 1e-5, 100, "newton"),
        (digits, 1e-3, 20, "newton"),
        (digits, 1e-2, 1000, "lbfgs"),
    ],
)
def test_passes_that_do_not_end_hand_over_to_curvature(data, alpha, max_iter, name):
    model = LinearLearnerClassifier(alpha=alpha, max_iter=max_iter).fit(*data())
    assert model.solver_ == name and model.certificate_ <= 1e-6
    objectives = model.history_["objective"]
    assert model.n_iter_ == len(objectives) <= max_iter
    assert (np.diff(objectives) <= 1e-12).all()


@pytest.mark.parametrize(
    ("loss", "n", "d", "name"),
    [
        ("squared_hinge", 30, 40, "dual_coordinate_descent"),
        ("squared_hinge", 40, 40, "newton"),
        ("huber", 20, 40, "newton"),
        ("squared_epsilon_insensitive", 20, 40, "newton"),
        ("log_loss", 20, 40, "newton"),
    ],
)
def test_few_rows_near_kinks_are_solved_in_the_dual(loss, n, d, name):
    assert chosen(loss, n, d, 0.0).replace("lbfgs", "newton") == name
    assert chosen(loss, n, d, 0.0, n_candidates=2) == "newton"


@pytest.mark.parametrize("alpha", [1e-3, 1e-4, 1e-5])
@pytest.mark.parametrize("shape", [(300, 300), (270, 300), (250, 200)])
@pytest.mark.parametrize("solver", ["auto", "newton"])
def test_steps_beyond_many_kinks_are_shortened_to_the_minimum_along_them(shape, alpha, solver):
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape)
    y = X[:, 0] + 0.5 * rng.logistic(size=len(X)) > 0
    model = LinearLearnerClassifier("squared_hinge", alpha=alpha, solver=solver).fit(X, y)
    dual = LinearLearnerClassifier(
        "squared_hinge", alpha=alpha, solver="dual_coordinate_descent", tol=1e-9
    ).fit(X, y)
    assert model.n_iter_ < 220
    assert model.objective_ < dual.objective_ + 2e-6


def correlated(n, d, rng):
    return rng.normal(size=(n, 20)) @ rng.normal(size=(20, d)) + 0.01 * rng.normal(size=(n, d))


def walks(n, d, rng):
    return rng.normal(size=(n, d)).cumsum(axis=1)


def repeated_rows(n, d, rng):
    return np.tile(rng.normal(size=(n // 6, d)), (6, 1))


@pytest.mark.parametrize("alpha", [1e-10, 1e-5, 1e-2])
@pytest.mark.parametrize("loss", ["squared_hinge", "huber", "squared_epsilon_insensitive"])
@pytest.mark.parametrize("columns", [correlated, walks, repeated_rows])
def test_dual_steps_that_do_not_end_hand_over_to_curvature(columns, loss, alpha):
    rng = np.random.default_rng(0)
    X = columns(60, 120, rng)
    z = X[:, :5].sum(axis=1)
    y = z / z.std() + 0.5 * rng.logistic(size=60)
    Learner, y = (
        (LinearLearnerClassifier, y > 0) if loss == "squared_hinge" else (LinearLearnerRegressor, y)
    )
    model = Learner(loss, alpha=alpha).fit(X, y)
    exact = Learner(loss, alpha=alpha, solver="newton", tol=1e-12).fit(X, y)
    null = Learner(loss, alpha=1e6).fit(X, y).objective_
    assert model.objective_ < exact.objective_ + 2e-6 * null


def test_dual_steps_of_many_columns_hand_over_to_passes():
    rng = np.random.default_rng(0)
    X = walks(60, 1600, rng)
    y = X[:, :5].sum(axis=1) + rng.logistic(size=60) > 0
    model = LinearLearnerClassifier("squared_hinge", alpha=1e-2).fit(X, y)
    assert model.solver_ == "lbfgs" and model.n_iter_ > 150
    exact = LinearLearnerClassifier("squared_hinge", alpha=1e-2, solver="newton").fit(X, y)
    assert model.objective_ < exact.objective_ + 2e-6
    X = rng.normal(size=(60, 1600))
    model = LinearLearnerClassifier("squared_hinge", alpha=1e-2).fit(X, X[:, 0] > 0)
    assert model.solver_ == "dual_coordinate_descent"


def test_sparse_margins_with_l1_go_by_columns():
    assert chosen("squared_hinge", 20, 30, 0.5, is_sparse=True) == "coordinate_descent"
    assert chosen("squared_hinge", 90, 30, 0.5, is_sparse=True) == "newton"


def test_a_warm_start_near_the_optimum_needs_one_step():
    rng = np.random.default_rng(0)
    X = correlated(100, 200, rng)
    y = X[:, 0] > 0
    model = LinearLearnerClassifier("squared_hinge", alpha=1e-3, warm_start=True).fit(X, y)
    assert model.fit(X, y).n_iter_ <= 2


@pytest.mark.parametrize("alpha", [1e-3, 1e-4])
def test_sparse_margins_of_as_many_rows_as_columns(alpha):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 110))
    y = X[:, 0] + 0.5 * rng.logistic(size=120) > 0
    how = {"alpha": alpha, "l1_ratio": 0.5}
    model = LinearLearnerClassifier("squared_hinge", **how).fit(X, y)
    assert model.solver_ == "newton" and model.n_iter_ < 60
    columns = LinearLearnerClassifier("squared_hinge", solver="coordinate_descent", **how)
    assert abs(model.objective_ - columns.fit(X, y).objective_) < 2e-6


def test_what_was_asked_for_does_not_hand_over():
    model = LinearLearnerClassifier(alpha=1e-4, max_iter=100, solver="lbfgs")
    with pytest.warns(ConvergenceWarning):
        model.fit(*spectra())
    assert model.solver_ == "lbfgs" and model.n_iter_ == 100


def test_curvature_begins_where_passes_stood():
    X, y = one_factor()
    model = LinearLearnerClassifier(alpha=1e-4).fit(X, y)
    passes = LinearLearnerClassifier(alpha=1e-4, solver="lbfgs", max_iter=model.n_iter_ // 2)
    with pytest.warns(ConvergenceWarning):
        passes.fit(X, y)
    n = passes.n_iter_
    np.testing.assert_allclose(model.history_["objective"][:n], passes.history_["objective"])
    newton = LinearLearnerClassifier(alpha=1e-4, solver="newton").fit(X, y)
    assert model.objective_ == pytest.approx(newton.objective_, rel=1e-5)
    steps = -np.diff(model.history_["objective"])
    assert (steps >= -1e-12).all() and model.n_iter_ > n


@needs_callbacks
def test_a_callback_that_stops_passes_stops_curvature_too():
    model = LinearLearnerClassifier(alpha=1e-4).set_callbacks(Recorder(lambda: True, 5))
    with pytest.warns(ConvergenceWarning):
        model.fit(*one_factor())
    assert model.solver_ == "lbfgs" and model.n_iter_ == 5


def test_order_of_rows_does_not_choose():
    X, y = one_factor()
    order = np.argsort(X[:, 0])
    for rows in (order, order[::-1], np.random.default_rng(1).permutation(len(y))):
        assert LinearLearnerClassifier(alpha=1e-4).fit(X[rows], y[rows]).solver_ == "newton"


def test_passes_say_so_and_so_does_what_went_on(capsys):
    X = np.random.default_rng(0).normal(size=(300, 10))
    labels = np.arange(300) % 60
    model = LinearLearnerClassifier(alpha=0.1, verbose=1).fit(X, labels)
    assert model.solver_ == "lbfgs" and model.certificate_ <= 1e-6
    assert "passes are estimated to cost less than Hessians" in capsys.readouterr().out
    LinearLearnerClassifier(alpha=1e-4, verbose=1).fit(*one_factor())
    said = capsys.readouterr().out
    assert "solver_ 'newton'" in said and "iterations of 'lbfgs' did not converge" in said


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
