"""The two estimators as users meet them: scikit-learn's results, attributes, verbosity."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    TweedieRegressor,
)
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from algos import LinearLearnerClassifier, LinearLearnerRegressor

EXACT = {"standardize": False, "tol": 1e-14, "max_iter": 10_000}


def regression():
    X, y = load_diabetes(return_X_y=True)
    return X * 20, y / 50


def binary():
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


REGRESSORS = {
    "ols": ({"alpha": 0.0}, lambda n: LinearRegression(tol=1e-12)),
    "ridge": ({"alpha": 0.1}, lambda n: Ridge(0.1 * n, solver="cholesky")),
    "lasso": ({"alpha": 0.1, "l1_ratio": 1.0}, lambda n: Lasso(0.1, tol=1e-12)),
    "elastic net": (
        {"alpha": 0.1, "l1_ratio": 0.5},
        lambda n: ElasticNet(0.1, l1_ratio=0.5, tol=1e-12),
    ),
    "quantile": (
        {"loss": "quantile", "quantile": 0.8, "alpha": 0.01, "l1_ratio": 1.0},
        lambda n: QuantileRegressor(quantile=0.8, alpha=0.01),
    ),
    "poisson": (
        {"loss": "poisson", "alpha": 0.1},
        lambda n: PoissonRegressor(alpha=0.1, tol=1e-12, solver="newton-cholesky"),
    ),
    "gamma": (
        {"loss": "gamma", "alpha": 0.1},
        lambda n: GammaRegressor(alpha=0.1, tol=1e-12, solver="newton-cholesky"),
    ),
    "tweedie": (
        {"loss": "tweedie", "power": 1.3, "alpha": 0.1},
        lambda n: TweedieRegressor(power=1.3, alpha=0.1, tol=1e-12, solver="newton-cholesky"),
    ),
}


@pytest.mark.parametrize("name", list(REGRESSORS))
def test_regressors_are_those_of_scikit_learn(name):
    X, y = regression()
    parameters, make = REGRESSORS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of a tolerance nobody reaches
        ours = LinearLearnerRegressor(**parameters, **EXACT).fit(X, y)
    theirs = make(len(y)).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_logistic_regression_is_that_of_scikit_learn(l1_ratio):
    X, y = binary()
    alpha = 0.01
    ours = LinearLearnerClassifier(alpha=alpha, l1_ratio=l1_ratio, **EXACT).fit(X, y)
    theirs = LogisticRegression(
        C=1 / (alpha * len(y)), l1_ratio=l1_ratio, solver="saga", tol=1e-10, max_iter=100_000
    ).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-5)


def test_multinomial_regression_is_that_of_scikit_learn():
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    ours = LinearLearnerClassifier(alpha=0.01, **EXACT).fit(X, y)
    theirs = LogisticRegression(C=1 / (0.01 * len(y)), tol=1e-10, max_iter=10_000).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    np.testing.assert_allclose(ours.predict_log_proba(X), np.log(ours.predict_proba(X)), atol=1e-12)


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_support_vectors_are_those_of_scikit_learn(loss):
    X, y = binary()
    ours = LinearLearnerClassifier(loss, alpha=0.01, fit_intercept=False, **EXACT)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours.fit(X, y)
    theirs = LinearSVC(
        loss=loss, C=1 / (0.01 * len(y)), fit_intercept=False, tol=1e-10, max_iter=1_000_000,
        dual=True,
    ).fit(X, y)  # fmt: skip
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)


def test_standardizing_is_scaling_the_columns_first():
    X, y = regression()
    X = X * np.geomspace(0.01, 100, X.shape[1])
    scaler = StandardScaler().fit(X)
    for loss, l1_ratio in (("squared_error", 0.0), ("squared_error", 0.5), ("huber", 0.3)):
        make = {"loss": loss, "alpha": 0.1, "l1_ratio": l1_ratio, "tol": 1e-12}
        inside = LinearLearnerRegressor(**make).fit(X, y)
        outside = LinearLearnerRegressor(standardize=False, **make).fit(scaler.transform(X), y)
        np.testing.assert_allclose(inside.coef_ * scaler.scale_, outside.coef_, atol=1e-6)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
def test_outputs_are_fitted_one_by_one(loss):
    X, y = regression()
    Y = np.column_stack([y, -2 * y + X[:, 0]])
    both = LinearLearnerRegressor(loss, alpha=0.1, tol=1e-9).fit(X, Y)
    assert both.coef_.shape == (2, X.shape[1])
    assert both.predict(X).shape == Y.shape
    for k in range(2):
        one = LinearLearnerRegressor(loss, alpha=0.1, tol=1e-9).fit(X, Y[:, k])
        np.testing.assert_allclose(both.coef_[k], one.coef_, atol=1e-4)
    assert both.history_["objective"].shape == (both.n_iter_,)


def test_outputs_of_few_rows_and_many_columns_take_an_l1_penalty():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 50)), rng.normal(size=(20, 2))
    both = LinearLearnerRegressor(alpha=0.1, l1_ratio=1.0, tol=1e-10).fit(X, Y)
    for k in range(2):
        one = LinearLearnerRegressor(alpha=0.1, l1_ratio=1.0, tol=1e-10).fit(X, Y[:, k])
        np.testing.assert_allclose(both.coef_[k], one.coef_, atol=1e-6)
    assert both.partial_fit(X, Y).coef_.shape == (2, 50)


def test_the_objective_is_what_the_documentation_says():
    X, y = binary()
    model = LinearLearnerClassifier(alpha=0.1, l1_ratio=0.3).fit(X, y)
    v = model.coef_[0] * X.std(axis=0)
    z = X @ model.coef_[0] + model.intercept_[0]
    loss = np.logaddexp(0, np.where(y == 1, -z, z)).mean()
    penalty = 0.1 * (0.3 * np.abs(v).sum() + 0.7 / 2 * (v**2).sum())
    assert model.objective_ == pytest.approx(loss + penalty, rel=1e-12)
    assert model.history_["objective"][-1] == pytest.approx(model.objective_, rel=1e-9)
    assert 0 <= model.certificate_ <= 1e-6


@pytest.mark.parametrize("loss", ["log_loss", "hinge"])
def test_too_few_iterations_are_warned_of_with_their_certificate(loss):
    X, y = binary()
    model = LinearLearnerClassifier(loss, alpha=1e-4, max_iter=1)
    with pytest.warns(ConvergenceWarning, match=r"after 1 iter.*above tol=1e-06; raise max_iter=1"):
        model.fit(X, y)
    assert model.n_iter_ == 1


def test_a_pickle_predicts_and_goes_on():
    X, y = binary()
    model = LinearLearnerClassifier(n_alphas=4, random_state=0).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.decision_function(X), model.decision_function(X))
    again.partial_fit(X, y)
    model.partial_fit(X, y)
    np.testing.assert_array_equal(again.coef_, model.coef_)


def test_a_grid_search_may_search_over_alphas():
    X, y = binary()
    grid = {"alpha": [1e-3, 1.0], "loss": ["log_loss", "squared_hinge"]}
    search = GridSearchCV(LinearLearnerClassifier(), grid, cv=3).fit(X, y)
    assert search.best_params_["alpha"] == 1e-3


def test_verbosity_names_the_solver_and_its_reason(capsys):
    X, y = binary()
    LinearLearnerClassifier(alpha=0.1, verbose=1).fit(X, y)
    text = capsys.readouterr().out
    assert "newton" in text
    assert "Hessians" in text


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie"])
def test_predictions_of_a_log_link_are_positive(loss):
    X, y = regression()
    model = LinearLearnerRegressor(loss, alpha=1e-3).fit(X, y)
    assert (model.predict(X) > 0).all()
    far = model.predict(X * 1e6)
    assert not np.isnan(far).any()


def test_hinge_has_no_probabilities_and_says_what_has():
    X, y = binary()
    model = LinearLearnerClassifier("hinge", alpha=0.1).fit(X, y)
    with pytest.raises(AttributeError, match="predict_proba") as caught:
        model.predict_proba(X)
    assert "loss='log_loss'" in str(caught.value)


def test_a_large_margin_is_a_scaled_problem():
    X, y = binary()
    wide = LinearLearnerClassifier("hinge", alpha=0.01, margin=2.0, tol=1e-9).fit(X, y)
    plain = LinearLearnerClassifier("hinge", alpha=0.02, tol=1e-9).fit(X, y)
    z, half = wide.decision_function(X), plain.decision_function(X)
    sign = np.where(y == 1, 1, -1)
    assert np.maximum(2 - sign * z, 0).mean() <= np.maximum(2 - sign * 2 * half, 0).mean() + 0.01


@pytest.mark.parametrize("solver", ["auto", "dual_coordinate_descent"])
@pytest.mark.parametrize("margin", [1e300, 1e160, 1e-160, 1e-300])
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_a_margin_of_any_size_is_a_scaled_problem(loss, margin, solver):
    X, y = binary()
    alpha = 0.1 if loss == "squared_hinge" else 0.1 / margin
    model = LinearLearnerClassifier(loss, margin=margin, alpha=alpha, solver=solver).fit(X, y)
    plain = LinearLearnerClassifier(loss, alpha=0.1, solver=solver).fit(X, y)
    size = np.abs(plain.coef_).max()
    np.testing.assert_allclose(model.coef_ / margin, plain.coef_, atol=1e-2 * size)
    assert model.score(X, y) == plain.score(X, y)


@pytest.mark.parametrize("alpha", [1e-6, 1e-7])
@pytest.mark.parametrize(("n", "d", "k"), [(400, 20, 6), (300, 20, 2), (200, 10, 3)])
def test_certificates_of_hardly_regular_columns_hide_nothing(n, d, k, alpha):
    for seed in (3, 4, 6):
        rng = np.random.default_rng(seed)
        X = np.linspace(-1, 1, n)[:, None] ** np.arange(1, d + 1) + 1e-5 * rng.normal(size=(n, d))
        scores = X @ rng.normal(size=(d, k))
        y = (10 * scores / scores.std() + rng.gumbel(size=(n, k))).argmax(axis=1)
        y[:k] = range(k)
        X = StandardScaler().fit_transform(X)
        model = LinearLearnerClassifier(alpha=alpha, standardize=False).fit(X, y)
        best = LinearLearnerClassifier(alpha=alpha, standardize=False, tol=1e-12).fit(X, y)
        shares = np.bincount(y) / n
        null = -(shares @ np.log(shares))
        assert (model.objective_ - best.objective_) / null <= 3 * model.certificate_


@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("alpha", [0.0, 1e-7, 1e-5])
@pytest.mark.parametrize(("n", "steepness"), [(200, 100.0), (2000, 20.0), (5000, 1.0)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_certificates_of_nearly_separable_rows_hide_nothing(n, steepness, alpha, tol):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 5))
    y = X @ rng.normal(size=5) * steepness + rng.logistic(size=n) > 0
    model = LinearLearnerClassifier(alpha=alpha, tol=tol).fit(X, y)
    best = LinearLearnerClassifier(alpha=alpha, tol=1e-14, max_iter=10_000).fit(X, y)
    share = y.mean()
    null = -share * np.log(share) - (1 - share) * np.log(1 - share)
    assert (model.objective_ - best.objective_) / null <= 1.1 * model.certificate_ + 1e-12
