"""Learning in parts: partial_fit, merge, warm starts and stochastic steps."""

import copy
import tracemalloc

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_wine, make_classification
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos._common.random import seed_key
from algos.linear_learner.names import REGRESSOR_LOSS_NAMES as REGRESSOR_LOSSES
from algos.linear_learner.solvers.schedule import OPTIMIZERS, Schedule
from algos.linear_learner.solvers.stochastic import mini_batches

CLASSIFIER_LOSSES = ("log_loss", "hinge", "squared_hinge", "perceptron")
OTHER_LOSSES = [loss for loss in REGRESSOR_LOSSES if loss != "squared_error"]


def numbers(n=400, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 5)) * [1, 10, 0.1, 1, 1] + [0, 100, 0, -3, 1]
    z = X @ [0.3, 0.02, 2, 0, 0.1] - 2
    return X, np.exp(z + rng.normal(scale=0.1, size=n))


def classes(n=400, seed=0):
    return make_classification(n, 6, n_informative=4, class_sep=1.5, random_state=seed)


def streamed(model, X, y, sizes, **keywords):
    start = 0
    while start < len(y):
        for size in sizes:
            part = slice(start, start + size)
            if start < len(y):
                model.partial_fit(X[part], y[part], **keywords)
            start += size
    return model


@pytest.mark.parametrize("sizes", [(1,), (7, 1, 60), (1000,)])
def test_batches_of_any_size_give_the_exact_squared_loss(sizes):
    X, y = numbers()
    whole = LinearLearnerRegressor(alpha=0.1).fit(X, y)
    stream = streamed(LinearLearnerRegressor(alpha=0.1), X, y, sizes)
    np.testing.assert_allclose(stream.coef_, whole.coef_, rtol=1e-8)
    np.testing.assert_allclose(stream.intercept_, whole.intercept_, rtol=1e-8)


@pytest.mark.parametrize("loss", CLASSIFIER_LOSSES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_learns_classes(loss, optimizer):
    X, y = classes(2000)
    model = LinearLearnerClassifier(
        loss, alpha=1e-4, optimizer=optimizer, batch_size=20, random_state=0
    )
    streamed(model, X[:1500], y[:1500], (100,))
    whole = LinearLearnerClassifier(alpha=1e-4).fit(X[:1500], y[:1500])
    assert model.score(X[1500:], y[1500:]) > whole.score(X[1500:], y[1500:]) - 0.05


@pytest.mark.parametrize("loss", OTHER_LOSSES)
def test_every_loss_learns_numbers(loss):
    X, y = numbers(3000)
    model = LinearLearnerRegressor(loss, alpha=1e-4, batch_size=20, random_state=0)
    streamed(model, X[:2500], y[:2500], (100,))
    whole = LinearLearnerRegressor(loss, alpha=1e-4).fit(X[:2500], y[:2500])
    error, least = (np.abs(y[2500:] - one.predict(X[2500:])).mean() for one in (model, whole))
    assert error < 1.5 * least + 0.02


@pytest.mark.parametrize("loss", CLASSIFIER_LOSSES)
def test_one_row_at_a_time(loss):
    X, y = classes(300)
    model = LinearLearnerClassifier(loss, alpha=1e-3, random_state=0)
    streamed(model, X, y, (1,), classes=[0, 1])
    assert model.score(X, y) > 0.75


def test_classes_may_come_late():
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    model = LinearLearnerClassifier(alpha=1e-3, batch_size=10, random_state=0)
    model.partial_fit(X[y == 2], y[y == 2])
    with pytest.raises(NotFittedError, match="has seen only class"):
        model.predict(X)
    model.partial_fit(X[y == 0], y[y == 0])
    assert model.classes_.tolist() == [0, 2]
    assert model.coef_.shape == (1, 13)
    model.partial_fit(X, y)
    assert model.classes_.tolist() == [0, 1, 2]
    order = np.random.default_rng(0).permutation(len(y))
    streamed(model, X[order], y[order], (30,))
    assert model.score(X, y) > 0.9


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_a_third_class_changes_nothing_between_the_first_two(loss):
    X, y = classes()
    model = LinearLearnerClassifier(loss, alpha=1e-3, random_state=0).partial_fit(X, y)
    before = model.decision_function(X)
    model._meet_classes(np.array([2]), None)
    after = model.decision_function(X)
    gap = after[:, 1] - after[:, 0]
    np.testing.assert_allclose(gap, before if loss == "log_loss" else 2 * before, atol=1e-9)


@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge"])
def test_merging_is_symmetric(loss):
    halves = [classes(seed=3), classes(seed=3)]
    (X, y), rows = halves[0], np.arange(400) < 150
    one = LinearLearnerClassifier(loss, alpha=1e-3, random_state=0).partial_fit(X[rows], y[rows])
    other = LinearLearnerClassifier(loss, alpha=1e-3, random_state=0).partial_fit(
        X[~rows], y[~rows]
    )
    ab, ba = copy.deepcopy(one).merge(other), copy.deepcopy(other).merge(one)
    np.testing.assert_allclose(ab.coef_, ba.coef_, rtol=1e-9)
    np.testing.assert_allclose(ab.intercept_, ba.intercept_, rtol=1e-9, atol=1e-12)
    assert ab.n_samples_seen_ == 400
    assert ab.score(X, y) > 0.8


def test_merging_the_squared_loss_is_joint_training():
    X, y = numbers()
    parts = [
        LinearLearnerRegressor(alpha=0.1).partial_fit(X[part], y[part])
        for part in (slice(0, 30), slice(30, 400))
    ]
    joint = LinearLearnerRegressor(alpha=0.1).fit(X, y)
    merged = parts[0].merge(parts[1])
    np.testing.assert_allclose(merged.coef_, joint.coef_, rtol=1e-8)


def test_fits_of_the_squared_loss_merge_and_go_on_exactly():
    X, y = numbers()
    joint = LinearLearnerRegressor(alpha=0.1).fit(X, y)
    one = LinearLearnerRegressor(alpha=0.1).fit(X[:100], y[:100])
    one.partial_fit(X[100:200], y[100:200])
    one.merge(LinearLearnerRegressor(alpha=0.1).fit(X[200:], y[200:]))
    np.testing.assert_allclose(one.coef_, joint.coef_, rtol=1e-8)


@pytest.mark.parametrize("loss", CLASSIFIER_LOSSES)
@pytest.mark.filterwarnings("ignore:.* does not use `:UserWarning")
def test_weights_are_repeats_in_a_batch_of_any_order(loss):
    X, y = classes(120)
    weight = np.random.default_rng(0).integers(0, 4, size=120)
    rows = np.random.default_rng(1).permutation(np.repeat(np.arange(120), weight))
    make = {"loss": loss, "alpha": 1e-3, "batch_size": 10, "random_state": 0}
    by_weight = LinearLearnerClassifier(**make).partial_fit(X, y, sample_weight=weight)
    by_repeats = LinearLearnerClassifier(**make).partial_fit(X[rows], y[rows])
    np.testing.assert_allclose(by_weight.coef_, by_repeats.coef_, rtol=1e-7, atol=1e-10)
    again = LinearLearnerClassifier(**make).fit(X, y) if loss != "perceptron" else by_weight
    once = copy.deepcopy(again).partial_fit(X, y, sample_weight=weight)
    twice = copy.deepcopy(again).partial_fit(X[rows], y[rows])
    np.testing.assert_allclose(once.coef_, twice.coef_, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
@pytest.mark.filterwarnings("ignore:.* does not use `:UserWarning")
def test_a_fit_is_where_partial_fit_begins(loss):
    X, y = classes()
    model = LinearLearnerClassifier(loss, alpha=1e-3, learning_rate_init=1e-9).fit(X, y)
    before = model.coef_.copy()
    model.partial_fit(X, y)
    np.testing.assert_allclose(model.coef_, before, rtol=1e-5, atol=1e-7)


def plain_numbers(n):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    return X, X @ [1, 2, 0, -1.0] + rng.normal(size=n)


@pytest.mark.parametrize("n", [200, 20_000])
@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.filterwarnings("ignore:.* does not use `:UserWarning")
def test_a_few_rows_hardly_move_a_model_of_many(n, size, optimizer):
    X, y = plain_numbers(n)
    model = LinearLearnerRegressor("huber", alpha=1e-3, optimizer=optimizer, random_state=0)
    before = model.fit(X, y).score(X, y)
    streamed(model, X[:60], y[:60], (size,))
    assert model.score(X, y) > before - 0.01


def test_a_row_after_batches_counts_as_one_row():
    X, y = plain_numbers(200)
    model = LinearLearnerRegressor("huber", alpha=1e-3, random_state=0)
    streamed(model, X, y, (100,))
    before = model.score(X, y)
    model.partial_fit(X[:1], y[:1])
    assert abs(model.score(X, y) - before) < 0.01


def test_l1_leaves_useless_columns_out_of_a_stream():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(5000, 20))
    y = (X[:, 0] - X[:, 1] + 0.3 * rng.normal(size=5000) > 0).astype(int)
    model = LinearLearnerClassifier(
        alpha=0.05, l1_ratio=1.0, optimizer="sgd", batch_size=10, random_state=0
    )
    streamed(model, X, y, (500,))
    assert (np.abs(model.coef_[0, 2:]) < 0.05 * np.abs(model.coef_[0, :2]).min()).all()


def test_candidates_of_a_stream_compete_on_rows_to_come():
    X, y = classes(1000)
    model = LinearLearnerClassifier(alpha=[1e-3, 1e2], batch_size=20, random_state=0)
    streamed(model, X, y, (100,))
    assert model.alpha_ == 1e-3
    assert len(model.candidates_["alpha"]) == 2


def test_a_stream_calibrates_its_threshold():
    X, y = make_classification(3000, 6, weights=[0.9], random_state=0)
    model = LinearLearnerClassifier(
        alpha=1e-3,
        selection_criterion="precision_at_target_recall",
        target_recall=0.95,
        batch_size=50,
        random_state=0,
    )
    streamed(model, X, y, (300,))
    assert model.predict(X)[y == 1].mean() > 0.9
    assert model.threshold_ != 0.5


def test_the_schedule_is_that_of_the_parameters():
    schedule = Schedule(rate=0.5, every=3, factor=0.5, least=0.1)
    assert [schedule.rate_at(step) for step in (0, 2, 3, 6, 9, 90)] == [
        0.5, 0.5, 0.25, 0.125, 0.1, 0.1,
    ]  # fmt: skip


def test_the_perceptron_is_for_stochastic_steps_alone():
    X, y = classes()
    with pytest.raises(ValueError, match=r"perceptron.*partial_fit"):
        LinearLearnerClassifier("perceptron", alpha=0.1).fit(X, y)
    model = LinearLearnerClassifier(
        "perceptron", alpha=0.0, solver="sgd", batch_size=20, random_state=0
    )
    assert model.fit(X, y).score(X, y) > 0.7


@pytest.mark.parametrize("solver", ["sgd", "stream"])
@pytest.mark.parametrize("n", [64, 120])
def test_the_perceptron_learns_from_classes_of_equal_weight(solver, n):
    X, _ = classes(n)
    y = X[:, 0] > np.median(X[:, 0])
    make = {"alpha": 0.0, "batch_size": 8, "random_state": 0}
    model = LinearLearnerClassifier("perceptron", solver="sgd", **make)
    if solver == "sgd":
        model.fit(X, y)
    else:
        for _ in range(10):
            model.partial_fit(X, y)
    assert model.score(X, y) > 0.9


ODD_COLUMNS = {
    "huge": lambda X: X * [1e100, 1, 1, 1, 1],
    "tiny": lambda X: X * [1e-100, 1, 1, 1, 1],
    "far": lambda X: X + [1e6, 0, 0, 0, 0],
    "constant": lambda X: X * [0, 1, 1, 1, 1] + [7, 0, 0, 0, 0],
}


@pytest.mark.parametrize("size", [1, 50])
@pytest.mark.parametrize("odd", list(ODD_COLUMNS))
@pytest.mark.parametrize("loss", REGRESSOR_LOSSES)
def test_odd_columns_leave_a_stream_finite(loss, odd, size):
    X, y = numbers(100)
    model = LinearLearnerRegressor(loss, alpha=1e-2, random_state=0)
    streamed(model, ODD_COLUMNS[odd](X), y, (size,))
    assert np.isfinite(model.predict(ODD_COLUMNS[odd](X))).all()


@pytest.mark.parametrize("scale", [1e-100, 1e100])
@pytest.mark.parametrize("loss", REGRESSOR_LOSSES)
def test_odd_targets_leave_a_stream_finite(loss, scale):
    X, y = numbers(100)
    model = LinearLearnerRegressor(loss, alpha=1e-2, random_state=0)
    streamed(model, X, y * scale, (10,))
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.intercept_).all()


@pytest.mark.parametrize("loss", ["poisson", "tweedie"])
def test_counts_may_begin_with_zeros(loss):
    X, y = numbers(500)
    y = np.floor(10 * y)
    y[:20] = 0
    model = LinearLearnerRegressor(loss, alpha=1e-3, random_state=0, batch_size=10)
    model.partial_fit(X[:1], y[:1]).partial_fit(X[1:20], y[1:20])
    assert np.isfinite(model.predict(X)).all()
    streamed(model, X[20:], y[20:], (10,))
    assert model.predict(X[20:]).mean() == pytest.approx(y[20:].mean(), rel=0.5)


def test_balance_counts_the_rows_of_merged_learners_and_of_fits():
    X, y = make_classification(1000, 6, weights=[0.9], random_state=0)
    make = {"class_weight": "balanced", "alpha": 1e-3, "random_state": 0}
    one = LinearLearnerClassifier(**make).fit(X[:500], y[:500])
    one.merge(LinearLearnerClassifier(**make).partial_fit(X[500:800], y[500:800]))
    one.partial_fit(X[800:], y[800:])
    np.testing.assert_array_equal(one._class_sums, np.bincount(y))


def test_targets_that_grow_leave_a_stream_right():
    X, y = numbers(2000)
    model = LinearLearnerRegressor("huber", alpha=0.0, batch_size=20, random_state=0, delta=1e9)
    model.partial_fit(X[:10], 1e-9 * y[:10])
    streamed(model, X, y, (100,))
    assert np.corrcoef(model.predict(X), y)[0, 1] > 0.8


@pytest.mark.parametrize("loss", ["squared_error", "huber"])
def test_a_stream_takes_no_more_memory_as_it_goes_on(loss):
    X, y = numbers(2000)
    model = LinearLearnerRegressor(loss, alpha=0.1, random_state=0)
    streamed(model, X[:500], y[:500], (50,))
    tracemalloc.start()
    try:
        streamed(model, X[500:1000], y[500:1000], (50,))
        before = tracemalloc.get_traced_memory()[0]
        streamed(model, X[1000:], y[1000:], (50,))
        assert tracemalloc.get_traced_memory()[0] < before + 20_000
    finally:
        tracemalloc.stop()


def test_a_warm_start_on_dependent_columns_soon_goes_on_by_newton():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 300)).cumsum(axis=1) / 10
    y = X @ rng.normal(size=300) / 10 + rng.logistic(size=3000) > 0
    model = LinearLearnerClassifier(alpha=1e-3, warm_start=True).fit(X[:2900], y[:2900])
    n_cold = model.n_iter_
    best = LinearLearnerClassifier(alpha=1e-3, tol=1e-10).fit(X, y)
    assert model.fit(X, y).n_iter_ < n_cold / 2
    assert model.objective_ == pytest.approx(best.objective_, rel=1e-5)


@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge"])
def test_a_warm_start_begins_at_the_last_model(loss):
    X, y = classes(2000)
    model = LinearLearnerClassifier(loss, alpha=1e-3, solver="lbfgs", warm_start=True).fit(X, y)
    cold = model.n_iter_
    model.fit(X, y)
    assert model.n_iter_ < cold


def test_a_failed_batch_leaves_the_stream_as_it_was():
    X, y = classes()
    model = LinearLearnerClassifier(alpha=1e-3, random_state=0).partial_fit(X, y)
    before = model.coef_.copy()
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(np.full((3, 6), np.nan), [0, 1, 2])
    assert model.classes_.tolist() == [0, 1]
    np.testing.assert_array_equal(model.coef_, before)


CHANGES = [
    ("loss", "huber"),
    ("alpha", 1.0),
    ("alpha", [0.1, 1.0]),
    ("l1_ratio", 0.5),
    ("fit_intercept", False),
    ("standardize", False),
]


@pytest.mark.filterwarnings("ignore:.* does not use `epsilon`:UserWarning")
@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
@pytest.mark.parametrize(("name", "value"), [*CHANGES, ("epsilon", 1.0)])
@pytest.mark.parametrize("loss", ["squared_error", "epsilon_insensitive"])
def test_another_objective_cannot_continue(loss, name, value, begin):
    X, y = plain_numbers(50)
    model = LinearLearnerRegressor(loss, alpha=0.1, random_state=0)
    getattr(model, begin)(X, y)
    expected = copy.deepcopy(model).set_params(n_jobs=1)
    model.set_params(**{name: value})
    with pytest.raises(ValueError, match=f"`{name}`=.* must be .*set it back"):
        model.partial_fit(X, y)
    with pytest.raises(ValueError, match=f"`{name}`"):
        model.merge(copy.deepcopy(model))
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
    model.fit(X, y)


def test_another_margin_cannot_continue():
    X, y = classes(50)
    model = LinearLearnerClassifier("hinge", alpha=0.1).partial_fit(X, y)
    with pytest.raises(ValueError, match=r"`margin`=2\.0 must be 1\.0"):
        model.set_params(margin=2.0).partial_fit(X, y)


@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
def test_predictions_are_of_the_loss_that_was_learned(begin):
    X, y = classes()
    model = LinearLearnerClassifier("hinge", alpha=0.1, random_state=0)
    getattr(model, begin)(X, y)
    expected = copy.deepcopy(model).decision_function(X)
    model.set_params(loss="log_loss")
    np.testing.assert_array_equal(model.decision_function(X), expected)
    assert not hasattr(model, "predict_proba")
    X, y = numbers()
    model = LinearLearnerRegressor("poisson", alpha=0.1, random_state=0)
    getattr(model, begin)(X, y)
    expected = copy.deepcopy(model).predict(X)
    np.testing.assert_array_equal(model.set_params(loss="huber").predict(X), expected)


def test_class_weights_may_name_classes_to_come():
    X, y = classes()
    model = LinearLearnerClassifier(class_weight={0: 1.0, 1: 2.0, 2: 3.0}, alpha=1e-3)
    model.partial_fit(X, y)
    assert model.partial_fit(X[:9], np.arange(9) % 3).classes_.tolist() == [0, 1, 2]


def test_words_after_numbers_are_refused():
    X, y = classes()
    model = LinearLearnerClassifier(alpha=1e-3).partial_fit(X, y)
    with pytest.raises(ValueError, match="labels of one kind"):
        model.partial_fit(X, np.where(y, "yes", "no"))
    with pytest.raises(ValueError, match="labels of one kind"):
        LinearLearnerClassifier().partial_fit(X, y, classes=["no", "yes"])


def test_a_third_class_has_no_threshold():
    X, y = classes()
    model = LinearLearnerClassifier(
        alpha=1e-3, selection_criterion="precision_at_target_recall"
    ).partial_fit(X, y)
    with pytest.raises(ValueError, match="a threshold needs two classes"):
        model.partial_fit(X[:9], np.arange(9) % 3)
    assert model.classes_.tolist() == [0, 1]


def test_automatic_class_weights_need_a_fit():
    X, y = classes()
    with pytest.raises(ValueError, match=r"class_weight.*partial_fit"):
        LinearLearnerClassifier(class_weight="auto").partial_fit(X, y)


@pytest.mark.parametrize("weighting", ["balanced", {0: 1.0, 1: 9.0}])
def test_class_weights_reach_a_stream(weighting):
    X, y = make_classification(3000, 6, weights=[0.9], flip_y=0.1, random_state=0)
    common = {"alpha": 1e-3, "batch_size": 50, "random_state": 0}
    plain = streamed(LinearLearnerClassifier(**common), X, y, (300,))
    weighted = streamed(LinearLearnerClassifier(class_weight=weighting, **common), X, y, (300,))
    assert weighted.predict(X).mean() > plain.predict(X).mean() + 0.05


@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
def test_words_cannot_join_the_numbers_of_a_fit(begin):
    X, y = classes(50)
    model = LinearLearnerClassifier(alpha=0.1)
    getattr(model, begin)(X, y)
    with pytest.raises(ValueError, match="labels of one kind"):
        model.partial_fit(X[:3], ["a", "b", "c"])
    assert model.classes_.tolist() == [0, 1]


def test_named_classes_are_all_there_are():
    X, y = classes(50)
    model = LinearLearnerClassifier(alpha=0.1)
    with pytest.raises(ValueError, match="label 0, which must be one of"):
        model.partial_fit(X, y, classes=[1, 2])
    model.partial_fit(X, y, classes=[0, 1])
    for keywords in ({}, {"classes": [1, 0]}):
        with pytest.raises(ValueError, match="label 2, which must be one of"):
            model.partial_fit(X, y + 1, **keywords)
    for others in ([0, 1, 2], [0]):
        with pytest.raises(ValueError, match="pass the same classes or None"):
            model.partial_fit(X, y, classes=others)
    assert model.classes_.tolist() == [0, 1]
    model.partial_fit(X, y, classes=[1, 0]).partial_fit(X, y)
    model = LinearLearnerClassifier(alpha=0.1).fit(X, y)
    with pytest.raises(ValueError, match="pass the same classes or None"):
        model.partial_fit(X, y, classes=[1, 2])
    assert model.partial_fit(X, y, classes=[0, 1, 2]).classes_.tolist() == [0, 1, 2]


def test_a_threshold_of_log_loss_is_a_probability():
    X, y = classes(50)
    model = LinearLearnerClassifier(alpha=0.1).fit(X, y)
    for wrong in (0, 1, -3.0, float("nan")):
        model.threshold_ = wrong
        with pytest.raises(ValueError, match="must be a probability"):
            model.predict(X)


@pytest.mark.parametrize("factor", [1e-320, 1e-300, 1e200, 1e307, 1.7e308])
@pytest.mark.parametrize("begin", ["fit", "partial_fit"])
def test_weights_of_any_magnitude_stream(begin, factor):
    X, y = numbers()
    c = (y > np.median(y)) * 1
    cases = [
        (LinearLearnerRegressor(alpha=0.01), y),
        (LinearLearnerRegressor("huber", alpha=0.01, random_state=0), y),
        (LinearLearnerClassifier(alpha=0.01, class_weight="balanced", random_state=0), c),
    ]
    for model, target in cases:
        found = []
        for weight in (1.0, factor):
            getattr(model, begin)(X[:200], target[:200], sample_weight=np.full(200, weight))
            model.partial_fit(X[200:], target[200:], sample_weight=np.full(200, weight))
            found.append(np.append(model.coef_, model.intercept_))
            other = copy.deepcopy(model)
            np.testing.assert_allclose(other.merge(model).coef_, model.coef_, rtol=1e-6)
            model = clone(model)
        np.testing.assert_allclose(found[1], found[0], rtol=1e-6, atol=1e-9)


def test_weights_of_two_magnitudes_are_refused():
    X, y = numbers(50)
    model = LinearLearnerRegressor(alpha=0.01).partial_fit(X, y)
    with pytest.raises(ValueError, match="`sample_weight` has the maximum"):
        model.partial_fit(X, y, sample_weight=np.full(50, 1e307))
    other = LinearLearnerRegressor(alpha=0.01).fit(X, y, sample_weight=np.full(50, 1e307))
    with pytest.raises(ValueError, match="`other` must have sample weights"):
        model.merge(other)


def test_numbers_of_candidates_must_agree_to_merge():
    X, y = numbers(50)
    fitted = LinearLearnerRegressor("huber", random_state=0).fit(X, y)
    stream = LinearLearnerRegressor("huber", random_state=0).partial_fit(X, y)
    for one, other in ((fitted, stream), (stream, fitted)):
        with pytest.raises(ValueError, match="as many candidates"):
            copy.deepcopy(one).merge(other)


def test_messages_show_plain_values():
    X, y = classes(50)
    with pytest.raises(ValueError, match=r"one class: 1\.0;"):
        LinearLearnerClassifier().fit(X, np.ones(50))
    model = LinearLearnerClassifier(alpha=0.1).partial_fit(X[y == 1], y[y == 1])
    with pytest.raises(NotFittedError, match="has seen only class 1"):
        model.predict(X)
    with pytest.raises(ValueError, match=r"`alpha`=0\.2 must be 0\.1,"):
        model.set_params(alpha=np.float64(0.2)).partial_fit(X, y)


@pytest.mark.parametrize("size", [100, 1000])
def test_a_short_stream_ends_near_the_optimum(size):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 20))
    y = (X @ rng.normal(size=20) + rng.logistic(size=len(X)) > 0).astype(int)
    train, test = slice(0, 2000), slice(2000, None)

    def loss(model):
        margin = np.where(y[test] > 0, 1, -1) * model.decision_function(X[test])
        return np.logaddexp(0, -margin).mean()

    stream = LinearLearnerClassifier(alpha=1e-3, random_state=0)
    streamed(stream, X[train], y[train], (size,))
    whole = LinearLearnerClassifier(alpha=1e-3).fit(X[train], y[train])
    assert loss(stream) < loss(whole) + 0.03


def test_steps_of_a_stream_grow():
    schedule = Schedule()
    assert schedule.size_at(0, 100) == 10
    assert schedule.size_at(64, 100) in range(25, 30)
    assert schedule.size_at(10**9, 100) == schedule.size_at(0, 10**7) == 1000
    assert Schedule(batch_size=7).size_at(5, 100) == Schedule(batch_size=7).size_of_epochs() == 7


@pytest.mark.parametrize("n_distinct", [100, 30, 1])
def test_mini_batches_keep_equal_rows_together(n_distinct):
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 2**60, size=n_distinct).astype(np.uint64)
    keys = kinds[np.append(np.arange(n_distinct), rng.integers(0, n_distinct, 100 - n_distinct))]
    batches = mini_batches(keys, lambda batch: 3 + batch, seed_key(1), 2)
    assert np.array_equal(np.sort(np.concatenate(batches)), np.arange(100))
    held = [set(keys[rows].tolist()) for rows in batches]
    assert sum(map(len, held)) == n_distinct
    assert [len(one) for one in held[:-1]] == [3 + i for i in range(len(held) - 1)]
    order = rng.permutation(100)
    shuffled = mini_batches(keys[order], lambda batch: 3 + batch, seed_key(1), 2)
    for rows, others in zip(batches, shuffled, strict=True):
        assert np.array_equal(np.sort(keys[rows]), np.sort(keys[order][others]))
