"""What scikit-learn's estimators find, ours finds: the table of parameters in the docs is right."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    TweedieRegressor,
)
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC, LinearSVR

from algos import LinearLearnerClassifier, LinearLearnerRegressor

N, D = 240, 7
ALPHA = 0.03
TIGHT = {"standardize": False, "tol": 1e-12}


def rows(is_sparse=False):
    """Correlated columns of different lengths, a third of the values zero."""
    rng = np.random.default_rng(20)
    X = rng.standard_normal((N, D)) + 0.5 * rng.standard_normal((N, 1))
    X = (X + 0.3) * np.geomspace(0.5, 2, D)
    X[rng.random((N, D)) < 0.3] = 0
    return sparse.csr_array(X) if is_sparse else X


def weights(weighted):
    return np.random.default_rng(21).uniform(0.2, 3, N) if weighted else None


def total(weighted):
    return weights(weighted).sum() if weighted else N


def decision():
    return rows() @ np.array([1.0, -0.7, 0.0, 0.4, 0.0, -0.2, 0.3]) / 2 + 0.4


def labels(n_classes):
    noisy = decision() + np.random.default_rng(22).logistic(size=N)
    return np.array(["a", "b", "c", "d"])[np.digitize(noisy, np.arange(n_classes - 1) * 1.3)]


def target(kind):
    rng = np.random.default_rng(23)
    z = decision()
    return {
        "real": lambda: z + rng.standard_t(3, N),
        "count": lambda: rng.poisson(np.exp(z)).astype(float),
        "positive": lambda: np.exp(z) * rng.gamma(2.0, 0.5, N),
    }[kind]()


def agree(ours, theirs, y, *, is_sparse, weighted, rtol=1e-6):
    """Fit both, and compare what they found."""
    X, weight = rows(is_sparse), weights(weighted)
    ours.fit(X, y, sample_weight=weight)
    theirs.fit(X, y, sample_weight=weight)
    size = np.abs(theirs.coef_).max()
    assert size > 0.01  # the penalty leaves something to compare
    assert_allclose(np.ravel(ours.coef_), np.ravel(theirs.coef_), rtol=0, atol=rtol * size)
    found, known = np.atleast_1d(ours.intercept_), np.atleast_1d(theirs.intercept_)
    if len(known) > 1:  # of a softmax they count up to a common number
        found, known = found - found.mean(), known - known.mean()
    assert_allclose(found, known, rtol=0, atol=10 * rtol * size)


every_input = pytest.mark.parametrize("is_sparse", [False, True], ids=["dense", "csr"])
every_weight = pytest.mark.parametrize("weighted", [False, True], ids=["equal", "weighted"])
every_intercept = pytest.mark.parametrize("fit_intercept", [True, False])

SQUARED = {
    "ridge": (0.0, lambda n: Ridge(ALPHA * n, solver="svd")),
    "lasso": (1.0, lambda n: Lasso(ALPHA, tol=1e-13, max_iter=100_000)),
    "elastic net": (0.4, lambda n: ElasticNet(ALPHA, l1_ratio=0.4, tol=1e-13, max_iter=100_000)),
}


@every_input
@every_weight
@every_intercept
@pytest.mark.parametrize("name", SQUARED)
def test_squared_error_is_ridge_lasso_and_elastic_net(name, fit_intercept, weighted, is_sparse):
    l1_ratio, make = SQUARED[name]
    theirs = make(total(weighted)).set_params(fit_intercept=fit_intercept)
    if name == "ridge" and is_sparse:
        theirs.set_params(solver="sparse_cg" if fit_intercept else "cholesky", tol=1e-14)
    ours = LinearLearnerRegressor(
        alpha=ALPHA, l1_ratio=l1_ratio, fit_intercept=fit_intercept, **TIGHT
    )
    agree(ours, theirs, target("real"), is_sparse=is_sparse, weighted=weighted)


@every_weight
@every_intercept
def test_squared_error_without_a_penalty_is_linear_regression(fit_intercept, weighted):
    theirs = LinearRegression(fit_intercept=fit_intercept)
    ours = LinearLearnerRegressor(alpha=0.0, fit_intercept=fit_intercept, **TIGHT)
    agree(ours, theirs, target("real"), is_sparse=False, weighted=weighted, rtol=1e-10)


def test_many_outputs_are_those_of_ridge():
    Y = np.column_stack([target("real"), target("positive")])
    ours = LinearLearnerRegressor(alpha=ALPHA, **TIGHT).fit(rows(), Y)
    theirs = Ridge(ALPHA * N, solver="svd").fit(rows(), Y)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-10)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-10)


@every_input
@every_weight
@every_intercept
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_log_loss_is_logistic_regression(l1_ratio, n_classes, fit_intercept, weighted, is_sparse):
    alpha = 0.01
    fast = {"solver": "lbfgs"} if l1_ratio == 0 else {"solver": "saga", "random_state": 0}
    theirs = LogisticRegression(
        C=1 / (alpha * total(weighted)),
        l1_ratio=l1_ratio,
        fit_intercept=fit_intercept,
        tol=1e-10,
        max_iter=20_000,
        **fast,
    )
    ours = LinearLearnerClassifier(
        alpha=alpha, l1_ratio=l1_ratio, fit_intercept=fit_intercept, **TIGHT
    )
    agree(ours, theirs, labels(n_classes), is_sparse=is_sparse, weighted=weighted, rtol=1e-5)
    assert_allclose(
        ours.predict_proba(rows(is_sparse)), theirs.predict_proba(rows(is_sparse)), atol=1e-5
    )


@every_weight
@pytest.mark.filterwarnings("ignore:Setting penalty=None")  # scikit-learn 1.8
@pytest.mark.parametrize("n_classes", [2, 3])
def test_log_loss_without_a_penalty_is_logistic_regression_with_infinite_c(n_classes, weighted):
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=20_000)
    ours = LinearLearnerClassifier(alpha=0.0, **TIGHT)
    X, y, weight = rows(), labels(n_classes), weights(weighted)
    ours.fit(X, y, sample_weight=weight)
    theirs.fit(X, y, sample_weight=weight)
    assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("class_weight", ["balanced", {"a": 3.0}])
def test_class_weights_are_those_of_logistic_regression(class_weight):
    y = labels(3)
    ours = LinearLearnerClassifier(alpha=0.01, class_weight=class_weight, **TIGHT).fit(rows(), y)
    counts = dict(zip(*np.unique(y, return_counts=True), strict=True))
    sums = N if class_weight == "balanced" else N + 2 * counts["a"]
    theirs = LogisticRegression(
        C=1 / (0.01 * sums), class_weight=class_weight, tol=1e-10, max_iter=20_000
    ).fit(rows(), y)
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)


@every_input
@every_weight
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_hinges_without_intercept_are_linear_svc(loss, weighted, is_sparse):
    theirs = LinearSVC(
        C=1 / (ALPHA * total(weighted)),
        loss=loss,
        fit_intercept=False,
        tol=1e-9,
        max_iter=1_000_000,
        random_state=0,
    )
    ours = LinearLearnerClassifier(loss, alpha=ALPHA, fit_intercept=False, **TIGHT)
    agree(ours, theirs, labels(2), is_sparse=is_sparse, weighted=weighted, rtol=1e-4)


@every_weight
def test_hinge_with_an_intercept_is_svc_with_a_linear_kernel(weighted):
    theirs = SVC(kernel="linear", C=1 / (ALPHA * total(weighted)), tol=1e-12)
    ours = LinearLearnerClassifier("hinge", alpha=ALPHA, **TIGHT)
    agree(ours, theirs, labels(2), is_sparse=False, weighted=weighted, rtol=1e-5)


def test_squared_hinge_with_l1_is_linear_svc_with_l1():
    theirs = LinearSVC(
        C=1 / (ALPHA * N), penalty="l1", dual=False, fit_intercept=False, tol=1e-8,
        max_iter=1_000_000, random_state=0,
    )  # fmt: skip
    ours = LinearLearnerClassifier(
        "squared_hinge", alpha=ALPHA, l1_ratio=1.0, fit_intercept=False, **TIGHT
    )
    agree(ours, theirs, labels(2), is_sparse=False, weighted=False, rtol=1e-5)


@every_input
@every_weight
@pytest.mark.parametrize("loss", ["epsilon_insensitive", "squared_epsilon_insensitive"])
def test_epsilon_losses_without_intercept_are_linear_svr(loss, weighted, is_sparse):
    theirs = LinearSVR(
        C=1 / (ALPHA * total(weighted)),
        loss=loss,
        epsilon=0.2,
        fit_intercept=False,
        tol=1e-9,
        max_iter=1_000_000,
        random_state=0,
    )
    ours = LinearLearnerRegressor(loss, epsilon=0.2, alpha=ALPHA, fit_intercept=False, **TIGHT)
    agree(ours, theirs, target("real"), is_sparse=is_sparse, weighted=weighted, rtol=1e-5)


@every_input
@every_weight
@every_intercept
@pytest.mark.parametrize("quantile", [0.2, 0.5])
def test_quantile_is_quantile_regressor(quantile, fit_intercept, weighted, is_sparse):
    options = {"quantile": quantile, "alpha": ALPHA, "fit_intercept": fit_intercept}
    theirs = QuantileRegressor(**options)
    ours = LinearLearnerRegressor("quantile", l1_ratio=1.0, **options, **TIGHT)
    agree(ours, theirs, target("real"), is_sparse=is_sparse, weighted=weighted)


def test_absolute_error_is_twice_the_median():
    theirs = QuantileRegressor(quantile=0.5, alpha=ALPHA / 2)
    ours = LinearLearnerRegressor("absolute_error", alpha=ALPHA, l1_ratio=1.0, **TIGHT)
    agree(ours, theirs, target("real"), is_sparse=False, weighted=False)


GLMS = {
    "poisson": ("count", {}, PoissonRegressor),
    "gamma": ("positive", {}, GammaRegressor),
    "tweedie": ("count", {"power": 1.5}, TweedieRegressor),
}


@every_input
@every_weight
@every_intercept
@pytest.mark.parametrize("loss", GLMS)
def test_losses_with_a_log_link_are_the_glms(loss, fit_intercept, weighted, is_sparse):
    kind, parameters, theirs = GLMS[loss]
    common = {"alpha": ALPHA, "fit_intercept": fit_intercept, **parameters}
    agree(
        LinearLearnerRegressor(loss, **common, **TIGHT),
        theirs(**common, tol=1e-12, solver="newton-cholesky"),
        target(kind),
        is_sparse=is_sparse,
        weighted=weighted,
    )


@every_weight
def test_tweedie_with_power_zero_is_ridge(weighted):
    theirs = TweedieRegressor(power=0, alpha=ALPHA, tol=1e-12, solver="newton-cholesky")
    ours = LinearLearnerRegressor("tweedie", power=0, alpha=ALPHA, **TIGHT)
    agree(ours, theirs, target("real"), is_sparse=False, weighted=weighted)


def test_huber_is_huber_regressor_at_the_scale_it_finds():
    theirs = HuberRegressor(epsilon=1.35, alpha=2.0, tol=1e-10, max_iter=10_000)
    theirs.fit(rows(), target("real"))
    ours = LinearLearnerRegressor(
        "huber", delta=1.35 * theirs.scale_, alpha=2.0 * theirs.scale_ / N, **TIGHT
    )
    ours.fit(rows(), target("real"))
    assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)
    assert_allclose(ours.intercept_, theirs.intercept_, atol=1e-4)


EVERY_LOSS = {
    "squared_error": "real",
    "absolute_error": "real",
    "huber": "real",
    "epsilon_insensitive": "real",
    "squared_epsilon_insensitive": "real",
    "quantile": "real",
    "poisson": "count",
    "gamma": "positive",
    "tweedie": "count",
    "log_loss": 2,
    "multinomial": 3,
    "hinge": 2,
    "squared_hinge": 2,
}


@every_input
@every_weight
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
@pytest.mark.parametrize("loss", EVERY_LOSS)
def test_standardize_is_a_standard_scaler_in_front(loss, l1_ratio, weighted, is_sparse):
    kind, weight = EVERY_LOSS[loss], weights(weighted)
    is_regression = isinstance(kind, str)
    learner = LinearLearnerRegressor if is_regression else LinearLearnerClassifier
    y = target(kind) if is_regression else labels(kind)
    name = "log_loss" if loss == "multinomial" else loss
    common = {"loss": name, "alpha": ALPHA, "l1_ratio": l1_ratio, "tol": 1e-12}
    scaler = StandardScaler().fit(rows(), sample_weight=weight)
    inside = learner(**common).fit(rows(is_sparse), y, sample_weight=weight)
    outside = learner(**common, standardize=False)
    outside.fit(scaler.transform(rows()), y, sample_weight=weight)
    size = np.abs(outside.coef_).max()
    assert_allclose(inside.coef_ * scaler.scale_, outside.coef_, rtol=0, atol=1e-5 * size)
    found = np.ravel(inside.intercept_) + np.atleast_2d(inside.coef_) @ scaler.mean_
    known = np.ravel(outside.intercept_)
    if loss == "multinomial":  # they count up to a common number
        found, known = found - found.mean(), known - known.mean()
    assert_allclose(found, known, rtol=0, atol=1e-4 * size)
