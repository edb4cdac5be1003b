"""The next rows of a stream."""

import numpy as np
import pytest

from algos.random_cut_forest.forecast import forecast
from tests.random_cut_forest.test_imputation import forest_of

SHINGLE = 16


def waves(n, n_features=1, noise=0.0):
    t = np.arange(n)[:, np.newaxis]
    waves = np.sin(2 * np.pi * t / 12 + np.arange(n_features))
    return waves + noise * np.random.default_rng(0).normal(size=(n, n_features))


def shingles(stream):
    windows = np.lib.stride_tricks.sliding_window_view(stream, SHINGLE, axis=0)
    return windows.transpose(0, 2, 1).reshape(len(windows), -1)


@pytest.mark.parametrize("n_features", [1, 2])
def test_a_wave_goes_on(n_features):
    stream = waves(600, n_features, noise=0.02)
    rows = shingles(stream[:500])
    forest = forest_of(rows)
    found, ranges = forecast(forest, rows[-1], n_features, 60, [0.05, 0.95])
    assert found.shape == (60, n_features) and ranges.shape == (2, 60, n_features)
    truth = waves(600, n_features)[500:560]
    assert np.abs(found - truth).max() < 0.2
    assert np.all(ranges[0] <= found) and np.all(found <= ranges[1])
    assert np.mean(ranges[1] - ranges[0]) < 0.4


def test_no_step_and_no_range():
    rows = shingles(waves(100))
    found, ranges = forecast(forest_of(rows, 3), rows[-1], 1, 0)
    assert found.shape == (0, 1) and ranges.shape == (0, 0, 1)


def test_the_shingle_stays_as_it_is():
    rows = shingles(waves(100)).astype(np.float32)
    last = rows[-1].copy()
    forecast(forest_of(rows, 3), last, 1, 3)
    assert np.array_equal(last, rows[-1])
