"""Forecasts of a fitted DeepARForecaster: paths, means, quantiles, scores, embeddings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

from algos._common.arrays import Float64Array
from algos._common.memory import require_memory
from algos._common.params import InvalidParameterError
from algos._common.random import seed_key
from algos._common.validation import check_sample_weight
from algos.deepar.accuracy import mean_quantile_loss
from algos.deepar.encoding import check_alike
from algos.deepar.model import Model
from algos.deepar.panel import Panel
from algos.deepar.parameters import checked_count, checked_quantiles
from algos.deepar.sampling import (
    Forecaster,
    embed_series,
    n_different,
    path_quantiles,
    sample_paths,
)
from algos.deepar.scoring import checked_future, rows_of
from algos.deepar.series import read_series, refuse_other_arguments
from algos.deepar.state import Fitting, covariates_of

OUTPUTS = ("mean", "median")
_IN_A_SEARCH = (
    "; in a search write sklearn.set_config(enable_metadata_routing=True) and "
    ".set_fit_request({0}).set_score_request({0})"
)


class Forecasting(Fitting):
    """Mixin of DeepARForecaster: methods that do not change the model."""

    n_samples: int
    quantiles: Any

    def predict(
        self,
        X: Any = None,
        *,
        horizon: int | None = None,
        output: str = "mean",
        start: Any = None,
        static_categorical: Any = None,
        static_real: Any = None,
        dynamic_real: Any = None,
    ) -> NDArray[Any]:
        """Forecast the steps that follow each series.

        Forecasts begin after the last value of each row: NaN at its end are steps to forecast. For
        a row without any value they begin after its end.

        Parameters
        ----------
        X : array-like of shape (n_series, n_times), or list of n_series 1-D arrays, default=None
            Series, with all of their past that lags reach: those of `fit` or others. A row
            may be empty, or all NaN: the forecast is then how a series with its
            covariates begins. None continues the series of `fit`, whose covariates are then
            known.
        horizon : int, default=None
            Number of steps; None is `prediction_length`. It may be larger than that.
        output : {"mean", "median"}, default="mean"
            The statistic of the paths.
        start : datetime64, or array-like of shape (n_series,), default=None
            The time of the first column of X, as in `fit`.
        static_categorical, static_real : array-like of shape (n_series, n_features), \
                default=None
            As in `fit`. A category that `fit` has not seen is treated as an average one; a
            warning names features none of whose categories it has seen.
        dynamic_real : array-like of shape (n_series, n_features, n_times + horizon), default=None
            As in `fit`, and `horizon` steps beyond. Without X, of the future alone, unless
            `fit` was given it.

        Returns
        -------
        forecast : ndarray of shape (n_series, horizon)
            In the dtype of X.
        """
        if output not in OUTPUTS:
            raise InvalidParameterError(
                f"`output`={output!r} must be one of {OUTPUTS}; `predict_quantiles` and `sample` "
                f"return more"
            )
        refuse_other_arguments(X, "predict", "horizon=48")
        covariates = covariates_of(start, static_categorical, static_real, dynamic_real)
        forecaster, panel, dtype, horizon = self._asked(X, horizon, covariates)
        found = np.empty((len(panel), horizon), dtype=dtype)
        for at, paths in self._paths(forecaster, panel, horizon, self.n_samples):
            mean_or_median = (
                _mean(paths) if output == "mean" else path_quantiles(paths, [0.5])[:, 0]
            )
            found[at] = _within(mean_or_median, dtype)
        return found

    def predict_quantiles(
        self,
        X: Any = None,
        quantiles: Any = None,
        *,
        horizon: int | None = None,
        start: Any = None,
        static_categorical: Any = None,
        static_real: Any = None,
        dynamic_real: Any = None,
    ) -> NDArray[Any]:
        """Forecast quantiles of the steps that follow each series.

        Parameters
        ----------
        X : array-like of shape (n_series, n_times), or list of n_series 1-D arrays, default=None
            As in `predict`.
        quantiles : array-like of float, default=None
            Levels in (0, 1); None is the parameter `quantiles`.
        horizon : int, default=None
            Number of steps; None is `prediction_length`.
        start, static_categorical, static_real, dynamic_real : array-like, default=None
            As in `predict`.

        Returns
        -------
        forecast : ndarray of shape (n_series, n_quantiles, horizon)
            In the dtype of X.
        """
        levels = checked_quantiles(self.quantiles if quantiles is None else quantiles)
        refuse_other_arguments(X, "predict_quantiles", "quantiles=[0.1, 0.9]", may_be_levels=True)
        covariates = covariates_of(start, static_categorical, static_real, dynamic_real)
        forecaster, panel, dtype, horizon = self._asked(X, horizon, covariates)
        return _within(self._quantiles(forecaster, panel, levels, horizon), dtype)

    def sample(
        self,
        X: Any = None,
        n_samples: int | None = None,
        *,
        horizon: int | None = None,
        random_state: Any = None,
        start: Any = None,
        static_categorical: Any = None,
        static_real: Any = None,
        dynamic_real: Any = None,
    ) -> NDArray[Any]:
        """Draw paths of the steps that follow each series.

        Parameters
        ----------
        X : array-like of shape (n_series, n_times), or list of n_series 1-D arrays, default=None
            As in `predict`.
        n_samples : int, default=None
            Number of paths; None is the parameter `n_samples`. A larger number only adds
            paths.
        horizon : int, default=None
            Number of steps; None is `prediction_length`.
        random_state : int, RandomState instance, Generator instance or None, default=None
            Seed of other paths; None gives the paths that `predict` uses.
        start, static_categorical, static_real, dynamic_real : array-like, default=None
            As in `predict`.

        Returns
        -------
        paths : ndarray of shape (n_series, n_samples, horizon)
            In the dtype of X. Each path is one possible future: sums over its steps have the
            distribution of the sum.
        """
        n_samples = checked_count("n_samples", n_samples, self.n_samples)
        refuse_other_arguments(X, "sample", "n_samples=50")
        covariates = covariates_of(start, static_categorical, static_real, dynamic_real)
        forecaster, panel, dtype, horizon = self._asked(X, horizon, covariates)
        shape = (len(panel), n_samples, horizon)
        require_memory(
            int(np.prod(shape, dtype=np.float64)) * dtype.itemsize,
            f"{n_samples} paths of {len(panel)} series",
            "ask for fewer of them, or for `predict_quantiles`",
        )
        key = None if random_state is None else seed_key(random_state)
        found = np.empty(shape, dtype=dtype)
        for at, paths in self._paths(forecaster, panel, horizon, n_samples, key):
            found[at] = _within(paths, dtype)
        return found

    def score(
        self,
        X: Any,
        y: Any = None,
        *,
        sample_weight: Any = None,
        start: Any = None,
        static_categorical: Any = None,
        static_real: Any = None,
        dynamic_real: Any = None,
    ) -> float:
        """Return minus the mean weighted quantile loss of the last steps of each series.

        The last `prediction_length` steps are forecast from those before, and compared with
        the actual values; a series that is no longer than that is forecast from nothing. If `y` is
        2-D, all of X is the past, and the steps after it are compared with `y`.

        Parameters
        ----------
        X : array-like of shape (n_series, n_times), or list of n_series 1-D arrays
            Series including the steps to forecast; without these if `y` has them.
        y : array-like of shape (n_series, horizon), default=None
            The values after the last column of X, or after the end of each row, NaN where one is
            not known. A y that is not 2-D (class labels, say) is ignored.
        sample_weight : array-like of shape (n_series,), default=None
            The weight of each series, both in the sum of losses and in that of magnitudes.
        start, static_categorical, static_real, dynamic_real : array-like, default=None
            As in `fit`; with `y`, `dynamic_real` also of its steps.

        Returns
        -------
        score : float
            At most 0, which is a perfect forecast: minus the mean over `quantiles` of twice the
            sum of quantile losses over the sum of magnitudes.
        """
        check_is_fitted(self)
        refuse_other_arguments(X, "score")
        covariates = covariates_of(start, static_categorical, static_real, dynamic_real)
        encoding = Model.from_plain(self._model).encoding
        check_alike(encoding, tuple(covariates.values()), remedy=_IN_A_SEARCH)
        levels, truth = checked_quantiles(self.quantiles), checked_future(X, y)
        if truth is None:
            truth, forecast = self._of_last_steps(X, covariates, levels)
        else:
            forecast = self._of_next_steps(X, covariates, levels, truth.shape[1])
        weight = check_sample_weight(sample_weight, len(truth))
        return -mean_quantile_loss(truth, forecast, levels, weight)

    def _of_last_steps(
        self, X: Any, covariates: Mapping[str, Any], levels: tuple[float, ...]
    ) -> tuple[Float64Array, Float64Array]:
        """Return the last steps of the series, and quantiles of them from those before."""
        forecaster, panel, _, _ = self._asked(X, None, covariates, n_ahead=0)
        length = forecaster.plan.prediction_length
        forecast = self._quantiles(forecaster, panel.shortened(length), levels, length)
        return panel.last(length), panel.in_time(forecast, length)

    def _of_next_steps(
        self, X: Any, covariates: Mapping[str, Any], levels: tuple[float, ...], horizon: int
    ) -> Float64Array:
        """Return quantiles of the columns after X.

        Forecasts begin after the last value of a series: for one that ends in NaN more steps are
        forecast, and the first ones, which are in X, are dropped.
        """
        n_after = read_series(X, self._made_with["likelihood"], may_be_empty=True).n_after
        found = np.empty((len(n_after), len(levels), horizon))
        for n in np.unique(n_after):
            rows = np.flatnonzero(n_after == n)
            some, own = X, covariates
            if len(rows) < len(n_after):
                some, own = _safe_indexing(X, rows), rows_of(len(n_after), rows, covariates)
            forecaster, panel, _, n_steps = self._asked(some, int(n) + horizon, own)
            found[rows] = self._quantiles(forecaster, panel, levels, n_steps)[:, :, n:]
        return found

    def embed(
        self,
        X: Any = None,
        *,
        start: Any = None,
        static_categorical: Any = None,
        static_real: Any = None,
        dynamic_real: Any = None,
    ) -> NDArray[Any]:
        """Return an embedding of each series: the state of the network's last layer.

        Series with a similar outlook have similar embeddings.

        Parameters
        ----------
        X : array-like of shape (n_series, n_times), or list of n_series 1-D arrays, default=None
            As in `predict`.
        start, static_categorical, static_real, dynamic_real : array-like, default=None
            As in `predict`; the future is not needed.

        Returns
        -------
        embedding : ndarray of shape (n_series, hidden_size)
            In the dtype of X.
        """
        refuse_other_arguments(X, "embed")
        covariates = covariates_of(start, static_categorical, static_real, dynamic_real)
        forecaster, panel, dtype, _ = self._asked(X, None, covariates, n_ahead=0)
        states = embed_series(forecaster, panel, n_threads=self._n_threads())
        return states.astype(dtype, copy=False)

    def _quantiles(
        self, forecaster: Forecaster, panel: Panel, levels: tuple[float, ...], horizon: int
    ) -> Float64Array:
        """Return quantiles of the paths, of shape (n_series, n_levels, horizon)."""
        found = np.empty((len(panel), len(levels), horizon))
        for at, paths in self._paths(forecaster, panel, horizon, self.n_samples):
            found[at] = path_quantiles(paths, levels)
        return found

    def _paths(
        self,
        forecaster: Forecaster,
        panel: Panel,
        horizon: int,
        n_samples: int,
        key: Any = None,
    ) -> Iterator[tuple[slice, Float64Array]]:
        """Yield paths of a few series at a time, with their places in the panel."""
        return sample_paths(
            forecaster,
            panel,
            horizon=horizon,
            n_samples=n_different(forecaster.likelihood, n_samples),
            key=self._key if key is None else key,
            n_threads=self._n_threads(),
        )


def _mean(paths: Float64Array) -> Float64Array:
    """Return the mean of paths, whose sum might overflow."""
    mean: Float64Array = (paths / paths.shape[1]).sum(axis=1)
    return mean


def _within(values: Float64Array, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return values in the dtype, clipped to its range."""
    if dtype == values.dtype:
        return values
    most = np.finfo(dtype).max
    return np.clip(values, -most, most).astype(dtype)
