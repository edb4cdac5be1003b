"""Steps of a length of their own follow no rounding errors."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from algos import LinearLearnerClassifier, LinearLearnerRegressor


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "adagrad"])
@pytest.mark.parametrize("loss", ["squared_hinge", "log_loss"])
def test_the_order_of_rows_does_not_matter(loss, optimizer):
    rng = np.random.default_rng(11)
    X = rng.normal(size=(400, 6))
    y = X[:, 0] + rng.normal(size=400) > 0.8
    order = rng.permutation(400)
    models = [
        _stepped(LinearLearnerClassifier(loss, **_few_steps(optimizer)), *rows)
        for rows in ((X, y), (X[order], y[order]))
    ]
    _assert_equal(*models)


@pytest.mark.filterwarnings("ignore:.* does not use `:UserWarning")
@pytest.mark.parametrize("loss", ["squared_error", "huber", "poisson", "gamma"])
def test_the_order_of_rows_does_not_matter_to_regressors(loss):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 4))
    y = np.exp(X[:, 0] / 2 + rng.normal(size=300) / 4)
    order = rng.permutation(300)
    models = [
        _stepped(LinearLearnerRegressor(loss, delta=100.0, **_few_steps("adam")), *rows)
        for rows in ((X, y), (X[order], y[order]))
    ]
    _assert_equal(*models)


def _few_steps(optimizer):
    return {
        "alpha": 0.01,
        "solver": "sgd",
        "optimizer": optimizer,
        "max_iter": 5,
        "random_state": 0,
    }


def _stepped(model, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


def _assert_equal(one, other):
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=1e-9)
    np.testing.assert_allclose(one.intercept_, other.intercept_, rtol=1e-9)
