"""Frequencies: the distance between steps of a series, and lags at which values repeat."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algos._common.params import InvalidParameterError

LONGEST_LAG = 1441  # one more than a day of minutes
_CONSECUTIVE = 7  # the lags 1 … 7 are always included
_MONTH, _WEEK, _DAY, _HOUR, _MINUTE = 30 * 86400, 604800, 86400, 3600, 60

# Names in pandas, before version 2.2 and since: unit and number of units
_NAMES = {
    **dict.fromkeys(("Y", "YE", "YS", "A", "AS", "BY", "BYE", "BYS", "BA", "BAS"), ("month", 12)),
    **dict.fromkeys(("Q", "QE", "QS", "BQ", "BQE", "BQS"), ("month", 3)),
    **dict.fromkeys(("M", "ME", "MS", "BM", "BME", "BMS"), ("month", 1)),
    "W": ("day", 7),
    "D": ("day", 1),
    **dict.fromkeys(("B", "C"), ("business day", 1)),
    **dict.fromkeys(("h", "H"), ("hour", 1)),
    **dict.fromkeys(("min", "T"), ("minute", 1)),
    **dict.fromkeys(("s", "S"), ("second", 1)),
}
_FORM = re.compile(r"(\d*)([A-Za-z]+)(?:-[A-Z]{3})?")
_COARSER = {  # units in the next larger one
    "second": (60, "minute"),
    "minute": (60, "hour"),
    "hour": (24, "day"),
}
_SHORT = {"business day": "B", "day": "D", "hour": "h", "minute": "min", "second": "s"}
_SECONDS = {"second": 1, "minute": _MINUTE, "hour": _HOUR, "day": _DAY}


@dataclass(frozen=True)
class Frequency:
    """The distance between two steps: a number of units.

    Attributes
    ----------
    unit : {"month", "business day", "day", "hour", "minute", "second"}
        The unit.
    n_units : int
        The number of units.
    """

    unit: str
    n_units: int

    @classmethod
    def of(cls, freq: Any) -> Frequency:
        """Parse a string in pandas' old or new spelling, or an offset.

        Raises
        ------
        ValueError
            If it is not a frequency, or one that is not supported.
        """
        given, freq = freq, getattr(freq, "freqstr", freq)
        match = _FORM.fullmatch(freq.replace(" ", "")) if isinstance(freq, str) else None
        name = match[2] if match else ""
        number = int(match[1] or 1) if match else 0
        if name not in _NAMES or not 1 <= number <= 10**6:
            raise InvalidParameterError(
                f"`freq`={given!r} must be None or a number and one of Y, Q, M, W, B, D, h, min, s "
                f"in pandas' spelling; write '15min', 'h' or '2W'"
            )
        unit, n_units = _NAMES[name]
        n_units *= number
        while unit in _COARSER and n_units % _COARSER[unit][0] == 0:
            many, coarser = _COARSER[unit]
            unit, n_units = coarser, n_units // many
        return cls(unit, n_units)

    def __str__(self) -> str:
        many = next((many for many in (12, 3) if self.n_units % many == 0), 1)
        if self.unit == "month":
            number, name = self.n_units // many, {12: "Y", 3: "Q", 1: "M"}[many]
        elif self.unit == "day" and self.n_units % 7 == 0:
            number, name = self.n_units // 7, "W"
        else:
            number, name = self.n_units, _SHORT[self.unit]
        return f"{number if number > 1 else ''}{name}"

    @staticmethod
    def day_of_business(freq: Any) -> str | None:
        """Return the business day of a month that `freq` names: "first" or "last" (as "BME")."""
        match = _FORM.fullmatch(str(getattr(freq, "freqstr", freq)).replace(" ", ""))
        name = match[2] if match else ""
        if len(name) < 2 or name[0] != "B" or name not in _NAMES:
            return None
        return "first" if name[-1] == "S" else "last"

    @property
    def n_seconds(self) -> int:
        """Length of a step; 0 if it varies."""
        return self.n_units * _SECONDS.get(self.unit, 0)

    def lags(self) -> set[int]:
        """Return the lags of whole cycles, and those next to them.

        Hourly, these are the last 7 days, the last 4 weeks and 30 days ago; the lag itself, the
        one before and the one after.
        """
        if self.unit == "month":
            return _around(12 / self.n_units, 3, 1) if self.n_units < 12 else set()
        if self.unit == "business day":
            return _of_days(self.n_units, week=5, month=22, year=260)
        if self.unit == "day":
            return _of_days(self.n_units, week=7, month=30, year=364)
        step = self.n_seconds
        lags = _around(_WEEK / step, 4, 1) | _around(_MONTH / step, 1, 1)
        lags |= _around(_DAY / step, 7, 1)
        if step < _HOUR:
            lags |= _around(_HOUR / step, 3, 2)
        if step < _MINUTE:
            lags |= _around(_MINUTE / step, 3, 2)
        return lags


def _of_days(n_days: int, *, week: int, month: int, year: int) -> set[int]:
    """Return the lags around whole weeks, a month and years, steps being `n_days` apart."""
    lags = _around(week / n_days, 4, 1) if n_days < week else {4, 8, 12}
    lags |= _around(month / n_days, 1, 1) | _around(year / n_days, 3, 1)
    return lags | {int(weeks * week / n_days) for weeks in (4, 8, 12)}


def _around(cycle: float, n_cycles: int, beside: int) -> set[int]:
    """Return the lags of the first `n_cycles` cycles, and up to `beside` on each side."""
    middles = (int(k * cycle) for k in range(1, n_cycles + 1))
    return {middle + side for middle in middles for side in range(-beside, beside + 1)}


def default_lags(
    freq: str | None, prediction_length: int, furthest: int | None = None
) -> NDArray[np.int32]:
    """Return the default lags, ascending.

    Parameters
    ----------
    freq : str or None
        Without it, the prediction length is assumed to be a cycle.
    prediction_length : int
    furthest : int, default=None
        The largest lag. A longer one that few windows of training can reach, but forecasts
        do, would be an input about which nothing was learned.
    """
    lags = _around(prediction_length, 2, 1) if freq is None else Frequency.of(freq).lags()
    most = LONGEST_LAG if furthest is None else min(LONGEST_LAG, max(furthest, 1))
    lags |= set(range(1, _CONSECUTIVE + 1))
    return np.array(sorted(lag for lag in lags if 1 <= lag <= most), dtype=np.int32)


def check_lags(
    lags: Any, freq: str | None, prediction_length: int, furthest: int | None = None
) -> NDArray[np.int32]:
    """Return the parameter `lags` as an array, "auto" resolved by `default_lags`.

    Raises
    ------
    ValueError
        If it is neither "auto" nor positive integers.
    """
    if isinstance(lags, str) and lags == "auto":
        return default_lags(freq, prediction_length, furthest)
    given = np.asarray(lags)
    is_right = given.ndim == 1 and given.dtype.kind in "iu" and given.size > 0
    if not is_right or given.min() < 1 or given.max() > np.iinfo(np.int32).max // 2:
        raise InvalidParameterError(
            f"`lags`={lags!r} must be 'auto' or a list of positive ints; write [1, 2, 24] for "
            f"the values one, two and 24 steps before"
        )
    return np.unique(given).astype(np.int32)
