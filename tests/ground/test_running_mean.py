"""The tiny estimator is right, so what it proves about the ground floor counts."""

import numpy as np
import pytest

from tests.common.running_mean import RunningMeanRegressor


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 6))
    return X, X @ np.arange(6.0) + 3 + 0.1 * rng.normal(size=500)


def test_it_finds_the_least_squares_solution(data):
    X, y = data
    estimator = RunningMeanRegressor(alpha=0).fit(X, y)
    expected = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y, rcond=None)[0]
    np.testing.assert_allclose([*estimator.coef_, estimator.intercept_], expected, rtol=1e-9)


def test_parts_and_joins_give_what_the_whole_gives(data):
    X, y = data
    whole = RunningMeanRegressor().fit(X, y)
    parts = RunningMeanRegressor().partial_fit(X[:100], y[:100]).partial_fit(X[100:], y[100:])
    joined = RunningMeanRegressor().fit(X[:300], y[:300])
    joined.merge(RunningMeanRegressor().fit(X[300:], y[300:]))
    for other in (parts, joined):
        np.testing.assert_allclose(other.coef_, whole.coef_, rtol=1e-9)
        np.testing.assert_allclose(other.intercept_, whole.intercept_, rtol=1e-9)


def test_early_stopping_stops_when_the_validation_error_stalls(data):
    X, y = data
    estimator = RunningMeanRegressor(early_stopping=True, tol=0, n_iter_no_change=3).fit(X, y)
    errors = estimator.history_["validation"]
    assert estimator.n_iter_ < 100
    assert errors[-3:].min() >= errors[:-3].min()
