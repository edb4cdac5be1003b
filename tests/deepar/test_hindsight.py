"""Forecasts of past steps do not depend on these steps."""

import numpy as np
import pytest

from algos.deepar.likelihoods import LIKELIHOODS
from tests.deepar.series import seasonal, small

LEVELS = np.arange(1, 10) / 10


@pytest.mark.parametrize("likelihood", ["student_t", "negative_binomial"])
@pytest.mark.parametrize("size", [1.0, 1e4])
def test_how_large_the_future_is_changes_no_forecast(likelihood, size):
    model = small(likelihood=likelihood).fit(np.rint(seasonal(5, 40)))
    future = size * np.array([3.0, 1, 4, 1])
    for history in ([], np.zeros(20), np.full(20, 7.0)):
        found = model.backtest([np.append(history, future)], 1).forecast[0]
        expected = model.predict_quantiles([history])
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_a_backtest_is_the_forecast_of_the_series_that_ended_there(likelihood):
    X = np.rint(seasonal(5, 40))
    if likelihood == "beta":
        X /= X.max()
    model = small(likelihood=likelihood).fit(X[:, :20])
    result = model.backtest(X, 3, 5)
    for forecast, origin in zip(result.forecast, result.origins, strict=True):
        expected = model.predict_quantiles(X[:, : 40 - origin])
        np.testing.assert_allclose(forecast, expected, rtol=1e-4, atol=1e-6)


def test_series_without_a_past_are_scored_by_a_forecast_from_nothing():
    model = small().fit(seasonal(5, 40))
    scores = [model.score([size * np.ones(4)]) for size in (1e3, 1e6)]
    # What is forecast is next to nothing, and the loss that of forecasting 0.
    np.testing.assert_allclose(scores[1], -2 * LEVELS.mean(), rtol=0.01)
    assert scores[0] > scores[1]
