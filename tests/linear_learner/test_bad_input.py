"""Input that is wrong, or odd: one clear error, or a finite answer."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

from algos import LinearLearnerClassifier, LinearLearnerRegressor
from algos.linear_learner.names import REGRESSOR_LOSS_NAMES as REGRESSOR_LOSSES

CLASSIFIER_LOSSES = ("log_loss", "hinge", "squared_hinge")
KINKED = {"absolute_error", "quantile", "epsilon_insensitive"}

# Losses and options are crossed, whether or not they use each other.
pytestmark = pytest.mark.filterwarnings("ignore:.* does not use `:UserWarning")


def rows(n=60, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def labels(X):
    return (X[:, 0] + 0.5 * X[:, 1] ** 2 > 0.3).astype(int)


def numbers(X):
    return np.exp(X[:, 0] / 2) + 0.1


def quiet(model, X, y, **keywords):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", "`validation_fraction`", UserWarning)
        return model.fit(X, y, **keywords)


def assert_finite(model, X):
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.intercept_).all()
    assert np.isfinite(np.asarray(model.predict(X), dtype=np.float64)).all()


@pytest.mark.parametrize("loss", CLASSIFIER_LOSSES)
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_separable_rows_without_penalty_are_separated(loss, l1_ratio):
    X = rows()
    y = (X[:, 0] > 0).astype(int)
    model = quiet(LinearLearnerClassifier(loss, alpha=0.0, l1_ratio=l1_ratio), X, y)
    assert_finite(model, X)
    assert model.score(X, y) == 1


def test_separable_rows_without_penalty_are_warned_of():
    X = rows()
    with pytest.warns(ConvergenceWarning, match="alpha=0"):
        LinearLearnerClassifier(alpha=0.0).fit(X, (X[:, 0] > 0).astype(int))


ODD = {
    "constant column": lambda X: np.column_stack([X, np.full(len(X), 1e5)]),
    "duplicate columns": lambda X: np.column_stack([X, X]),
    "zeros": np.zeros_like,
    "huge": lambda X: X * 1e150,
    "tiny": lambda X: X * 1e-150,
    "mixed": lambda X: X * [1e150, 1, 1e-150],
    "fewer rows than columns": lambda X: np.tile(X, 40),
}
FITS = [
    *[(LinearLearnerClassifier, loss) for loss in CLASSIFIER_LOSSES],
    *[(LinearLearnerRegressor, loss) for loss in REGRESSOR_LOSSES],
]


@pytest.mark.parametrize("odd", list(ODD))
@pytest.mark.parametrize("alpha", [0.0, 0.1, "auto"])
@pytest.mark.parametrize(("kind", "loss"), FITS)
def test_odd_rows_give_finite_models(kind, loss, alpha, odd):
    X = rows()
    y = labels(X) if kind is LinearLearnerClassifier else numbers(X)
    X = ODD[odd](X)
    model = kind(loss, alpha=alpha, n_alphas=4, max_iter=100, random_state=0)
    assert_finite(quiet(model, X, y), X)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
@pytest.mark.parametrize(("kind", "loss"), FITS)
def test_weights_of_any_size_say_the_same(kind, loss, scale):
    X = rows()
    y = labels(X) if kind is LinearLearnerClassifier else numbers(X)
    plain = kind(loss, alpha=0.1).fit(X, y, sample_weight=np.ones(60))
    model = kind(loss, alpha=0.1).fit(X, y, sample_weight=np.full(60, scale))
    np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
@pytest.mark.parametrize("loss", REGRESSOR_LOSSES)
def test_targets_of_any_size_give_finite_models(loss, scale):
    X = rows()
    model = LinearLearnerRegressor(loss, alpha=1e-3, max_iter=100)
    assert_finite(quiet(model, X, numbers(X) * scale), X)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_targets_of_any_size_are_fitted(scale):
    X = rows()
    plain = LinearLearnerRegressor(alpha=1e-3).fit(X, numbers(X))
    scaled = LinearLearnerRegressor(alpha=1e-3).fit(X, numbers(X) * scale)
    np.testing.assert_allclose(scaled.coef_ / scale, plain.coef_, rtol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("alpha", ["auto", 0.1])
@pytest.mark.parametrize("loss", REGRESSOR_LOSSES)
def test_a_few_rows_are_enough(loss, alpha, n):
    X = rows(n)
    model = quiet(LinearLearnerRegressor(loss, alpha=alpha, random_state=0), X, numbers(X))
    assert_finite(model, X)


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("alpha", ["auto", 0.1])
@pytest.mark.parametrize("loss", CLASSIFIER_LOSSES)
def test_a_few_rows_of_two_classes_are_enough(loss, alpha, n):
    X = rows(n)
    y = np.arange(n) % 2
    model = quiet(LinearLearnerClassifier(loss, alpha=alpha, random_state=0), X, y)
    assert_finite(model, X)


@pytest.mark.parametrize("fraction", [1e-9, 0.999999])
def test_extreme_validation_fractions(fraction):
    X = rows()
    for model, y in (
        (LinearLearnerClassifier(), labels(X)),
        (LinearLearnerRegressor(), numbers(X)),
        (LinearLearnerRegressor("huber"), numbers(X)),
    ):
        model.set_params(validation_fraction=fraction, random_state=0, n_alphas=3)
        assert_finite(quiet(model, X, y), X)


X, Y = rows(), labels(rows())
WRONG = {
    "one class": (LinearLearnerClassifier(), np.zeros(60), {}, "only one class"),
    "a class of zero weight": (
        LinearLearnerClassifier(), Y, {"sample_weight": Y}, "at least one row of each class",
    ),
    "continuous labels": (LinearLearnerClassifier(), X[:, 0], {}, "continuous"),
    "labels of two columns": (LinearLearnerClassifier(), np.c_[Y, Y], {}, "1d array"),
    "sparse labels": (LinearLearnerClassifier(), sparse.csr_array(Y[:, None]), {}, "[Ss]parse"),
    "NaN labels": (LinearLearnerClassifier(), np.where(Y > 0, np.nan, 0.0), {}, "NaN"),
    "sparse targets": (LinearLearnerRegressor(), sparse.csr_array(Y[:, None]), {}, "[Ss]parse"),
    "words": (LinearLearnerRegressor(), np.full(60, "one"), {}, "one"),
    "NaN targets": (LinearLearnerRegressor(), np.full(60, np.nan), {}, "NaN"),
    "infinite targets": (LinearLearnerRegressor(), np.full(60, np.inf), {}, "infinity"),
    "negative counts": (LinearLearnerRegressor("poisson"), -Y, {}, "poisson.*at least 0"),
    "zero of gamma": (LinearLearnerRegressor("gamma"), Y, {}, "gamma.*positive"),
    "no count at all": (LinearLearnerRegressor("poisson"), 0 * Y, {}, "all zero"),
    "negative alpha": (LinearLearnerRegressor(alpha=[1.0, -1.0]), Y, {}, "`alpha`=.*at least 0"),
    "NaN alpha": (LinearLearnerRegressor(alpha=[np.nan]), Y, {}, "`alpha`="),
    "no alpha": (LinearLearnerRegressor(alpha=[]), Y, {}, "`alpha`="),
    "two axes of alpha": (LinearLearnerRegressor(alpha=[[1.0]]), Y, {}, "`alpha`="),
    "large ratio": (LinearLearnerRegressor(l1_ratio=[0.5, 1.5]), Y, {}, "`l1_ratio`=.*1.0"),
    "unknown class": (LinearLearnerClassifier(class_weight={7: 1.0}), Y, {}, "names the class 7"),
    "negative class weight": (
        LinearLearnerClassifier(class_weight={0: -1.0}), Y, {}, "`class_weight`=.*positive",
    ),
    "y_val alone": (LinearLearnerRegressor(), Y, {"y_val": Y}, "`y_val` must be None"),
    "X_val alone": (LinearLearnerRegressor(), Y, {"X_val": X}, "`X_val` must come with"),
    "narrow X_val": (
        LinearLearnerRegressor(), Y, {"X_val": X[:, :2], "y_val": Y}, "2 features",
    ),
    "short y_val": (
        LinearLearnerRegressor(), Y, {"X_val": X, "y_val": Y[:-1]}, "inconsistent numbers",
    ),
    "unknown label in y_val": (
        LinearLearnerClassifier(), Y, {"X_val": X, "y_val": Y + 5}, "`y_val` holds the label",
    ),
    "more outputs in y_val": (
        LinearLearnerRegressor(), Y, {"X_val": X, "y_val": np.c_[Y, Y]}, "`y_val` has 2 outputs",
    ),
    "zero weights of X_val": (
        LinearLearnerRegressor(), Y,
        {"X_val": X, "y_val": Y, "sample_weight_val": np.zeros(60)}, "sample_weight",
    ),
    "a threshold of three classes": (
        LinearLearnerClassifier(selection_criterion="precision_at_target_recall"),
        np.arange(60) % 3, {}, "a threshold needs two classes",
    ),
    "lbfgs with L1": (
        LinearLearnerRegressor("huber", alpha=0.1, l1_ratio=0.5, solver="lbfgs"), Y, {},
        "`solver`='lbfgs'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(WRONG))
def test_wrong_input_is_refused_with_its_name(name):
    model, y, keywords, message = WRONG[name]
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(X, y, **keywords)
    assert not hasattr(model, "coef_")


@pytest.mark.parametrize("kind", [LinearLearnerClassifier, LinearLearnerRegressor])
def test_a_column_of_targets_is_taken_with_a_warning(kind):
    with pytest.warns(DataConversionWarning):
        column = kind(alpha=0.1).fit(X, Y[:, None])
    np.testing.assert_array_equal(column.coef_, kind(alpha=0.1).fit(X, Y).coef_)


@pytest.mark.parametrize(
    "y",
    [Y.astype(bool), np.where(Y, "yes", "no").astype(object), np.where(Y, "yes", "no"), 1.0 * Y],
    ids=["bool", "object", "string", "float"],
)
def test_labels_of_any_type_come_back(y):
    model = LinearLearnerClassifier(alpha=0.1).fit(X, y)
    plain = LinearLearnerClassifier(alpha=0.1).fit(X, Y)
    np.testing.assert_array_equal(model.coef_, plain.coef_)
    np.testing.assert_array_equal(model.predict(X), np.unique(y)[plain.predict(X)])


@pytest.mark.parametrize("y", [Y.astype(bool), Y.astype(object), Y.astype(np.float32)])
def test_targets_of_any_type_are_numbers(y):
    model = LinearLearnerRegressor(alpha=0.1).fit(X, y)
    np.testing.assert_array_equal(
        model.coef_, LinearLearnerRegressor(alpha=0.1).fit(X, 1.0 * Y).coef_
    )


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_validation_rows_may_be_of_another_type(loss):
    model = LinearLearnerClassifier(loss, n_alphas=3)
    model.fit(X.astype(np.float32), Y, X_val=X, y_val=Y)
    other = LinearLearnerClassifier(loss, n_alphas=3)
    other.fit(X.astype(np.float32), Y, X_val=sparse.csr_array(X), y_val=Y)
    assert model.alpha_ == other.alpha_
    assert model.predict_proba(X).dtype == np.float64 if loss == "log_loss" else True


@pytest.mark.filterwarnings("ignore:`y_val` should hold both:UserWarning")
def test_validation_rows_may_lack_a_class():
    is_first = Y == 0
    model = LinearLearnerClassifier(n_alphas=3, selection_criterion="accuracy")
    model.fit(X, Y, X_val=X[is_first], y_val=Y[is_first])
    assert np.isnan(model.candidates_["roc_auc"]).all()
    assert np.isfinite(model.threshold_)


@pytest.mark.parametrize(("kind", "loss"), FITS)
def test_equal_targets_are_predicted(kind, loss):
    if kind is LinearLearnerRegressor:
        model = kind(loss, alpha=0.1, epsilon=1e-3).fit(X, np.full(60, 3.0))
        np.testing.assert_allclose(model.predict(X), 3.0, rtol=1e-3)


def test_labels_so_many_that_they_may_be_a_target_are_warned_of():
    X = np.random.default_rng(0).normal(size=(40, 2))
    with pytest.warns(UserWarning, match="unique classes is greater than 50%"):
        LinearLearnerClassifier(alpha=1.0).fit(X, np.arange(40))


INFINITE = [
    *[
        (LinearLearnerClassifier, name)
        for name in (
            "margin", "beta", "tol", "learning_rate_init", "intercept_learning_rate_factor",
            "alpha_intercept", "learning_rate_min", "min_improvement", "init_scale",
            "init_intercept",
        )
    ],
    *[(LinearLearnerRegressor, name) for name in ("epsilon", "delta", "power")],
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), INFINITE, ids=[name for _, name in INFINITE])
def test_infinite_parameters_are_refused(kind, name):
    X = rows()
    with pytest.raises(ValueError, match=f"`{name}`=inf must be"):
        kind(**{name: np.inf}).fit(X, labels(X))


@pytest.mark.parametrize("classes", [2, 3])
def test_a_huge_beta_is_recall_alone(classes):
    X = rows(90)
    y = labels(X) + (classes - 2) * (X[:, 2] > 0.5)
    model = LinearLearnerClassifier(selection_criterion="f_beta", beta=1e200, random_state=0)
    table = model.fit(X, y).candidates_
    np.testing.assert_allclose(table["f_beta"], table["recall" if classes == 2 else "macro_recall"])


def test_names_of_losses_are_shown_as_python_has_them():
    model = LinearLearnerRegressor(np.str_("huber"), alpha=0.1, solver="gram")
    with pytest.raises(ValueError, match="loss='huber'"):
        model.fit(rows(), numbers(rows()))


@pytest.mark.parametrize(
    ("solver", "alpha"),
    [("auto", 1e-300), ("auto", 1e-15), ("auto", 2e-11), ("coordinate_descent", 1e-20)],
)
@pytest.mark.parametrize("loss", sorted(set(REGRESSOR_LOSSES) - KINKED) + ["log_loss"])
def test_an_l1_penalty_below_rounding_is_none(loss, alpha, solver):
    X = rows(100, 5)
    kind, y = LinearLearnerRegressor, np.exp(X[:, 0] / 2 + rows(100, 1, seed=1)[:, 0] / 4)
    if loss == "log_loss":
        kind, y = LinearLearnerClassifier, labels(X + rows(100, 5, seed=1))
    model = kind(loss, alpha=alpha, l1_ratio=1.0, solver=solver).fit(X, y)  # without a warning
    exact = kind(loss, alpha=0.0, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(model.coef_, exact.coef_, atol=1e-2)


def test_a_stream_with_an_l1_penalty_below_rounding_is_certified():
    X = rows()
    stream = LinearLearnerRegressor(alpha=1e-20, l1_ratio=1.0).partial_fit(X, numbers(X))
    assert stream.certificate_ < 1e-12


@pytest.mark.parametrize("parameters", [{"alpha": 0, "standardize": False}, {"alpha": 0.1}])
@pytest.mark.parametrize("unit", [1e-160, 5e-324])
def test_columns_next_to_nothing_are_learned_in_numbers(parameters, unit):
    rng = np.random.default_rng(0)
    X, y = (rng.random((30, 3)) < 0.5) * unit, rng.normal(size=30)
    model = LinearLearnerRegressor(**parameters).fit(X, y)
    assert np.isfinite(model.predict(X)).all()


def test_a_stream_of_coefficients_beyond_every_float_forecasts_numbers():
    X = np.random.default_rng(0).normal(size=(30, 3))
    model = LinearLearnerRegressor(alpha=0.1).partial_fit(X * 1e-20, X[:, 0] * 1e300)
    assert np.isfinite(model.predict(X * 1e-20)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e-50, 1e-150, 1e-300])
def test_tiny_targets_without_an_intercept_are_fitted_or_warned_of(dtype, size):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 8))
    y = size * np.exp(X[:, 0] / 4)
    model = LinearLearnerRegressor("gamma", alpha=0.01, l1_ratio=1, fit_intercept=False, max_iter=9)
    with pytest.warns(ConvergenceWarning):
        model.fit(X.astype(dtype), y)
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("loss", ["quantile", "absolute_error", "epsilon_insensitive"])
@pytest.mark.parametrize("alpha", [0, 0.1])
def test_rows_of_next_to_no_weight_count_as_none_beside_others(loss, alpha):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), rng.normal(size=60)
    weight = np.where(np.arange(60) < 31, 1.0, 5e-324)
    model = LinearLearnerRegressor(loss=loss, alpha=alpha)
    coef = model.fit(X, y, sample_weight=weight).coef_
    np.testing.assert_allclose(coef, model.fit(X[:31], y[:31]).coef_, atol=1e-4)


def test_a_kink_far_beyond_the_smallest_targets_is_none():
    X = np.arange(6.0).reshape(-1, 1)
    y = 5e-324 * np.array([0, 0, 10, 10, 20, 20])
    found = LinearLearnerRegressor(loss="huber", alpha=0).fit(X, y).predict(X)
    np.testing.assert_array_equal(found, LinearLearnerRegressor(alpha=0).fit(X, y).predict(X))


@pytest.mark.parametrize("far", [1e20, 1e100, 1e150])
def test_streams_of_exponentials_take_far_rows_without_a_word(far):
    X = np.random.default_rng(0).normal(size=(30, 4))
    X[3, 1] = far
    stream = LinearLearnerRegressor(loss="poisson", alpha=0.1)
    for rows_ in (sparse.csr_array(X), X):
        assert np.isfinite(stream.partial_fit(rows_, np.zeros(30)).coef_).all()
