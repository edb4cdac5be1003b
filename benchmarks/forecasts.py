"""How good forecasts are: quantile losses, errors of the median, and how much intervals cover.

Quantiles are (n_series, n_quantiles, horizon), those of `QUANTILES`. Everybody's forecasts are
judged by the code here: what a library says of itself is not looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np

QUANTILES = np.arange(1, 10) / 10
_LOW, _MEDIAN, _HIGH = 0, 4, 8  # the interval between the outer ones has 80 %


def of_samples(samples: Any) -> Any:
    """Return the quantiles of sample paths (n_series, n_samples, horizon)."""
    found = np.quantile(np.asarray(samples, dtype=np.float64), QUANTILES, axis=1)
    return np.moveaxis(found, 0, 1)


def weighted_quantile_loss(truth: Any, quantiles: Any) -> float:
    """Return the mean over quantiles of twice the pinball loss, as a share of all that came."""
    error = truth[:, None, :] - quantiles
    levels = QUANTILES[:, None]
    losses = np.maximum(levels * error, (levels - 1) * error)
    return 2 * float(np.nansum(losses)) / (len(QUANTILES) * float(np.nansum(np.abs(truth))))


def normalized_deviation(truth: Any, quantiles: Any) -> float:
    """Return the absolute errors of the median, as a share of all that came."""
    error = np.abs(truth - quantiles[:, _MEDIAN])
    return float(np.nansum(error)) / float(np.nansum(np.abs(truth)))


def scaled_error(X: Any, truth: Any, quantiles: Any, season: int) -> float:
    """Return the mean over series of the median's absolute error, by that of the naive forecast.

    The naive one is of the season before, within what was learned. Series that never change from
    season to season are left out.
    """
    error = np.nanmean(np.abs(truth - quantiles[:, _MEDIAN]), axis=1)
    naive = np.array([_seasonal_error(row, season) for row in X])
    there = naive > 0
    return float(np.mean(error[there] / naive[there]))


def _seasonal_error(series: Any, season: int) -> float:
    """Return the mean absolute difference to the season before, 0 where there is none."""
    differences = np.abs(series[season:] - series[:-season])
    differences = differences[np.isfinite(differences)]
    return float(differences.mean()) if len(differences) else 0.0


def coverage(truth: Any, quantiles: Any) -> float:
    """Return the share of values between the first quantile and the last, which should be 0.8."""
    known = np.isfinite(truth)
    inside = (truth >= quantiles[:, _LOW]) & (truth <= quantiles[:, _HIGH])
    return float(inside[known].mean())


def judged(X: Any, truth: Any, quantiles: Any, season: int) -> dict[str, float]:
    """Return all of these of one forecast."""
    return {
        "wQL": weighted_quantile_loss(truth, quantiles),
        "ND": normalized_deviation(truth, quantiles),
        "MASE": scaled_error(X, truth, quantiles, season),
        "inside 80 %": coverage(truth, quantiles),
    }


def over_seeds(found: list[dict[str, float]]) -> dict[str, float]:
    """Return means over seeds, and the deviation of the first number."""
    means = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
    if len(found) == 1:
        return means
    (first, mean), *others = means.items()
    spread = float(np.std([one[first] for one in found], ddof=1))
    return {first: mean, f"{first} ±": spread, **dict(others)}
