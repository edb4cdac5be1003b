"""The calendar: features of points of time, and one table of them for all series."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Float32Array, Int64Array
from algos.deepar.frequency import Frequency

Times = NDArray[np.datetime64]

_CODES = {"month": "M", "day": "D", "hour": "h", "minute": "m", "second": "s"}
_HINT = "write them as '2026-01-31 12:00'"
_QUARTERS = "read quarters by pandas.PeriodIndex({}, freq='Q')"
_OFF = "remove it by .tz_convert('UTC').tz_localize(None) in pandas"
_EPOCH = np.datetime64("1970-01-01", "D")
_ONE_DAY, _ONE_MONTH = np.timedelta64(1, "D"), np.timedelta64(1, "M")


def read_start(start: Any, n_series: int) -> Times:
    """Return one time for each series, of shape (n_series,) and dtype datetime64[s].

    Raises
    ------
    ValueError
        If they are not times, too few or too many, or in a time zone.
    """
    times = read_times(start, "`start`")
    if times.ndim == 0:
        times = np.full(n_series, times)
    if times.shape != (n_series,):
        raise ValueError(
            f"`start` must have the shape ({n_series},), one time for each series, and has "
            f"{times.shape}; a single time is used for all series"
        )
    return times


class Starts(np.ndarray[Any, np.dtype[np.datetime64]]):
    """Times of dtype datetime64[s] that carry the distance between the steps after them.

    Folds, routing, copies and pickle keep it. `numpy.save` writes only the times;
    metadata of a dtype would do the same, but with a warning.

    Attributes
    ----------
    freq : str or None
        The distance between steps.
    """

    freq: str | None

    def __array_finalize__(self, source: Any) -> None:
        self.freq = getattr(source, "freq", None)

    def __reduce__(self) -> Any:
        pickled: Any = super().__reduce__()
        make, arguments, state = pickled
        return make, arguments, (state, self.freq)

    def __setstate__(self, state: Any) -> None:
        of_array, self.freq = state
        super().__setstate__(of_array)


def in_steps(times: Times, frequency: Frequency) -> Starts:
    """Return times that carry the distance between the steps after them."""
    starts = times.astype("datetime64[s]").view(Starts)
    starts.freq = str(frequency)
    return starts


def freq_of_panel(start: Any) -> str | None:
    """Return the distance of a panel's steps, or None if `start` does not carry it."""
    return start.freq if isinstance(start, Starts) else None


def check_steps(start: Any, freq: str) -> None:
    """Raise ValueError if `start` carries a different distance between steps."""
    of_panel = freq_of_panel(start)
    if of_panel is not None and Frequency.of(of_panel) != Frequency.of(freq):
        raise ValueError(
            f"`freq`={freq!r} must be {of_panel!r}, the distance between the panel's steps; "
            f"write freq=panel.freq"
        )


def read_times(given: Any, name: str) -> Times:
    """Read times of any kind as datetime64[s]; `name` is for error messages."""
    if str(getattr(given, "dtype", type(given).__name__)).lower().startswith("period"):
        given = getattr(given, "dt", given).to_timestamp()
    if _has_zone(given):
        raise ValueError(f"{name} must hold times without a time zone; {_OFF}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy warns about time zones
            times = np.asarray(_numpys(given))
            if times.dtype.kind in "biuf":
                raise TypeError(f"it has numbers of type {times.dtype}")
            if times.dtype.kind != "M":
                times = np.asarray(_numpys(given), dtype="datetime64[s]")
            if (times != times.astype("datetime64[s]")).any() and not np.isnat(times).any():
                raise ValueError(
                    "some have fractions of a second, and a step is at least one second"
                )
            times = times.astype("datetime64[s]")
    except (TypeError, ValueError, UserWarning, DeprecationWarning) as error:
        raise ValueError(
            f"{name} must hold times without a time zone ({error}); {_remedy(str(error))}"
        ) from None
    is_none = np.isnat(times)
    if is_none.any():
        if times.ndim == 0:
            raise ValueError(f"{name} must be a time, and is missing (NaT); {_HINT}")
        place = int(np.flatnonzero(is_none)[0])
        raise ValueError(f"{name} must hold times, and number {place} is NaT; {_HINT}")
    return times


def _remedy(error: str) -> str:
    """Return what to write instead of times that numpy refuses with this error."""
    if "Q" not in error:
        return _HINT
    quoted = error.partition('"')[2].partition('"')[0]
    # pandas reads "1998Q1" and "1998-Q1"
    return _QUARTERS.format("….str.replace(' ', '')" if " " in quoted else "…")


def _numpys(given: Any) -> Any:
    """Return times with pandas' NaT, which numpy would read as a number, replaced by numpy's."""
    if isinstance(given, (list, tuple)):
        return [_numpys(time) for time in given]
    return np.datetime64("NaT", "s") if type(given).__name__ == "NaTType" else given


def _has_zone(given: Any) -> bool:
    """Return whether times, a time, or the first of a list have a time zone."""
    first = given[0] if isinstance(given, (list, tuple)) and given else given
    kind = getattr(given, "dtype", None)
    return any(
        getattr(holder, name, None) is not None
        for holder, name in ((kind, "tz"), (kind, "time_zone"), (first, "tzinfo"))
    )


def ordinals(times: Times, frequency: Frequency) -> Int64Array:
    """Return the times in units after 1970; other days count as the next business day."""
    if frequency.unit == "business day":
        days = np.busday_offset(times.astype("datetime64[D]"), 0, roll="forward")
        return np.busday_count(_EPOCH, days).astype(np.int64)
    return times.astype(f"datetime64[{_CODES[frequency.unit]}]").astype(np.int64)


def _times(units: Int64Array, frequency: Frequency) -> Times:
    if frequency.unit == "business day":
        return np.busday_offset(_EPOCH, units).astype("datetime64[s]")
    return units.astype(f"datetime64[{_CODES[frequency.unit]}]").astype("datetime64[s]")


def step_times(start: np.datetime64, frequency: Frequency, n_steps: int) -> Times:
    """Return the times of the first steps of a series."""
    first = ordinals(np.asarray(start), frequency)
    return _times(first + frequency.n_units * np.arange(n_steps), frequency)


def later(start: Times, frequency: Frequency, n_steps: Int64Array) -> Times:
    """Return the times `n_steps` after others; ends of months lead to ends of months."""
    many = frequency.n_units * n_steps
    days = start.astype("datetime64[D]")
    of_day = start.astype("datetime64[s]") - days
    if frequency.unit == "business day":
        moved: Times = np.busday_offset(days, many, roll="forward") + of_day
        return moved
    if frequency.unit != "month":
        return start.astype("datetime64[s]") + (frequency.n_seconds * n_steps).astype("m8[s]")
    months = start.astype("datetime64[M]")
    is_last = ends_month(days)
    reached = months + np.asarray(many).astype("m8[M]")
    last = (reached + _ONE_MONTH).astype("datetime64[D]") - _ONE_DAY
    same = reached.astype("datetime64[D]") + (days - months.astype("datetime64[D]"))
    return np.where(is_last, last, np.minimum(same, last)) + of_day


def ends_month(days: Times) -> NDArray[np.bool_]:
    """Return which days, of dtype datetime64[D], are the last of their months."""
    next_days = days + _ONE_DAY
    is_last: NDArray[np.bool_] = next_days.astype("datetime64[M]") > days.astype("datetime64[M]")
    return is_last


def calendar_table(
    units: Int64Array, n_steps: Int64Array, frequency: Frequency
) -> tuple[Float32Array, Int64Array]:
    """Return calendar features of all times of all series, each time once.

    Parameters
    ----------
    units : ndarray of shape (n_series,), dtype int64
        The `ordinals` of step 0 of each series.
    n_steps : ndarray of shape (n_series,), dtype int64
    frequency : Frequency

    Returns
    -------
    table : ndarray of shape (n_rows, n_features), dtype float32
    rows : ndarray of shape (n_series,), dtype int64
        The row of step 0 of each series, whose other steps follow.
    """
    # All on one line: series whose times lie between the steps of others get separate ranges.
    step = frequency.n_units
    phases, phase = np.unique(units % step, return_inverse=True)
    index = units // step
    lowest = index.min(initial=0)
    span = int((index + n_steps).max(initial=0) - lowest) + 1
    first = index - lowest + phase * span
    order = np.argsort(first, kind="stable")
    reached = np.maximum.accumulate((first + n_steps)[order])
    is_apart = np.ones(len(units), dtype=bool)
    is_apart[1:] = first[order][1:] > reached[:-1]
    begins = first[order][is_apart]
    ends = reached[np.append(np.flatnonzero(is_apart)[1:] - 1, len(units) - 1)]
    rows_before = np.concatenate([[0], np.cumsum(ends - begins)])
    places = np.arange(rows_before[-1]) + np.repeat(begins - rows_before[:-1], ends - begins)
    points = (places % span + lowest) * step + phases[places // span]
    part = np.searchsorted(begins, first, side="right") - 1
    return calendar_features(_times(points, frequency), frequency), (
        rows_before[part] + first - begins[part]
    )


def _second(times: Times) -> Int64Array:
    return (times - times.astype("datetime64[m]")).astype(np.int64)


def _minute(times: Times) -> Int64Array:
    hours = times.astype("datetime64[h]")
    return (times.astype("datetime64[m]") - hours).astype(np.int64)


def _hour(times: Times) -> Int64Array:
    days = times.astype("datetime64[D]")
    return (times.astype("datetime64[h]") - days).astype(np.int64)


def weekdays(times: Times) -> Int64Array:
    """Return the days of the week, where Monday is 0."""
    return (times.astype("datetime64[D]").astype(np.int64) + 3) % 7  # 1970 began on a Thursday


def _month_day(times: Times) -> Int64Array:
    months = times.astype("datetime64[M]")
    return (times.astype("datetime64[D]") - months).astype(np.int64)


def _year_day(times: Times) -> Int64Array:
    years = times.astype("datetime64[Y]")
    return (times.astype("datetime64[D]") - years).astype(np.int64)


def _week(times: Times) -> Int64Array:
    """Return the week of ISO 8601 minus 1, counted in the year of its Thursday."""
    days = times.astype("datetime64[D]").astype(np.int64)
    thursdays = (days + 3 - weekdays(times)).astype("datetime64[D]")
    return _year_day(thursdays) // 7


def _month(times: Times) -> Int64Array:
    return times.astype("datetime64[M]").astype(np.int64) % 12


_MONTH, _YEAR = 30.4, 365.2  # days, slightly below their mean lengths
Feature = tuple[Callable[[Times], Int64Array], int, float]
_DAYS: list[Feature] = [(weekdays, 6, 7.0), (_month_day, 30, _MONTH), (_year_day, 365, _YEAR)]
_HOURS: list[Feature] = [(_hour, 23, 1.0), *_DAYS]
_MINUTES: list[Feature] = [(_minute, 59, 1 / 24), *_HOURS]
# Features of a time: the function, its largest value, and its cycle in days
_FEATURES: dict[str, list[Feature]] = {
    "year": [],
    "month": [(_month, 11, _YEAR)],
    "week": [(_month_day, 30, _MONTH), (_week, 52, _YEAR)],
    "day": _DAYS,
    "business day": _DAYS,
    "hour": _HOURS,
    "minute": _MINUTES,
    "second": [(_second, 59, 1 / 1440), *_MINUTES],
}


def calendar_features(times: Times, frequency: Frequency) -> Float32Array:
    """Return calendar features, of shape (n_times, n_features).

    Each ranges from -1/2 to 1/2: hourly, the hour, the day of the week, of the month and of the
    year. The set of features depends on the frequency.
    """
    features = _features(frequency)
    table = np.empty((len(times), len(features)), dtype=np.float32)
    for column, (feature, most, _) in enumerate(features):
        table[:, column] = feature(times) / most - 0.5
    return table


def n_calendar_features(frequency: Frequency) -> int:
    """Return the number of calendar features."""
    return len(_features(frequency))


def repeated_features(
    units: Int64Array, n_steps: Int64Array, frequency: Frequency
) -> NDArray[np.bool_]:
    """Return which features complete their cycle twice between the first and the last step.

    The others identify single times: what is learned about these is useless later.

    Parameters
    ----------
    units : ndarray of shape (n_series,), dtype int64
        The `ordinals` of step 0 of each series.
    n_steps : ndarray of shape (n_series,), dtype int64
    frequency : Frequency
    """
    cycles = np.array([cycle for _, _, cycle in _features(frequency)])
    if len(units) == 0:
        return np.zeros(len(cycles), dtype=bool)
    ends = units + frequency.n_units * n_steps
    first, last = _times(np.array([units.min(), ends.max()]), frequency)
    return np.asarray((last - first) / _ONE_DAY >= 2 * cycles)


def _features(frequency: Frequency) -> list[Feature]:
    kind = frequency.unit
    if kind == "month" and frequency.n_units % 12 == 0:
        kind = "year"
    if kind == "day" and frequency.n_units % 7 == 0:
        kind = "week"
    return _FEATURES[kind]
