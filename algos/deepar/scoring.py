"""The weighted quantile loss of forecasts, by which epochs are chosen and models scored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from algos.deepar.accuracy import quantile_losses

Doubles = NDArray[np.float64]


def loss_of(truth: Doubles, forecast: Doubles, levels: tuple[float, ...]) -> float:
    """Return the mean weighted quantile loss of the values that are known; nan of none.

    Parameters
    ----------
    truth : ndarray of shape (n_series, horizon)
        NaN where a value is not known.
    forecast : ndarray of shape (n_series, n_levels, horizon)
    levels : tuple of float
    """
    return float(quantile_losses(truth, forecast, levels).mean())
