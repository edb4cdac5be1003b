"""Backtests of a fitted DeepARForecaster: rolling origins, and importance of covariates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from algos._common.arrays import Float64Array, Int64Array
from algos._common.params import InvalidParameterError
from algos._common.random import stream
from algos._common.validation import check_sample_weight
from algos.deepar.accuracy import mean_quantile_loss
from algos.deepar.forecasting import Forecasting
from algos.deepar.panel import Panel, joined
from algos.deepar.parameters import checked_count, checked_quantiles
from algos.deepar.series import refuse_other_arguments
from algos.deepar.state import covariates_of
from algos.deepar.windows import Plan

_OF_PERMUTATIONS = 7  # stream of random numbers


class Backtesting(Forecasting):
    """Mixin of DeepARForecaster: evaluation on past steps."""

    def backtest(
        self,
        X: Any,
        n_windows: int = 5,
        stride: int | None = None,
        *,
        quantiles: Any = None,
        sample_weight: Any = None,
        start: Any = None,
        static_categorical: Any = None,
        static_real: Any = None,
        dynamic_real: Any = None,
    ) -> Bunch:
        """Forecast the last steps of series from several rolling origins.

        The fitted network forecasts from each origin with only the values before it. For an
        out-of-sample result, fit it on series that end before the first origin.

        Parameters
        ----------
        X : array-like of shape (n_series, n_times), or list of n_series 1-D arrays
            Series including the steps to forecast.
        n_windows : int, default=5
            Number of origins. The last one is `prediction_length` steps before the end.
        stride : int, default=None
            Steps between origins; None is `prediction_length`.
        quantiles : array-like of float, default=None
            Levels in (0, 1); None is the parameter `quantiles`.
        sample_weight : array-like of shape (n_series,), default=None
            The weight of each series in `loss` and `coverage`, as in `score`.
        start, static_categorical, static_real, dynamic_real : array-like, default=None
            As in `fit`.

        Returns
        -------
        result : Bunch
            `origins` of shape (n_windows,), the number of steps before the end of a series
            (not the column) at which each forecast begins, the oldest first; `forecast` of
            shape (n_windows, n_series, n_quantiles, prediction_length), NaN before a series
            begins; `truth` of shape (n_windows, n_series, prediction_length), NaN where a
            series has no value; `quantiles`; and for each window `loss`, the mean weighted
            quantile loss (nan if all values are missing), and `coverage` of shape (n_windows,
            n_quantiles), the share of values at or below each quantile.
        """
        refuse_other_arguments(X, "backtest")
        covariates = covariates_of(start, static_categorical, static_real, dynamic_real)
        forecaster, panel, _, _ = self._asked(X, None, covariates, n_ahead=0)
        length = forecaster.plan.prediction_length
        n_windows = checked_count("n_windows", n_windows, 5)
        stride = checked_count("stride", stride, length)
        levels = checked_quantiles(self.quantiles if quantiles is None else quantiles)
        weight = check_sample_weight(sample_weight, len(panel))
        origins = length + stride * np.arange(n_windows)[::-1]
        if origins[0] - length >= panel.longest:
            raise InvalidParameterError(
                f"`n_windows`={n_windows!r} of {length} steps, {stride} apart, need more than "
                f"{origins[0] - length} steps, and the longest series has {panel.longest}; ask for "
                f"fewer"
            )
        result = Bunch(
            origins=origins,
            quantiles=np.array(levels),
            forecast=np.empty((n_windows, len(panel), len(levels), length)),
            truth=np.empty((n_windows, len(panel), length)),
            loss=np.empty(n_windows),
            coverage=np.empty((n_windows, len(levels))),
        )
        for window, origin in enumerate(origins):
            ended = panel.shortened(origin - length)
            truth = ended.last(length)
            forecast = self._quantiles(forecaster, ended.shortened(length), levels, length)
            forecast = ended.in_time(forecast, length)
            result.truth[window], result.forecast[window] = truth, forecast
            result.loss[window] = mean_quantile_loss(truth, forecast, levels, weight)
            result.coverage[window] = _coverage(truth, forecast, weight)
        return result

    def covariate_importance(
        self,
        X: Any,
        n_windows: int = 5,
        *,
        n_repeats: int = 5,
        sample_weight: Any = None,
        start: Any = None,
        static_categorical: Any = None,
        static_real: Any = None,
        dynamic_real: Any = None,
    ) -> Bunch:
        """Return the importance of each covariate: how much permuting it raises the loss.

        Windows are cut from the series as in `backtest`. The values of one covariate are then
        permuted among the windows, and the loss of the forecasts is compared with the original one.

        Parameters
        ----------
        X : array-like of shape (n_series, n_times), or list of n_series 1-D arrays
            Series including the steps to forecast.
        n_windows : int, default=5
            Number of windows cut from each series, `prediction_length` steps apart.
        n_repeats : int, default=5
            Number of permutations of each covariate.
        sample_weight : array-like of shape (n_series,), default=None
            The weight of each series in losses, as in `score`. A series of weight 0 has no
            windows.
        start, static_categorical, static_real, dynamic_real : array-like, default=None
            As in `fit`.

        Returns
        -------
        result : Bunch
            `names` of the covariates: those of the columns if they were given to `fit` as
            frames, or by a panel of one, else as in "dynamic_real[0]"; `importances` of shape
            (n_covariates, n_repeats), the increase of the mean weighted quantile loss by each
            permutation; `importances_mean` and `importances_std`; and `loss`, the original one.
        """
        refuse_other_arguments(X, "covariate_importance")
        covariates = covariates_of(start, static_categorical, static_real, dynamic_real)
        forecaster, panel, _, _ = self._asked(X, None, covariates, n_ahead=0)
        n_windows = checked_count("n_windows", n_windows, 5)
        n_repeats = checked_count("n_repeats", n_repeats, 5)
        weight = check_sample_weight(sample_weight, len(panel))
        windows, truth, rows = _windows(panel, forecaster.plan, n_windows, weight)
        weight = None if weight is None else weight[rows]
        levels, length = checked_quantiles(self.quantiles), forecaster.plan.prediction_length
        n_steps, names = forecaster.plan.n_steps, self._model["encoding"].get("names", {})

        def loss(windows: Panel) -> float:
            forecast = self._quantiles(forecaster, windows, levels, length)
            return mean_quantile_loss(truth, forecast, levels, weight)

        places, base = _places(panel), loss(windows)
        importances = np.empty((len(places), n_repeats))
        for i, (kind, j) in enumerate(places):
            for repeat in range(n_repeats):
                order = stream(self._key, _OF_PERMUTATIONS, i, repeat).permutation(len(windows))
                importances[i, repeat] = loss(_permuted(windows, kind, j, order, n_steps)) - base
        return Bunch(
            names=[names[kind][j] if kind in names else f"{kind}[{j}]" for kind, j in places],
            importances=importances,
            importances_mean=importances.mean(axis=1),
            importances_std=importances.std(axis=1),
            loss=base,
        )


def _coverage(
    truth: Float64Array, forecast: Float64Array, weight: Float64Array | None = None
) -> Float64Array:
    """Return the share of known values at or below each quantile; nan if none is known."""
    weights = np.ones(len(truth)) if weight is None else weight / weight.max()
    counts = np.where(np.isnan(truth), 0.0, weights[:, None])
    if not counts.any():
        return np.full(forecast.shape[1], np.nan)
    is_below = truth[:, None] <= forecast
    below: Float64Array = np.einsum("ih,iqh->q", counts, is_below) / counts.sum()
    return below


def _windows(
    panel: Panel, plan: Plan, n_windows: int, weight: Float64Array | None
) -> tuple[Panel, Float64Array, Int64Array]:
    """Return windows as series of their own, their true values, and the rows they are cut from.

    Each has its own table of covariates. Left out are windows with less than a full context, which
    would take covariates of steps before the series, and series of weight 0.
    """
    weighs = np.ones(len(panel), dtype=bool) if weight is None else weight > 0
    length, context = plan.prediction_length, plan.context_length
    places, histories, truths = [], [], []
    for window in range(n_windows):
        ended = panel.shortened(window * length)
        history = ended.shortened(length)
        kept = np.flatnonzero(
            weighs & (history.lengths >= context) & (ended.lengths - history.lengths == length)
        )
        places.append(kept)
        histories.append(history.take(kept))
        truths.append(ended.last(length)[kept])
    if sum(map(len, places)) < 2:
        raise InvalidParameterError(
            f"`n_windows`={n_windows!r} gives fewer than two windows of {context} + {length} "
            f"steps; give longer series, or more of them"
        )
    windows = _with_own_covariates(joined(histories), plan.n_steps, context)
    return windows, np.concatenate(truths), np.concatenate(places)


def _with_own_covariates(windows: Panel, n_steps: int, context: int) -> Panel:
    """Return windows with `n_steps` rows each in the table of covariates over time."""
    if windows.dynamic.shape[1] == 0:
        return windows
    begins = windows.lengths - context  # first steps of the windows in their series
    rows = (windows.dynamic_rows + begins)[:, None] + np.arange(n_steps)
    room = int(begins.max())  # so that the row of step 0 is not negative
    table = np.zeros((room + rows.size, windows.dynamic.shape[1]), dtype=np.float32)
    table[room:] = windows.dynamic[rows.ravel()]
    return replace(
        windows,
        dynamic=table,
        dynamic_rows=room + n_steps * np.arange(len(windows)) - begins,
        horizon=n_steps - context,
    )


def _places(panel: Panel) -> list[tuple[str, int]]:
    """Return the kind and the index of each covariate."""
    counts = {
        "static_categorical": panel.categories.shape[1],
        "static_real": panel.static_real.shape[1],
        "dynamic_real": panel.dynamic.shape[1],
    }
    return [(kind, j) for kind, count in counts.items() for j in range(count)]


def _permuted(windows: Panel, kind: str, j: int, order: Int64Array, n_steps: int) -> Panel:
    """Return windows with the values of one covariate permuted."""
    if kind == "dynamic_real":
        table = windows.dynamic.copy()
        values = table[-len(windows) * n_steps :, j].reshape(len(windows), -1)
        values[...] = values[order]
        return replace(windows, dynamic=table)
    name = "categories" if kind == "static_categorical" else kind
    table = getattr(windows, name).copy()
    table[:, j] = table[order, j]
    return replace(windows, **{name: table})
