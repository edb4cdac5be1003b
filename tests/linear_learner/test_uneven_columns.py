"""Columns of very different scales under a penalty of the coefficients as they are."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from algos import LinearLearnerClassifier, LinearLearnerRegressor


def wide(decades, n=200, d=2000, n_classes=2):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, d)) * 10 ** rng.uniform(-decades, decades, d)
    return X, rng.integers(0, n_classes, size=n)


def pulls_of(X, y, model):
    """Return the pulls of the rows of the log loss at the model's decision values, balanced."""
    sign = 2.0 * y - 1
    pull = sign / (1 + np.exp(sign * model.decision_function(X)))
    up, down = pull[pull > 0].sum(), -pull[pull < 0].sum()
    return np.where(pull > 0, pull * min(1, down / up), pull * min(1, up / down))


def lower_bound(X, y, model, alpha):
    """Return the dual objective of the log loss at a model."""
    pull = np.abs(pulls_of(X, y, model)).clip(1e-300, 1 - 1e-16)
    entropy = -(pull * np.log(pull) + (1 - pull) * np.log1p(-pull)).mean()
    cross = X.T @ pulls_of(X, y, model) / len(y)
    return entropy - cross @ cross / (2 * alpha)


def test_hardly_penalised_columns_separate_the_classes():
    X, y = wide(6, d=3000)
    assert LinearLearnerClassifier(alpha=100.0, standardize=False).fit(X, y).objective_ < 1e-5


@pytest.mark.parametrize("alpha", [1.0, 100.0, 1e4])
def test_wide_rows_of_uneven_columns_are_solved(alpha):
    X, y = wide(2)
    model = LinearLearnerClassifier(alpha=alpha, standardize=False).fit(X, y)
    gap = model.objective_ - lower_bound(X, y, model, alpha)
    assert abs(gap) <= 1e-5


@pytest.mark.parametrize(("n", "d"), [(200, 2000), (2000, 1600)])
@pytest.mark.parametrize("alpha", [1e2, 1e4])
def test_lbfgs_minds_uneven_columns(n, d, alpha):
    X, y = wide(2, n, d)
    model = LinearLearnerClassifier(alpha=alpha, standardize=False, solver="lbfgs").fit(X, y)
    assert model.n_iter_ < 100
    gap = model.objective_ - lower_bound(X, y, model, alpha)
    assert abs(gap) <= 1e-5


def test_huber_on_wide_rows_of_uneven_columns():
    X, _ = wide(4)
    y = np.random.default_rng(2).normal(size=len(X))
    model = LinearLearnerRegressor("huber", alpha=100.0, standardize=False).fit(X, y)
    assert model.solver_ == "dual_coordinate_descent"
    assert model.objective_ < 1e-3


def test_many_classes_on_uneven_columns():
    X, y = wide(1, n_classes=3)
    model = LinearLearnerClassifier(alpha=1.0, standardize=False).fit(X, y)
    assert model.solver_ == "lbfgs"
    assert model.n_iter_ < 100


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("alpha", [1e-4, 1.0, 100.0])
def test_what_lbfgs_has_not_solved_it_warns_of(alpha, dtype):
    X, y = wide(6, d=3000)
    model = LinearLearnerClassifier(alpha=alpha, standardize=False, solver="lbfgs")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(X.astype(dtype), y)
    best = LinearLearnerClassifier(alpha=alpha, standardize=False).fit(X, y).objective_
    assert told or model.objective_ - best <= 1e-5 * np.log(2)
    assert told or model.certificate_ <= max(model.tol, 1e-3)
