"""The display of a series and its forecast."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from algos._common.arrays import Float64Array
from algos._common.drawing import axes_to_draw, require_matplotlib
from algos.deepar.calendar import read_start, step_times
from algos.deepar.covariates import of_series
from algos.deepar.frequency import Frequency
from algos.deepar.series import refuse_panels

_PASTS = 3  # horizons of the past to draw by default


class ForecastDisplay:
    """A fan chart: the past of one series, and ranges of its forecast.

    The ranges lie around the median, the wider the paler. Make one with :meth:`from_estimator` or
    :meth:`from_samples`.

    Parameters
    ----------
    quantiles : array-like of shape (n_levels, horizon)
        Quantile forecasts of one series.
    levels : array-like of shape (n_levels,)
        Their levels, ascending. The first and the last bound the widest range, and so
        on inwards; an unpaired one in the middle is a line.
    history : array-like of shape (n_past,), default=None
        The values before the forecast. NaN is missing.
    truth : array-like of shape (n_known,), default=None
        The true values, at most `horizon` of them. NaN is not known.
    times : array-like of shape (n_past + horizon,), default=None
        Positions of the steps on the axis, numbers or dates. None counts from the last step of
        the past, which is 0.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes with the fan.
    figure_ : matplotlib Figure
        The figure of `ax_`.
    bands_ : list of matplotlib PolyCollection
        The ranges, the widest first.
    median_line_ : matplotlib Line2D or None
        The quantile in the middle.
    history_line_ : matplotlib Line2D or None
        The past.
    truth_line_ : matplotlib Line2D or None
        The true values.

    See Also
    --------
    algos.DeepARForecaster : Makes forecasts.

    Examples
    --------
    >>> import numpy as np
    >>> from algos.plotting import ForecastDisplay
    >>> paths = np.random.default_rng(0).normal(size=(100, 24)).cumsum(axis=1)
    >>> display = ForecastDisplay.from_samples(paths, history=[0.2, -0.4, 0])  # doctest: +SKIP
    """

    def __init__(
        self,
        quantiles: ArrayLike,
        levels: ArrayLike,
        *,
        history: ArrayLike | None = None,
        truth: ArrayLike | None = None,
        times: ArrayLike | None = None,
    ) -> None:
        self.quantiles = quantiles
        self.levels = levels
        self.history = history
        self.truth = truth
        self.times = times

    @classmethod
    def from_estimator(
        cls,
        forecaster: Any,
        X: Any,
        *,
        series: int = 0,
        horizon: int | None = None,
        coverages: ArrayLike = (0.5, 0.8),
        n_past: int | None = None,
        truth: ArrayLike | None = None,
        start: Any = None,
        static_categorical: Any = None,
        static_real: Any = None,
        dynamic_real: Any = None,
        ax: Any = None,
        legend: bool = True,
        **kwargs: Any,
    ) -> ForecastDisplay:
        """Draw the forecast of one series by a fitted forecaster.

        Parameters
        ----------
        forecaster : DeepARForecaster
            Fitted.
        X : array-like of shape (n_series, n_times), or list of n_series 1-D arrays
            Series, with all of their past.
        series : int, default=0
            The row of X to draw. Only this series is forecast.
        horizon : int, default=None
            Number of steps; None is `forecaster.prediction_length`.
        coverages : array-like of float, default=(0.5, 0.8)
            The share of the paths that each range contains, in (0, 1).
        n_past : int, default=None
            Number of steps of the past to draw; None is three times the horizon.
        truth : array-like of shape (n_known,), default=None
            The true values, at most `horizon` of them. NaN is not known.
        start, static_categorical, static_real, dynamic_real : array-like, default=None
            Of all series of X, as in `forecaster.predict`. With `start` and the forecaster's
            `freq` the axis has dates.
        ax : matplotlib Axes, default=None
            Where to draw; None is a new figure.
        legend : bool, default=True
            Whether to draw a legend.
        **kwargs : dict
            Passed to matplotlib's `plot` for the median.

        Returns
        -------
        display : ForecastDisplay
        """
        require_matplotlib(f"{cls.__name__}.from_estimator")
        refuse_panels(X, f"{cls.__name__}.from_estimator(forecaster, **panel)")
        rows = X if isinstance(X, list | tuple) else np.asarray(X)
        if not isinstance(series, Integral) or not 0 <= series < len(rows):
            raise ValueError(
                f"`series`={series!r} must be in [0, {len(rows)}), the number of one row of `X`; "
                f"draw several series in one figure by several calls with `ax`"
            )
        row = np.asarray(rows[series])
        known = np.flatnonzero(~np.isnan(row.astype(np.float64)))
        n_times = int(known[-1]) + 1 if known.size else 0
        covariates = {
            "static_categorical": static_categorical,
            "static_real": static_real,
            "dynamic_real": dynamic_real,
        }
        asked = {
            name: of_series(name, values, series) for name, values in covariates.items()
            if values is not None
        }  # fmt: skip
        if start is not None:
            asked["start"] = start if np.ndim(start) == 0 else np.asarray(start)[[series]]
        levels = _levels_of(coverages)
        forecast = forecaster.predict_quantiles([row], levels, horizon=horizon, **asked)[0]
        horizon = forecast.shape[1]
        first = max(0, n_times - (_PASTS * horizon if n_past is None else n_past))
        times = None
        if start is not None and forecaster.freq is not None:
            begins = read_start(asked["start"], 1)[0]
            frequency = Frequency.of(forecaster.freq)
            times = step_times(begins, frequency, n_times + horizon)[first:]
        past = row[first:n_times]
        display = cls(forecast, levels, history=past, truth=truth, times=times)
        return display.plot(ax, legend=legend, **kwargs)

    @classmethod
    def from_samples(
        cls,
        samples: ArrayLike,
        *,
        coverages: ArrayLike = (0.5, 0.8),
        history: ArrayLike | None = None,
        truth: ArrayLike | None = None,
        times: ArrayLike | None = None,
        ax: Any = None,
        legend: bool = True,
        **kwargs: Any,
    ) -> ForecastDisplay:
        """Draw sample paths of one series, of any forecaster.

        Parameters
        ----------
        samples : array-like of shape (n_samples, horizon)
            Sample paths, such as `forecaster.sample(X)[0]`.
        coverages : array-like of float, default=(0.5, 0.8)
            The share of the paths that each range contains, in (0, 1).
        history : array-like of shape (n_past,), default=None
            The values before the forecast. NaN is missing.
        truth : array-like of shape (n_known,), default=None
            The true values, at most `horizon` of them. NaN is not known.
        times : array-like of shape (n_past + horizon,), default=None
            Positions of the steps on the axis, numbers or dates. None counts from the last step of
            the past, which is 0.
        ax : matplotlib Axes, default=None
            Where to draw; None is a new figure.
        legend : bool, default=True
            Whether to draw a legend.
        **kwargs : dict
            Passed to matplotlib's `plot` for the median.

        Returns
        -------
        display : ForecastDisplay
        """
        require_matplotlib(f"{cls.__name__}.from_samples")
        levels = _levels_of(coverages)
        paths = np.asarray(samples, dtype=np.float64)
        if paths.ndim != 2 or not paths.size:
            raise ValueError(
                f"`samples` of shape {paths.shape} must be paths of one series, of shape "
                f"(n_samples, horizon); give one row of `forecaster.sample(X)`"
            )
        quantiles = np.quantile(paths, levels, axis=0)
        display = cls(quantiles, levels, history=history, truth=truth, times=times)
        return display.plot(ax, legend=legend, **kwargs)

    def plot(self, ax: Any = None, *, legend: bool = True, **kwargs: Any) -> ForecastDisplay:
        """Draw the fan.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None is a new figure.
        legend : bool, default=True
            Whether to draw a legend.
        **kwargs : dict
            Passed to matplotlib's `plot` for the median.

        Returns
        -------
        self : ForecastDisplay
        """
        quantiles, levels = self._fan()
        history = np.asarray([] if self.history is None else self.history, dtype=np.float64)
        times = self._times(len(history), quantiles.shape[1])
        self.ax_, self.figure_ = axes_to_draw(f"{type(self).__name__}.plot", ax)
        ax = self.ax_
        self.history_line_ = self.truth_line_ = None
        if len(history):
            (self.history_line_,) = ax.plot(
                times[: len(history)], history, color="0.4", label="past"
            )
        self._plot_fan(times[len(history) :], quantiles, levels, kwargs)
        if self.truth is not None:
            truth = np.asarray(self.truth, dtype=np.float64)
            if truth.ndim != 1 or len(truth) > quantiles.shape[1]:
                raise ValueError(
                    f"`truth` of shape {truth.shape} must have at most one value for each of the "
                    f"{quantiles.shape[1]} steps"
                )
            shown = times[len(history) : len(history) + len(truth)]
            (self.truth_line_,) = ax.plot(
                shown, truth, color="black", marker=_marker(truth), label="actual"
            )
        if legend:
            ax.legend(fontsize="small")
        _write_dates(ax, times)
        return self

    def _plot_fan(
        self,
        times: NDArray[Any],
        quantiles: Float64Array,
        levels: Float64Array,
        kwargs: dict[str, Any],
    ) -> None:
        n_bands, has_middle = divmod(len(levels), 2)
        self.median_line_ = None
        style = {"color": "tab:blue", "marker": _marker(quantiles[0]), "label": "median"} | kwargs
        self.bands_ = [
            self.ax_.fill_between(
                times,
                quantiles[i],
                quantiles[-1 - i],
                color=_pale(style["color"], 0.75 ** (i + 1)),
                linewidth=0 if len(times) > 1 else 4,
                label=f"{100 * (levels[-1 - i] - levels[i]):.3g} %",
            )
            for i in range(n_bands)
        ]
        if has_middle:
            (self.median_line_,) = self.ax_.plot(times, quantiles[n_bands], **style)

    def _fan(self) -> tuple[Float64Array, Float64Array]:
        """Return quantiles and their levels, checked."""
        quantiles = np.asarray(self.quantiles, dtype=np.float64)
        levels = np.asarray(self.levels, dtype=np.float64)
        if quantiles.ndim != 2 or levels.shape != quantiles.shape[:1] or not quantiles.size:
            raise ValueError(
                f"`quantiles` of shape {quantiles.shape} must have one row for each of the levels, "
                f"which have the shape {levels.shape}"
            )
        if np.any(np.diff(levels) <= 0):
            raise ValueError(f"`levels`={self.levels!r} must ascend; sort them and `quantiles`")
        return quantiles, levels

    def _times(self, n_past: int, horizon: int) -> NDArray[Any]:
        """Return the positions of the steps on the axis."""
        if self.times is None:
            return np.arange(1 - n_past, horizon + 1)
        times = np.asarray(self.times)
        if times.shape != (n_past + horizon,):
            raise ValueError(
                f"`times` of shape {times.shape} must have one entry for each of {n_past} steps of "
                f"the past and {horizon} of the forecast"
            )
        return times


def _levels_of(coverages: ArrayLike) -> Float64Array:
    """Return the levels of the ends of ranges, and of the median."""
    shares = np.unique(np.asarray(coverages, dtype=np.float64))
    if not np.all((shares > 0) & (shares < 1)):
        raise ValueError(f"`coverages`={coverages!r} must be in (0, 1); write (0.5, 0.8)")
    return np.concatenate([(1 - shares[::-1]) / 2, [0.5], (1 + shares) / 2])


def _marker(values: Float64Array) -> str | None:
    """Return a marker for a single value, which has no line."""
    return "o" if len(values) == 1 else None


def _pale(color: Any, whiteness: float) -> Float64Array:
    """Return a colour mixed with white."""
    from matplotlib.colors import to_rgb

    return np.asarray(whiteness + (1 - whiteness) * np.array(to_rgb(color)))


def _write_dates(ax: Any, times: NDArray[Any]) -> None:
    """Format dates concisely."""
    if times.dtype.kind == "M":
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator = AutoDateLocator()
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    else:
        ax.set_xlabel("step")
