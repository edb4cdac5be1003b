"""Series to test on: seasons that are planted, in panels of many scales."""

import numpy as np

from algos import DeepARForecaster

PERIOD = 12


def seasonal(n_series=12, n_times=120, *, noise=0.05, seed=0):
    """Return series with one season each, of magnitudes from 1 to 1000."""
    rng = np.random.default_rng(seed)
    level = 10 ** rng.uniform(0, 3, (n_series, 1))
    phase = rng.uniform(0, 2 * np.pi, (n_series, 1))
    season = 2 + np.sin(2 * np.pi * np.arange(n_times) / PERIOD + phase)
    return level * (season + noise * rng.normal(size=(n_series, n_times)))


def small(**parameters):
    """Return a forecaster that learns in a blink, though not much."""
    few = {
        "prediction_length": 4,
        "context_length": 6,
        "hidden_size": 8,
        "max_iter": 2,
        "n_batches": 5,
        "batch_size": 8,
        "n_samples": 20,
        "random_state": 0,
    }
    return DeepARForecaster(**{**few, **parameters})


def able(**parameters):
    """Return a forecaster that learns a season in seconds."""
    enough = {
        "prediction_length": PERIOD,
        "lags": [1, 2, PERIOD],
        "hidden_size": 20,
        "max_iter": 20,
        "learning_rate_init": 5e-3,
        "random_state": 0,
    }
    return DeepARForecaster(**{**enough, **parameters})


def plain_loss(truth, quantiles, levels):
    """Return the mean weighted quantile loss, by its definition."""
    losses = []
    for place, level in enumerate(levels):
        apart = truth - quantiles[:, place]
        losses.append(2 * np.where(apart > 0, level * apart, (level - 1) * apart).sum())
    return np.mean(losses) / np.abs(truth).sum()
