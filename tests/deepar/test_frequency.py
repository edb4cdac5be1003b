"""Frequencies: parsing, their lags, and inference."""

import numpy as np
import pandas as pd
import pytest

from algos.deepar.frequency import Frequency, check_lags, default_lags
from algos.deepar.spacing import infer_frequency


@pytest.mark.parametrize(
    ("freq", "unit", "n_units", "name"),
    [
        ("h", "hour", 1, "h"),
        ("H", "hour", 1, "h"),
        ("15min", "minute", 15, "15min"),
        ("15T", "minute", 15, "15min"),
        ("60min", "hour", 1, "h"),
        ("90s", "second", 90, "90s"),
        ("3600s", "hour", 1, "h"),
        ("24h", "day", 1, "D"),
        ("2D", "day", 2, "2D"),
        ("W-SUN", "day", 7, "W"),
        ("2W", "day", 14, "2W"),
        ("B", "business day", 1, "B"),
        ("ME", "month", 1, "M"),
        ("MS", "month", 1, "M"),
        ("2M", "month", 2, "2M"),
        ("QE-DEC", "month", 3, "Q"),
        ("A-JAN", "month", 12, "Y"),
        ("YE", "month", 12, "Y"),
        ("2Q", "month", 6, "2Q"),
    ],
)
def test_pandas_spellings_old_and_new_are_understood(freq, unit, n_units, name):
    frequency = Frequency.of(freq)
    assert (frequency.unit, frequency.n_units, str(frequency)) == (unit, n_units, name)
    assert Frequency.of(name) == frequency


@pytest.mark.parametrize("freq", ["", "ms", "m", "0h", "-1h", "hourly", "1.5h", 3, None, "h-"])
def test_other_frequencies_are_refused_with_those_that_there_are(freq):
    with pytest.raises(ValueError, match=r"`freq`=.*must be.*write '15min'"):
        Frequency.of(freq)


@pytest.mark.parametrize(
    ("freq", "count", "most"),
    [("h", 40, 721), ("D", 30, 1093), ("W", 18, 157), ("M", 16, 37), ("Q", 12, 13), ("Y", 7, 7)],
)
def test_lags_are_the_last_steps_and_those_around_whole_cycles(freq, count, most):
    lags = default_lags(freq, 24)
    assert (len(lags), lags[-1]) == (count, most)
    assert list(lags[:7]) == list(range(1, 8))
    assert (np.diff(lags) > 0).all()


def test_lags_of_hours_are_those_of_days_and_weeks():
    wanted = {*range(1, 8)}
    for cycle in (*range(24, 169, 24), 336, 504, 672, 720):
        wanted |= {cycle - 1, cycle, cycle + 1}
    assert set(default_lags("h", 24)) == wanted
    assert {1439, 1440, 1441} <= set(default_lags("min", 24))  # a day


@pytest.mark.parametrize("freq", ["s", "30s", "5min", "3h", "5D", "10D", "3B", "5W", "7M", "3Y"])
def test_lags_of_any_frequency_are_positive_and_bounded(freq):
    lags = default_lags(freq, 24)
    assert lags[0] == 1
    assert lags[-1] <= 1441
    assert lags.dtype == np.int32


def test_lags_without_a_frequency_are_around_the_prediction_length():
    assert list(default_lags(None, 12)) == [1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 23, 24, 25]


def test_no_lag_reaches_further_than_most_steps_can():
    assert default_lags("h", 24, furthest=50)[-1] == 49
    assert list(default_lags("h", 24, furthest=0)) == [1]


def test_own_lags_are_sorted_and_checked():
    assert list(check_lags([24, 1, 24, 2], "h", 24)) == [1, 2, 24]
    assert list(check_lags("auto", "Y", 2)) == [1, 2, 3, 4, 5, 6, 7]
    for wrong in ([], [0], [1.5], "none", None, [[1]], [2**40]):
        with pytest.raises(ValueError, match=r"`lags`=.*must be 'auto' or a list"):
            check_lags(wrong, "h", 24)


@pytest.mark.parametrize(
    "freq", ["s", "15s", "min", "15min", "h", "6h", "D", "2D", "B", "W-WED", "2W", "4W"]
    + ["ME", "MS", "2MS", "QE", "QS", "YE", "YS"],
)  # fmt: skip
def test_the_frequency_of_a_range_is_found_even_with_gaps(freq):
    times = pd.date_range("2023-11-30", periods=60, freq=freq).to_numpy("datetime64[s]")
    none = np.zeros(60, dtype=np.int64)
    assert infer_frequency(times, none) == Frequency.of(freq)
    kept = np.r_[0:10, 12:40, 41:60]
    assert infer_frequency(times[kept][::-1], none[kept]) == Frequency.of(freq)


def test_one_time_has_no_frequency():
    times = np.array(["2026-01-01", "2026-01-02"], dtype="datetime64[s]")
    with pytest.raises(ValueError, match=r"`freq`=None must be given"):
        infer_frequency(times, np.array([0, 1]))
