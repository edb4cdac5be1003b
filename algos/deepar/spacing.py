"""The distance between times, and their places on an even grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.arrays import Int64Array
from algos.deepar.calendar import ends_month, ordinals, weekdays
from algos.deepar.frequency import Frequency

Times = NDArray[np.datetime64]

_DAY = 86400
_SPARSE, _FEW = 20, 1000  # a grid may have 20 points for each time, plus 1000


def infer_frequency(times: Times, series: Int64Array) -> Frequency:
    """Return the largest step that divides all distances between times of a series.

    Parameters
    ----------
    times : ndarray of shape (n_times,), dtype datetime64[s]
    series : ndarray of shape (n_times,), dtype int64
        The series of each time.

    Raises
    ------
    ValueError
        If no series has two times, or if all have two times each month.
    """
    seconds = times.astype(np.int64)
    order = np.lexsort((seconds, series))
    is_next = np.diff(series[order]) == 0
    gaps = np.diff(seconds[order])[is_next]
    gaps = gaps[gaps > 0]
    if len(gaps) == 0:
        raise ValueError("`freq`=None must be given for series of a single time; write freq='h' …")
    if gaps.min() >= 28 * _DAY and (gaps % _DAY == 0).all():
        months = np.diff(times.astype("datetime64[M]").astype(np.int64)[order])[is_next]
        if _are_months(times) or (gaps % (7 * _DAY)).any():
            return Frequency("month", int(np.gcd.reduce(months)))
    step = int(np.gcd.reduce(gaps))
    if step == _DAY and _are_half_months(times):
        raise ValueError(
            "times are two days of each month, which are not evenly spaced; aggregate them to "
            "months, or give freq='D' for days most of which are missing"
        )
    if step == _DAY and weekdays(times).max() < 5 and gaps.max() > 2 * _DAY:
        return Frequency("business day", 1)
    return Frequency.of(f"{step}s") if step % _DAY else Frequency("day", step // _DAY)


def _are_months(times: Times) -> bool:
    """Return whether all times are on the same day of their months, or on the last one."""
    days = times.astype("datetime64[D]")
    in_month = (days - days.astype("datetime64[M]")).astype(np.int64)
    return bool((in_month == in_month[0]).all() or ends_month(days).all())


def _are_half_months(times: Times) -> bool:
    """Return whether all times are on the 15th and the first or last day of their months."""
    days = times.astype("datetime64[D]")
    in_month = (days - days.astype("datetime64[M]")).astype(np.int64)
    is_middle = in_month == 14
    return bool(
        is_middle.any()
        and ((is_middle | (in_month == 0)).all() or (is_middle | ends_month(days)).all())
    )


def day_of_business(times: Times, freq: Any = None) -> str | None:
    """Return the business day of their months that all times are on: "first", "last" or None.

    The day that `freq` names is accepted as given. It is also None if all times are on the same
    calendar day, which needs no weekdays.
    """
    said = Frequency.day_of_business(freq)
    if said is not None:
        return said
    days = times.astype("datetime64[D]")
    if _are_months(times):
        return None
    return next((day for day in ("first", "last") if (on_business(days, day) == days).all()), None)


def on_business(days: Times, day: str) -> Times:
    """Return the "first" or "last" business day of the months of some days."""
    first = days.astype("datetime64[M]").astype("datetime64[D]")
    if day == "first":
        return np.busday_offset(first, 0, roll="forward")
    after = (days.astype("datetime64[M]") + 1).astype("datetime64[D]")
    return np.busday_offset(after - np.timedelta64(1, "D"), 0, roll="backward")


def grid_places(
    times: Times,
    series: Int64Array,
    n_series: int,
    frequency: Frequency,
    ids: NDArray[Any] | None = None,
) -> tuple[Int64Array, Int64Array]:
    """Return the step of each time, from 0 in each series, and the number of steps of each.

    Raises
    ------
    ValueError
        If a time occurs twice in a series or lies between two steps, or if few of the steps
        have a time.
    """
    units = ordinals(times, frequency)
    if frequency.unit == "business day" and weekdays(times).max(initial=0) > 4:
        raise ValueError("times must be business days for freq='B'; use freq='D'")
    begins = np.full(n_series, np.iinfo(np.int64).max)
    np.minimum.at(begins, series, units)
    apart = units - begins[series]
    is_between = apart % frequency.n_units > 0
    places = apart // frequency.n_units
    n_steps = np.zeros(n_series, dtype=np.int64)
    np.maximum.at(n_steps, series, places + 1)
    if is_between.any() or n_steps.sum() > _SPARSE * len(times) + _FEW:
        wrong = (
            f"{times[np.argmax(is_between)]} lies between two"
            if is_between.any()
            else "most of the steps have none"
        )
        raise ValueError(
            f"times must be steps of freq={str(frequency)!r}, and {wrong}; give the right `freq`, "
            f"or resample the frame"
        )
    flat = places + (np.cumsum(n_steps) - n_steps)[series]
    counts = np.bincount(flat)
    if counts.max(initial=0) > 1:
        rows = np.flatnonzero(flat == np.argmax(counts > 1))[:2]
        raise _repeated(times[rows], frequency, None if ids is None else ids[series[rows[0]]])
    return places, n_steps


def _repeated(times: Times, frequency: Frequency, of: Any) -> ValueError:
    """Return the error for two times in one step of the series `of`, or of all if it is None."""
    if times[0] != times[1]:
        where = "" if of is None else f" of series {_plain(of)!r}"
        return ValueError(
            f"times must occur once in a series, and {times[0]} and {times[1]} are the same "
            f"step{where} at freq={str(frequency)!r}; aggregate them, or give a finer `freq`"
        )
    if of is None:
        return ValueError(
            f"times must occur once, and two rows have {times[0]}; aggregate them, or use "
            f"`panel_from_long` if a column names the series of each row"
        )
    return ValueError(
        f"times must occur once in a series, and {_plain(of)!r} has two rows at {times[0]}; if "
        f"another column tells them apart, name it, too, as in id=['store', 'item']; otherwise "
        f"aggregate them"
    )


def _plain(name: Any) -> Any:
    """Return a name of a series without numpy's types."""
    return name.item() if isinstance(name, np.generic) else name
