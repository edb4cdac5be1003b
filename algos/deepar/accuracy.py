"""Accuracy of forecasts: of quantiles, sample paths, points and intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import gen_batches

from algos._common.arrays import Float64Array
from algos._common.checked import check_array
from algos._common.scale import exponent_of

AVERAGES = ("uniform_average", "raw_values")
_CHUNK = 1 << 22  # sample values sorted at a time


def weighted_quantile_loss(
    y_true: ArrayLike,
    y_quantiles: ArrayLike,
    quantiles: ArrayLike,
    *,
    multioutput: str = "uniform_average",
) -> Any:
    """Compute the quantile losses of a forecast, relative to the sum of the true values.

    The loss of the quantile q is 2 Σ max(q (y - ŷ), (q - 1) (y - ŷ)) / Σ abs(y), over all series
    and steps: 0 is perfect, and that of the median is the normalised deviation. The mean over many
    quantiles approaches the continuous ranked probability score, relative to that sum.

    Parameters
    ----------
    y_true : array-like of shape (n_series,) or (n_series, horizon)
        True values. NaN is not known, and left out.
    y_quantiles : array-like of shape (n_series, n_quantiles) or (n_series, n_quantiles, horizon)
        Quantile forecasts, such as those of :meth:`algos.DeepARForecaster.predict_quantiles`.
    quantiles : array-like of shape (n_quantiles,)
        Their levels, in (0, 1).
    multioutput : {"uniform_average", "raw_values"}, default="uniform_average"
        Whether to return the mean over the quantiles, or the loss of each.

    Returns
    -------
    loss : float or ndarray of shape (n_quantiles,)
        If all true values are 0, each counts as 1 in the sum.

    See Also
    --------
    crps_from_samples : Evaluates the whole distribution, in units of the values.
    sklearn.metrics.mean_pinball_loss : The loss of one quantile, in units of the values.

    References
    ----------
    Salinas, D. et al. (2020), "DeepAR: Probabilistic forecasting with autoregressive recurrent
    networks", International Journal of Forecasting 36, section 4.1.

    Examples
    --------
    >>> from algos.metrics import weighted_quantile_loss
    >>> y_quantiles = [[3, 4, 6], [4, 6, 8]]
    >>> weighted_quantile_loss([4, 6], y_quantiles, [0.1, 0.5, 0.9], multioutput="raw_values")
    array([0.06, 0.  , 0.08])
    """
    truth = _truth(y_true)
    if multioutput not in AVERAGES:
        raise ValueError(f"`multioutput`={multioutput!r} must be one of {AVERAGES}")
    levels = np.atleast_1d(np.asarray(quantiles, dtype=np.float64))
    if levels.ndim != 1 or not levels.size or not np.all((levels > 0) & (levels < 1)):
        raise ValueError(f"`quantiles`={quantiles!r} must be levels in (0, 1); write [0.1, 0.5]")
    found = _of_truth(y_quantiles, "y_quantiles", truth, len(levels))
    losses = quantile_losses(truth, found, levels)
    return losses if multioutput == "raw_values" else float(losses.mean())


def mean_quantile_loss(
    truth: Float64Array,
    forecast: Float64Array,
    levels: ArrayLike,
    weight: Float64Array | None = None,
) -> float:
    """Return the mean of `quantile_losses`, which selects epochs and is the score of models."""
    return float(quantile_losses(truth, forecast, levels, weight).mean())


def quantile_losses(
    truth: Float64Array,
    forecast: Float64Array,
    levels: ArrayLike,
    weight: Float64Array | None = None,
) -> Float64Array:
    """Return the weighted loss of each quantile; NaN if no value is known.

    Parameters
    ----------
    truth : ndarray of shape (n_series, horizon)
        NaN where a value is not known.
    forecast : ndarray of shape (n_series, n_levels, horizon)
    levels : array-like of shape (n_levels,)
    weight : ndarray of shape (n_series,), default=None
        The weight of each series, some of them positive; None is 1.
    """
    known = ~np.isnan(truth)
    if weight is not None:
        known &= weight[:, None] > 0  # values of weight 0 may be arbitrarily large
    if not known.any():
        return np.full(forecast.shape[1], np.nan)
    unit, level = _unit(truth[known]), np.asarray(levels)[:, None]
    error = truth[known] / unit - forecast.transpose(1, 0, 2)[:, known] / unit
    losses = np.maximum(level * error, (level - 1) * error)
    if weight is None:
        shares: Float64Array = 2 * losses.sum(axis=1) / _total(truth[known] / unit)
        return shares
    weights = np.broadcast_to((weight / weight.max())[:, None], truth.shape)[known]
    total = float(weights @ np.abs(truth[known] / unit)) or float(weights.sum())
    weighted: Float64Array = 2 * (losses @ weights) / total
    return weighted


def crps_from_samples(y_true: ArrayLike, y_samples: ArrayLike, *, fair: bool = False) -> float:
    """Compute the mean continuous ranked probability score of sample paths.

    The score of one value is E|x - y| - E|x - x'| / 2, where x and x' are drawn from its samples:
    the integral of the squared difference between their distribution function and that of
    the true value [1]_. For a forecast that is one number it is the absolute error.

    Parameters
    ----------
    y_true : array-like of shape (n_series,) or (n_series, horizon)
        True values. NaN is not known, and left out.
    y_samples : array-like of shape (n_series, n_samples) or (n_series, n_samples, horizon)
        Samples, such as those of :meth:`algos.DeepARForecaster.sample`.
    fair : bool, default=False
        Whether x and x' are different samples, so that the expected score is that of the
        distribution that the samples are drawn from, however few they are [2]_. This needs at
        least two.

    Returns
    -------
    score : float
        In units of the values; 0 is perfect.

    See Also
    --------
    weighted_quantile_loss : Independent of units.

    References
    ----------
    .. [1] Gneiting, T. and Raftery, A. E. (2007), "Strictly proper scoring rules, prediction, and
           estimation", Journal of the American Statistical Association 102, eq. 21.
    .. [2] Ferro, C. A. T. (2014), "Fair scores for ensemble forecasts", Quarterly Journal of the
           Royal Meteorological Society 140.

    Examples
    --------
    >>> from algos.metrics import crps_from_samples
    >>> crps_from_samples([2.0], [[1.0, 2.0, 3.0]])
    0.222...
    """
    truth = _truth(y_true)
    samples = _of_truth(y_samples, "y_samples", truth)
    n_samples = samples.shape[1]
    if fair and n_samples < 2:
        raise ValueError("`y_samples` must have at least two samples of each value for fair=True")
    pairs = n_samples * (n_samples - 1 if fair else n_samples)
    # Σ |x - x'| over pairs of sorted numbers: the rank of each gives its coefficient.
    signs = (2.0 * np.arange(n_samples) - n_samples + 1) / pairs
    known, unit, total = ~np.isnan(truth), _unit(truth), 0.0
    steps = max(1, _CHUNK // max(1, samples[0].size))
    for rows in gen_batches(len(truth), steps):
        there = known[rows]
        error = (
            np.moveaxis(samples[rows], 1, -1)[there] / unit - (truth[rows][there] / unit)[:, None]
        )
        error.sort(axis=1)
        total += np.sum(np.abs(error).mean(axis=1) - error @ signs)
    return float(max(total, 0.0) / known.sum() * unit)


def normalized_deviation(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Compute the absolute errors of a forecast, relative to the sum of the true values.

    Parameters
    ----------
    y_true : array-like of shape (n_series,) or (n_series, horizon)
        True values. NaN is not known, and left out.
    y_pred : array-like of the shape of `y_true`
        The forecast, ideally the median.

    Returns
    -------
    deviation : float
        Σ abs(y - ŷ) / Σ abs(y); 0 is perfect. If all true values are 0, each counts as 1 in
        the sum.

    See Also
    --------
    weighted_quantile_loss : Evaluates quantiles.

    Examples
    --------
    >>> from algos.metrics import normalized_deviation
    >>> normalized_deviation([[4, 6], [0, 10]], [[5, 6], [1, 5]])
    0.35
    """
    truth = _truth(y_true)
    found = _alike(y_pred, "y_pred", truth)
    known, unit = ~np.isnan(truth), _unit(truth)
    error = truth[known] / unit - found[known] / unit
    return float(np.abs(error).sum() / _total(truth[known] / unit))


def mean_absolute_scaled_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    y_train: ArrayLike | Sequence[ArrayLike],
    *,
    season: int = 1,
) -> float:
    """Compute the absolute errors of a forecast, relative to those of a seasonal naive one.

    For each series, the mean absolute error over the horizon is divided by the mean absolute
    difference of training values a season apart; the mean over the series is returned.

    Parameters
    ----------
    y_true : array-like of shape (n_series,) or (n_series, horizon)
        True values. NaN is not known, and left out.
    y_pred : array-like of the shape of `y_true`
        The forecast, ideally the median.
    y_train : array-like of shape (n_series, n_times), or list of n_series 1-D arrays
        The training series. NaN is missing.
    season : int, default=1
        Steps in a season. 1 compares with repeating the last value.

    Returns
    -------
    error : float
        Below 1 is better than the naive forecast in the training series. Series that repeat each
        season exactly, or are no longer than one, are left out.

    See Also
    --------
    mean_scaled_interval_score : The same for intervals.

    References
    ----------
    Hyndman, R. J. and Koehler, A. B. (2006), "Another look at measures of forecast accuracy",
    International Journal of Forecasting 22.

    Examples
    --------
    >>> from algos.metrics import mean_absolute_scaled_error
    >>> mean_absolute_scaled_error([[5, 7]], [[4, 7]], [[1, 3, 2, 4]], season=2)
    0.5
    """
    truth = _truth(y_true)
    found = _alike(y_pred, "y_pred", truth)
    unit = _unit(truth, found)
    return _mean_of_series(np.abs(truth / unit - found / unit), unit, y_train, season)


def mean_scaled_interval_score(
    y_true: ArrayLike,
    y_lower: ArrayLike,
    y_upper: ArrayLike,
    y_train: ArrayLike | Sequence[ArrayLike],
    *,
    alpha: float = 0.05,
    season: int = 1,
) -> float:
    """Compute the interval score, relative to the errors of a seasonal naive forecast.

    The score of an interval is its width, plus 2 / alpha times the distance of values outside it.
    For each series, the mean over the horizon is divided by the mean absolute difference of
    training values a season apart; the mean over the series is returned [1]_.

    Parameters
    ----------
    y_true : array-like of shape (n_series,) or (n_series, horizon)
        True values. NaN is not known, and left out.
    y_lower, y_upper : array-like of the shape of `y_true`
        The ends of intervals with a nominal coverage of 1 - alpha: quantiles
        alpha / 2 and 1 - alpha / 2.
    y_train : array-like of shape (n_series, n_times), or list of n_series 1-D arrays
        The training series. NaN is missing.
    alpha : float, default=0.05
        The nominal share outside the intervals, in (0, 1).
    season : int, default=1
        Steps in a season.

    Returns
    -------
    score : float
        The lower, the better. Series that repeat each season exactly, or are no longer than
        one, are left out.

    See Also
    --------
    mean_absolute_scaled_error : The same for points.

    References
    ----------
    .. [1] Makridakis, S., Spiliotis, E. and Assimakopoulos, V. (2020), "The M4 Competition: 100,000
           time series and 61 forecasting methods", International Journal of Forecasting 36.

    Examples
    --------
    >>> from algos.metrics import mean_scaled_interval_score
    >>> y_train = [[1, 3, 2, 4]]
    >>> mean_scaled_interval_score([[5, 9]], [[4, 5]], [[6, 8]], y_train, alpha=0.5, season=2)
    4.5
    """
    truth = _truth(y_true)
    if not 0 < alpha < 1:
        raise ValueError(f"`alpha`={alpha!r} must be in (0, 1); write 0.05 for intervals of 95 %")
    low, high = _alike(y_lower, "y_lower", truth), _alike(y_upper, "y_upper", truth)
    if np.any(low > high):
        raise ValueError("`y_lower` must not be above `y_upper`; swap them where it is")
    unit = _unit(truth, low, high)
    truth, low, high = truth / unit, low / unit, high / unit
    outside = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    return _mean_of_series(high - low + 2 / alpha * outside, unit, y_train, season)


def _truth(y_true: ArrayLike) -> Float64Array:
    """Return the true values as (n_series, horizon)."""
    truth: Float64Array = check_array(
        y_true,
        ensure_2d=False,
        dtype=np.float64,
        ensure_all_finite="allow-nan",
        input_name="y_true",
    )
    if np.isnan(truth).all():
        raise ValueError("`y_true` must have a known value; all are NaN")
    return truth.reshape(len(truth), -1)


def _alike(values: ArrayLike, name: str, truth: Float64Array) -> Float64Array:
    """Return forecasts in the shape of the true values."""
    found: Float64Array = check_array(values, ensure_2d=False, dtype=np.float64, input_name=name)
    if found.size != truth.size or len(found) != len(truth):
        raise ValueError(
            f"`{name}` of shape {found.shape} must have the shape of `y_true`, {truth.shape}"
        )
    return found.reshape(truth.shape)


def _of_truth(
    values: ArrayLike, name: str, truth: Float64Array, n: int | None = None
) -> Float64Array:
    """Return forecasts as (n_series, n, horizon)."""
    found: Float64Array = check_array(
        values, ensure_2d=False, allow_nd=True, dtype=np.float64, input_name=name
    )
    if found.ndim == 2 and truth.shape[1] == 1:
        found = found[:, :, None]
    size = found.shape[1] if n is None and found.ndim == 3 else n
    expected = (len(truth), size, truth.shape[1])
    if found.shape != expected:
        shape = str(expected).replace("None", "n_samples")
        raise ValueError(f"`{name}` of shape {found.shape} must have the shape {shape}")
    return found


def _unit(*values: Float64Array) -> float:
    """Return a power of two to divide values by, so that sums of huge ones do not overflow."""
    peaks = [np.max(np.abs(some), where=np.isfinite(some), initial=0) for some in values]
    if not any(peaks):
        return 1.0
    unit = float(np.ldexp(0.5, exponent_of(np.array(peaks))))
    return max(unit, float(np.finfo(np.float64).tiny))


def _total(truth: Float64Array) -> float:
    return float(np.abs(truth).sum()) or float(truth.size)


def _mean_of_series(losses: Float64Array, unit: float, y_train: Any, season: int) -> float:
    """Return the mean over series of their mean known loss, divided by the naive error.

    Losses are given in a unit, in which naive errors are computed as well.
    """
    rows = list(y_train if isinstance(y_train, list | tuple) else np.asarray(y_train))
    if len(rows) != len(losses):
        raise ValueError(
            f"`y_train` has {len(rows)} series and must have {len(losses)}, as `y_true` has"
        )
    naive = np.array([_naive_error(row, season, unit) for row in rows])
    known = ~np.isnan(losses)
    used = (naive > 0) & known.any(axis=1)
    if not used.any():
        raise ValueError(
            f"`y_train` must have a series longer than `season`={season!r} steps that changes from "
            f"season to season"
        )
    means = np.mean(losses[used], axis=1, where=known[used])
    return float(np.mean(means / naive[used]))


def _naive_error(series: ArrayLike, season: int, unit: float) -> float:
    """Return the mean absolute difference from the season before, NaN where there is none."""
    values = np.asarray(series, dtype=np.float64)
    own = _unit(values)
    if season < 1 or season != int(season):
        raise ValueError(f"`season`={season!r} must be a positive int; write 1 if there is none")
    change = np.abs(values[int(season) :] / own - values[: -int(season)] / own)
    change = change[np.isfinite(change)]
    return float(change.mean() * (own / unit)) if change.size else np.nan
