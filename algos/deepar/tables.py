"""Forecasts as frames, like the frame that the series came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Int64Array
from algos.deepar.calendar import later
from algos.deepar.frequency import Frequency
from algos.deepar.parameters import checked_quantiles
from algos.deepar.spacing import on_business

Times = NDArray[np.datetime64]

_PATHS = "sample paths have no frame: take their quantiles, or call `predict_quantiles`"


@dataclass(frozen=True)
class Origin:
    """The kind of a frame and the names of its columns.

    Attributes
    ----------
    kind : type or callable
        Its class, which makes frames from columns, or a function that does.
    id, time : tuple of column names
        The columns of ids and times; empty if there were none.
    index : object, default=None
        Name of the index, if it held the times.
    day : {"first", "last"} or None, default=None
        The business day of each month that its times were on, if any.
    periods : str or None, default=None
        The frequency of its periods, such as "Q-DEC", if its times were pandas' periods.
    """

    kind: Callable[..., Any]
    id: tuple[Any, ...]
    time: tuple[Any, ...]
    index: Any = None
    day: str | None = None
    periods: str | None = None

    def with_times(self, columns: dict[Any, Any], name: Any) -> Any:
        """Return a frame of these columns, one of them times of the kind that it had before."""
        table = self.kind(columns)
        if self.periods is not None:
            table[name] = table[name].dt.to_period(self.periods)
        return table


def forecast_steps(X: Any, horizon: int) -> Int64Array:
    """Return the steps that follow the last value of each series, (n_series, horizon).

    A series without a value begins after the end of its row.
    """
    known = [np.flatnonzero(np.isfinite(row)) for row in X]
    ends = [
        places[-1] + 1 if len(places) else len(row) for row, places in zip(X, known, strict=True)
    ]
    steps: Int64Array = np.array(ends, dtype=np.int64)[:, None] + np.arange(horizon)
    return steps


def times_of(steps: Int64Array, start: Times, freq: str, day: str | None = None) -> Times:
    """Return the times of steps after others, optionally on business days of months."""
    times = later(np.asarray(start), Frequency.of(freq), steps)
    if day is not None:
        days = times.astype("datetime64[D]")
        times = on_business(days, day) + (times - days)
    return times.astype("datetime64[ms]")  # polars accepts no seconds


def wide_table(
    origin: Origin,
    ids: NDArray[Any],
    steps: Int64Array,
    start: Times,
    freq: str,
    forecast: NDArray[Any],
) -> Any:
    """Return a frame with a column for each series and a row for each time, none left out."""
    first = steps.min()
    rows = times_of(np.arange(first, steps.max() + 1), start[0], freq, origin.day)
    values = np.full((len(rows), len(ids)), np.nan)
    values[steps - first, np.arange(len(ids))[:, None]] = forecast
    columns = dict(zip(ids.tolist(), values.T, strict=True))
    _require_different([*origin.time, *ids.tolist()])
    if origin.time:
        return origin.with_times({origin.time[0]: rows, **columns}, origin.time[0])
    table = origin.kind(columns, index=rows)
    if origin.periods is not None:
        table.index = table.index.to_period(origin.periods)
    table.index.name = origin.index
    return table


def _require_different(names: list[Any]) -> None:
    """Raise ValueError unless the names of the columns are unique."""
    if len(set(names)) < len(names):
        raise ValueError(
            f"the columns of forecasts would be {names}, with a repeated name; rename those of the "
            f"frame, or leave out equal `quantiles`"
        )


def require_levels(forecast: NDArray[Any], levels: Any) -> None:
    """Raise ValueError unless levels are given if, and only if, the forecast has an axis of them.

    Sample paths have the shape of quantiles.
    """
    shape = forecast.shape
    if forecast.ndim == 2 and levels is not None:
        raise ValueError(
            f"`quantiles`={levels!r} must be None for a `forecast` of shape {shape}, which has no "
            f"axis of levels; forecast them by predict_quantiles(quantiles={levels!r})"
        )
    if forecast.ndim == 3 and levels is None:
        raise ValueError(
            f"`quantiles`=None must be the {shape[1]} levels of `forecast`: those that "
            f"`predict_quantiles` was given, or the model's own `quantiles`; {_PATHS}"
        )


def long_table(
    origin: Origin, ids: NDArray[Any], times: Times, forecast: NDArray[Any], levels: Any
) -> Any:
    """Return a frame with a row for each series and time, and a column for each level.

    Parameters
    ----------
    ids : ndarray of shape (n_series,)
        Tuples if there are several columns of them.
    times : ndarray of shape (n_series, horizon), dtype datetime64[s]
    forecast : ndarray of shape (n_series, horizon) or (n_series, n_levels, horizon)
    levels : array-like of float of shape (n_levels,) or None
    """
    horizon = times.shape[1]
    columns: dict[Any, Any] = {}
    of_column = list(zip(*ids, strict=True)) if len(origin.id) > 1 else [ids.tolist()]
    for name, values in zip(origin.id or ("id",), of_column, strict=True):
        columns[name] = [value for value in values for _ in range(horizon)]
    time = origin.time[0] if origin.time else "time"
    columns[time] = times.ravel()
    if forecast.ndim == 2:
        _require_different([*columns, "forecast"])
        return origin.with_times({**columns, "forecast": forecast.ravel()}, time)
    names = [f"{level!r}" for level in checked_quantiles(levels)]
    _require_different([*columns, *names])
    if len(names) != forecast.shape[1]:
        raise ValueError(
            f"`quantiles` must be the {forecast.shape[1]} levels of `forecast`, and are {names}; "
            f"{_PATHS}"
        )
    parts = forecast.transpose(1, 0, 2).reshape(len(names), -1)
    return origin.with_times({**columns, **dict(zip(names, parts, strict=True))}, time)
