"""The weighted quantile loss of forecasts, by which epochs are chosen and models scored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


def loss_of(truth: Doubles, forecast: Doubles, levels: tuple[float, ...]) -> float:
    """Return the mean weighted quantile loss of the values that are known; nan of none.

    For each level it is twice the sum of the quantile losses over the sum of magnitudes, or
    over the number of values where all of them are 0.

    Parameters
    ----------
    truth : ndarray of shape (n_series, horizon)
        NaN where a value is not known.
    forecast : ndarray of shape (n_series, n_levels, horizon)
    levels : tuple of float
    """
    is_known = ~np.isnan(truth)
    if not is_known.any():
        return float("nan")
    values = truth[is_known]
    largest = float(np.abs(values).max()) or 1.0  # sums of huge values overflow
    apart = values / largest - forecast.transpose(1, 0, 2)[:, is_known] / largest
    level = np.asarray(levels)[:, np.newaxis]
    losses = np.maximum(level * apart, (level - 1) * apart).sum(axis=1)
    total = np.abs(values / largest).sum() or float(len(values))
    return float(2 * losses.mean() / total)
