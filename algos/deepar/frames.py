"""Panels from frames: wide ones with a column for each series, long ones with a row for each value.

Nothing here imports pandas: the code uses only what frames of polars also have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float64Array, Int64Array
from algos.deepar.calendar import in_steps, read_times
from algos.deepar.covariates import NamedArrays, few, is_missing, names_of
from algos.deepar.frequency import Frequency
from algos.deepar.parameters import checked_count
from algos.deepar.spacing import day_of_business, grid_places, infer_frequency
from algos.deepar.tables import (
    Origin,
    forecast_steps,
    long_table,
    require_levels,
    times_of,
    wide_table,
)

_KEYWORDS = ("X", "start", "static_categorical", "static_real", "dynamic_real")


@dataclass(frozen=True)
class PanelFrame:
    """Series of a frame or of files; `fit(**panel)` unpacks it into arguments.

    Attributes
    ----------
    X : ndarray of shape (n_series, n_times) or list of ndarray
        An array if all series have the same number of steps. NaN where the frame has no value.
    start : ndarray of shape (n_series,), dtype datetime64[s]
        The time of the first column of each row of `X`. It carries `freq`, from which that of
        the estimator must not differ.
    ids : ndarray of shape (n_series,)
        The names of the series, in the order of the frame.
    freq : str or None
        For the parameter of that name; None if it is unknown, as for files without a given
        `freq`.
    static_categorical, static_real : frame of shape (n_series, n_features) or None
        With the names of their columns; an array if the series came from files.
    dynamic_real : list of ndarray of shape (n_features, n_times) or None
        They may extend beyond the last value of a series. Its `names` are those of the columns.
    origin : Origin
        The kind of frame that the panel came from.
    """

    X: Any
    start: NDArray[np.datetime64]
    ids: NDArray[Any]
    freq: str | None
    origin: Origin
    static_categorical: Any = None
    static_real: Any = None
    dynamic_real: NamedArrays | None = None

    def keys(self) -> list[str]:
        """Return the names of the arguments of `fit` that the panel has."""
        return [name for name in _KEYWORDS if getattr(self, name) is not None]

    def __getitem__(self, name: str) -> Any:
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> NoReturn:
        raise TypeError("the parts of a panel are keyword arguments; write `fit(**panel)`")

    def __repr__(self) -> str:
        lengths = np.unique([len(row) for row in self.X])
        steps = f"{lengths[0]}" if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
        parts = [f"{len(self.ids)} series of {steps} steps", f"freq={self.freq!r}"]
        for name, names in names_of(
            self.static_categorical, self.static_real, self.dynamic_real
        ).items():
            parts.append(f"{name}=[{few(np.array(names))}]")
        return f"{type(self).__name__}({', '.join(parts)})"

    def split(self, n_steps: int) -> tuple[PanelFrame, Float64Array]:
        """Split off the last steps of each series.

        Each series ends `n_steps` before its last value. Covariates keep their times: those
        of the omitted steps are the future of the panel.

        Parameters
        ----------
        n_steps : int
            Number of steps to leave out, such as `prediction_length`.

        Returns
        -------
        past : PanelFrame
            `DeepARForecaster(freq=past.freq).fit(**past)` fits it; a series with at most
            `n_steps` steps is empty. Its `frame_of` has the times of the omitted steps.
        future : ndarray of shape (n_series, n_steps)
            NaN where there is no value. `score(**past, y=future)` evaluates forecasts.

        Examples
        --------
        >>> import pandas as pd
        >>> from algos.deepar import panel_from_wide
        >>> days = pd.date_range("2026-01-01", periods=5)
        >>> panel = panel_from_wide(pd.DataFrame({"north": [1, 2, 3, 4, 5]}, days))
        >>> past, future = panel.split(2)
        >>> past.X, future
        (array([[1., 2., 3.]]), array([[4., 5.]]))
        """
        n_steps = checked_count("n_steps", n_steps, 1)
        ends = forecast_steps(self.X, 1)[:, 0]
        stops = np.maximum(ends - n_steps, 0)
        future = np.full((len(stops), n_steps), np.nan)
        for row, values, stop, end in zip(future, self.X, stops, ends, strict=True):
            row[: end - stop] = values[stop:end]
        past = [values[:stop] for values, stop in zip(self.X, stops, strict=True)]
        return replace(self, X=together(past)), future

    def frame_of(self, forecast: Any, quantiles: Any = None) -> Any:
        """Return forecasts of these series as a frame like the one that the panel came from.

        Parameters
        ----------
        forecast : array-like of shape (n_series, horizon) or (n_series, n_quantiles, horizon)
            The result of `predict` or `predict_quantiles` for the panel: the times are
            those after its last values. For a model that was fit to fewer columns of `X` they
            would be too late; use `split` instead, whose panel knows its end.
        quantiles : array-like of float of shape (n_quantiles,), default=None
            The levels of quantile forecasts.

        Returns
        -------
        frame : pandas or polars DataFrame
            A wide frame if the panel came from one, NaN where a series is forecast for other
            times; else one row for each series and time that follows its last value, with
            the column `forecast`, or one for each level, such as "0.5". Times are periods if
            they were.

        Examples
        --------
        >>> import pandas as pd
        >>> from algos.deepar import panel_from_wide
        >>> days = pd.date_range("2026-01-01", periods=3)
        >>> panel = panel_from_wide(pd.DataFrame({"north": [1, 2, 3]}, days))
        >>> panel.frame_of([[4.0, 5.0]])
                    north
        2026-01-04    4.0
        2026-01-05    5.0
        """
        values = np.asarray(forecast, dtype=np.float64)
        if values.ndim not in (2, 3) or len(values) != len(self.ids):
            raise ValueError(
                f"`forecast` must have the shape ({len(self.ids)}, horizon) or ({len(self.ids)}, "
                f"n_quantiles, horizon) and has {values.shape}"
            )
        if self.freq is None:
            raise ValueError(
                "`freq` of the panel must be known for the times of forecasts; write "
                "panel_from_json_lines(files, freq='h') …"
            )
        require_levels(values, quantiles)
        steps = forecast_steps(self.X, values.shape[-1])
        if values.ndim == 2 and not self.origin.id:
            return wide_table(self.origin, self.ids, steps, self.start, self.freq, values)
        times = times_of(steps, self.start[:, None], self.freq, self.origin.day)
        return long_table(self.origin, self.ids, times, values, quantiles)


def panel_from_wide(frame: Any, *, time: Any = None, freq: Any = None) -> PanelFrame:
    """Make a panel from a frame whose rows are times and whose columns are series.

    Parameters
    ----------
    frame : pandas or polars DataFrame, or pyarrow Table
        A table is converted to a pandas frame.
    time : column name, default=None
        The column of times; None is the index.
    freq : str or pandas offset, default=None
        The distance between two steps, such as "h" or "15min"; None infers it from the index or
        the times. Steps that are not in the frame are missing values.

    Returns
    -------
    panel : PanelFrame
        `DeepARForecaster(freq=panel.freq).fit(**panel)` fits it.

    Raises
    ------
    ValueError
        If the times are not dates, occur twice, or are not evenly spaced.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from algos.deepar import panel_from_wide
    >>> hours = pd.date_range("2026-01-01", periods=4, freq="h")
    >>> frame = pd.DataFrame({"north": [1, 2, 3, 4], "south": [5, 6, np.nan, 8]}, hours)
    >>> panel = panel_from_wide(frame)
    >>> panel.X
    array([[ 1.,  2.,  3.,  4.],
           [ 5.,  6., nan,  8.]])
    >>> panel.freq, panel.start[0]
    ('h', np.datetime64('2026-01-01T00:00:00'))
    """
    frame = _checked_frame(frame)
    _check_columns(frame, [] if time is None else [time])
    names = [name for name in frame.columns if time is None or name != time]
    if time is None and not hasattr(frame, "index"):
        raise ValueError("`time`=None must name a column of `frame`, which has no index of times")
    given = frame.index if time is None else frame[time]
    if time is None and getattr(given, "dtype", np.dtype(object)).kind in "iu":
        raise ValueError(
            "the index of `frame` must hold times, and has numbers; name a column by `time`"
        )
    times = read_times(given, "the index of `frame`" if time is None else f"`frame`[{time!r}]")
    if len(times) == 0 or not names:
        raise ValueError(f"`frame` must have rows and series, and has the shape {frame.shape}")
    series = np.zeros(len(times), dtype=np.int64)
    said = getattr(given, "freqstr", None) if freq is None else freq
    frequency = _frequency(freq, times, series, said)
    places, n_steps = grid_places(times, series, 1, frequency)
    X = np.full((len(names), int(n_steps[0])), np.nan)
    for row, name in enumerate(names):
        X[row, places] = _numbers(frame[name], name)
    index = getattr(given, "name", None) if time is None else None
    day = day_of_business(times, said) if frequency.unit == "month" else None
    origin = Origin(type(frame), (), () if time is None else (time,), index, day, _periods(given))
    start = in_steps(np.full(len(names), times.min()), frequency)
    return PanelFrame(X, start, ids_of(names), str(frequency), origin)


def panel_from_long(
    frame: Any,
    *,
    id: Any,
    time: Any,
    target: Any,
    static_categorical: Any = (),
    static_real: Any = (),
    dynamic_real: Any = (),
    freq: Any = None,
) -> PanelFrame:
    """Make a panel from a frame that has one row for each series and time.

    Parameters
    ----------
    frame : pandas or polars DataFrame, or pyarrow Table
        In any order; a table is converted to a pandas frame. Rows without a target after the
        last one of a series hold the known future of `dynamic_real`.
    id : column name or sequence of them
        The columns that identify the series of a row.
    time, target : column names
        The columns of the time and the value of a row.
    static_categorical, static_real : column name or sequence of them, default=()
        Columns that are the same in all rows of a series.
    dynamic_real : column name or sequence of them, default=()
        Columns of numbers over time that are known ahead. `fit` accepts no missing ones: fill
        them in, and give a row for each step.
    freq : str or pandas offset, default=None
        The distance between two steps, such as "h" or "15min"; None infers it from the times.
        Steps that are not in the frame are missing values.

    Returns
    -------
    panel : PanelFrame
        `DeepARForecaster(freq=panel.freq).fit(**panel)` fits it.

    Raises
    ------
    ValueError
        If the times are not dates, occur twice in a series, or are not evenly spaced; or a static
        column differs between the rows of a series; or a column does not exist.

    Examples
    --------
    >>> import pandas as pd
    >>> from algos.deepar import panel_from_long
    >>> frame = pd.DataFrame(
    ...     {
    ...         "shop": ["a", "a", "b", "b"],
    ...         "day": pd.to_datetime(["2026-01-01", "2026-01-03", "2026-01-01", "2026-01-02"]),
    ...         "sold": [3, 5, 1, 2],
    ...         "city": ["Rome", "Rome", "Oslo", "Oslo"],
    ...     }
    ... )
    >>> panel = panel_from_long(
    ...     frame, id="shop", time="day", target="sold", static_categorical=["city"]
    ... )
    >>> panel.X
    [array([ 3., nan,  5.]), array([1., 2.])]
    >>> panel.freq, list(panel.ids), list(panel.static_categorical["city"])
    ('D', ['a', 'b'], ['Rome', 'Oslo'])
    """
    static_categorical, static_real, dynamic_real, id = map(
        _columns, (static_categorical, static_real, dynamic_real, id)
    )
    frame = _checked_frame(frame)
    if not id:
        raise ValueError("`id`=[] must name at least one column of `frame`")
    _check_columns(frame, [*id, time, target, *static_categorical, *static_real, *dynamic_real])
    times = read_times(frame[time], f"`frame`[{time!r}]")
    if len(times) == 0:
        raise ValueError("`frame` must have at least one row")
    ids, series = _series_of_rows(frame, id)
    n = len(ids)
    frequency = _frequency(freq, times, series, None)
    places, n_steps = grid_places(times, series, n, frequency, ids)
    begins = np.cumsum(n_steps) - n_steps
    flat, cuts = begins[series] + places, begins[1:]
    start = np.full(n, np.datetime64(2**62, "s"))
    np.minimum.at(start, series, times)

    def on_the_grid(name: Any) -> Float64Array:
        values = np.full(int(n_steps.sum()), np.nan)
        values[flat] = _numbers(frame[name], name)
        return values

    first = np.empty(n, dtype=np.int64)
    first[series[::-1]] = np.arange(len(series))[::-1]
    categories = {k: _constant(np.asarray(frame[k]), k, series, first) for k in static_categorical}
    numbers = {k: _constant(_numbers(frame[k], k), k, series, first) for k in static_real}
    starts = in_steps(start, frequency)
    day = day_of_business(times, freq) if frequency.unit == "month" else None
    dynamic = np.array([on_the_grid(name) for name in dynamic_real])
    return PanelFrame(
        together(np.split(on_the_grid(target), cuts)),
        starts,
        ids,
        str(frequency),
        Origin(type(frame), tuple(id), (time,), None, day, _periods(frame[time])),
        type(frame)(categories) if categories else None,
        type(frame)(numbers) if numbers else None,
        NamedArrays.of(np.split(dynamic, cuts, axis=1), dynamic_real, ids, starts)
        if dynamic_real
        else None,
    )


def _frequency(freq: Any, times: Any, series: Int64Array, of_index: str | None) -> Frequency:
    """Return the given frequency, or that of the index, or the one inferred from the times."""
    if freq is not None:
        return Frequency.of(freq)
    if of_index is not None:
        try:
            return Frequency.of(of_index)
        except ValueError:
            pass  # such as hours of business
    return infer_frequency(times, series)


def _periods(times: Any) -> str | None:
    """Return the frequency of pandas' periods, or None for other times."""
    kind = str(getattr(times, "dtype", ""))
    return kind[len("period[") : -1] if kind.startswith("period[") else None


def _columns(names: Any) -> Sequence[Any]:
    """Return names of columns as a list."""
    return [names] if isinstance(names, str) or not np.iterable(names) else list(names)


def together(rows: list[Float64Array]) -> Any:
    """Stack series if they have one length, else return the list."""
    return np.stack(rows) if len({len(row) for row in rows}) == 1 else rows


def ids_of(names: Sequence[Any]) -> NDArray[Any]:
    """Return names of columns as an array, without converting tuples or numbers."""
    if len({type(name) for name in names}) == 1 and not isinstance(names[0], tuple):
        return np.array(names)
    ids = np.empty(len(names), dtype=object)
    for place, name in enumerate(names):
        ids[place] = name
    return ids


def _checked_frame(frame: Any) -> Any:
    """Return the frame, arrow tables as pandas frames; raise if column names are not unique."""
    if hasattr(frame, "column_names") and hasattr(frame, "to_pandas"):
        try:
            frame = frame.to_pandas()
        except ImportError as error:
            raise ImportError(
                "panels of arrow tables need pandas; install it with `pip install pandas`"
            ) from error
    if not hasattr(frame, "columns"):
        remedy = (
            "write frame.to_frame()"
            if hasattr(frame, "to_frame")
            else "pass arrays whose rows are series directly to `fit`"
        )
        raise ValueError(
            f"`frame` must be a pandas or polars DataFrame, and is a {type(frame).__name__}; "
            f"{remedy}"
        )
    names = list(frame.columns)
    if len(set(names)) < len(names):
        twice = next(name for place, name in enumerate(names) if name in names[:place])
        raise ValueError(
            f"the columns of `frame` must have unique names, and several have the name {twice!r}; "
            f"rename them"
        )
    return frame


def _check_columns(frame: Any, names: Sequence[Any]) -> None:
    for name in names:
        if name not in frame.columns:
            raise ValueError(
                f"`frame` must have the column {name!r}, and has {list(frame.columns)}"
            )


def _series_of_rows(frame: Any, id: Sequence[Any]) -> tuple[NDArray[Any], Int64Array]:
    """Return the names of the series in order of appearance, and the series of each row.

    Names from several columns are tuples.
    """
    found = [_in_order_of_rows(np.asarray(frame[name]), name) for name in id]
    if len(found) == 1:
        return found[0]
    codes = np.stack([places for _, places in found], axis=1)
    _, first, inverse = np.unique(codes, axis=0, return_index=True, return_inverse=True)
    order, series = _by_first(first, inverse.reshape(-1))
    ids = np.empty(len(order), dtype=object)
    for place, row in enumerate(first[order]):
        ids[place] = tuple(names[codes[row, j]] for j, (names, _) in enumerate(found))
    return ids, series


def _by_first(first: Int64Array, inverse: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Return the order of first appearance of unique names, and each row's rank in it."""
    order = np.argsort(first, kind="stable")
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    return order, places[inverse]


def _in_order_of_rows(names: NDArray[Any], column: Any) -> tuple[NDArray[Any], Int64Array]:
    """Return the unique names in order of appearance, and the index of each row's name."""
    if names.dtype.kind in "fO" and any(map(is_missing, names)):
        row = next(row for row, name in enumerate(names) if is_missing(name))
        raise ValueError(
            f"`frame`[{column!r}] must name the series of each row, and row {row} has "
            f"{names[row]}; drop rows without a name"
        )
    try:
        unique, first, inverse = np.unique(names, return_index=True, return_inverse=True)
    except TypeError as error:
        raise ValueError(f"`frame`[{column!r}] must name the series, and {error}") from None
    order, places = _by_first(first, inverse)
    return unique[order], places


def _constant(
    values: NDArray[Any], name: Any, series: Int64Array, first: Int64Array
) -> NDArray[Any]:
    """Return the value of each series; raise if it varies."""
    own = values[first]
    differs = (values != own[series]) & ~((values != values) & (own != own)[series])
    if np.any(differs):
        row = int(np.argmax(differs))
        raise ValueError(
            f"`frame`[{name!r}] must be the same in all rows of a series, and row {row} differs "
            f"from row {first[series[row]]}; use `dynamic_real` if it changes over time"
        )
    return own


def _numbers(column: Any, name: Any) -> Float64Array:
    try:
        return np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`frame`[{name!r}] must hold numbers, and {error}") from None
