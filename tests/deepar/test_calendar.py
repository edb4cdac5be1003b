"""The calendar, against pandas; and its one table for all series."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st

from algos.deepar.calendar import (
    calendar_table,
    n_calendar_features,
    ordinals,
    read_start,
    repeated_features,
)
from algos.deepar.frequency import Frequency

PARTS = {
    "second": lambda t: t.second / 59,
    "minute": lambda t: t.minute / 59,
    "hour": lambda t: t.hour / 23,
    "weekday": lambda t: t.day_of_week / 6,
    "day": lambda t: (t.day - 1) / 30,
    "year_day": lambda t: (t.day_of_year - 1) / 365,
    "week": lambda t: (t.isocalendar().week.to_numpy() - 1) / 52,
    "month": lambda t: (t.month - 1) / 11,
}
DAYS = ("weekday", "day", "year_day")
WANTED = {
    "s": ("second", "minute", "hour", *DAYS),
    "10min": ("minute", "hour", *DAYS),
    "h": ("hour", *DAYS),
    "D": DAYS,
    "B": DAYS,
    "W-SUN": ("day", "week"),
    "ME": ("month",),
    "QE": ("month",),
    "YE": (),
}


@pytest.mark.parametrize("freq", WANTED)
def test_features_are_those_of_pandas(freq):
    n = 200 if freq == "YE" else 500  # pandas 2 ends in 2262
    times = pd.date_range("2019-12-20", periods=n, freq=freq)
    frequency = Frequency.of(freq)
    start = read_start(times[0], 1)
    table, rows = calendar_table(ordinals(start, frequency), np.array([n]), frequency)
    assert rows[0] == 0
    assert n_calendar_features(frequency) == len(WANTED[freq])
    assert table.dtype == np.float32
    if freq in ("ME", "QE", "YE", "W-SUN"):
        times = times.normalize()
    for column, name in enumerate(WANTED[freq]):
        np.testing.assert_allclose(table[:, column], PARTS[name](times) - 0.5, atol=1e-6)
        assert np.abs(table[:, column]).max() <= 0.5


@given(
    starts=st.lists(st.integers(-300, 300), min_size=1, max_size=8),
    lengths=st.lists(st.integers(0, 40), min_size=8, max_size=8),
    freq=st.sampled_from(["h", "5h", "3D", "2M", "B"]),
)
def test_every_series_finds_its_own_times_in_the_table(starts, lengths, freq):
    frequency = Frequency.of(freq)
    units, n_steps = np.array(starts), np.array(lengths[: len(starts)])
    table, rows = calendar_table(units, n_steps, frequency)
    assert len(table) <= n_steps.sum()
    for unit, length, row in zip(units, n_steps, rows, strict=True):
        alone, first = calendar_table(np.array([unit]), np.array([length]), frequency)
        np.testing.assert_array_equal(table[row : row + length], alone[first[0] :])


def test_series_far_apart_do_not_fill_the_time_between():
    units = np.array([0, 10**9, -(10**9)])
    table, _ = calendar_table(units, np.array([10, 10, 10]), Frequency.of("s"))
    assert len(table) == 30


def test_shared_times_are_in_the_table_once():
    table, rows = calendar_table(np.arange(50), np.full(50, 100), Frequency.of("h"))
    assert len(table) == 149
    np.testing.assert_array_equal(rows, np.arange(50))


@pytest.mark.parametrize(
    "start",
    [
        "2026-01-31 12:00",
        np.datetime64("2026-01-31T12:00:00"),
        dt.datetime(2026, 1, 31, 12),
        pd.Timestamp("2026-01-31 12:00"),
        pd.Period("2026-01-31 12:00", freq="h"),
        ["2026-01-31 12:00"] * 2,
        [pd.Timestamp("2026-01-31 12:00")] * 2,
        pd.Series(["2026-01-31 12:00"] * 2),
        pd.Series([pd.Timestamp("2026-01-31 12:00")] * 2),
        pd.PeriodIndex(["2026-01-31 12:00"] * 2, freq="h"),
    ],
)
def test_starts_may_be_written_in_many_ways(start):
    times = read_start(start, 2)
    np.testing.assert_array_equal(times, np.full(2, np.datetime64("2026-01-31T12:00:00")))
    assert times.dtype == "datetime64[s]"


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (["2026-01-01"] * 3, r"the shape \(2,\).* has \(3,\)"),
        ([["2026-01-01"], ["2026-01-01"]], r"the shape \(2,\)"),
        (["2026-01-01", "NaT"], "number 1 is NaT"),
        (pd.NaT, "must be a time, and is missing"),
        ([pd.Timestamp("2026-01-01"), pd.NaT], "number 1 is NaT"),
        ([pd.NaT] * 2, "number 0 is NaT"),
        ("yesterday", "must hold times"),
        (20260101, "must hold times"),
        (pd.Timestamp("2026-01-01", tz="UTC"), "without a time zone; .*tz_localize"),
        ([pd.Timestamp("2026-01-01", tz="UTC")] * 2, "without a time zone; .*tz_localize"),
    ],
)
def test_other_starts_are_refused(start, message):
    with pytest.raises(ValueError, match="`start`.*" + message):
        read_start(start, 2)


def test_a_weekend_counts_as_the_next_business_day():
    frequency = Frequency.of("B")
    friday, sunday, monday = ordinals(
        read_start(["2026-01-02", "2026-01-04", "2026-01-05"], 3), frequency
    )
    assert sunday == monday == friday + 1


@pytest.mark.parametrize(
    "freq, n_steps, repeated",
    [
        ("h", 24 * 10, [True, False, False, False]),
        ("h", 24 * 70, [True, True, True, False]),
        ("D", 731, [True, True, True]),
        ("B", 200, [True, True, False]),
        ("ME", 23, [False]),
        ("ME", 24, [True]),
    ],
)
def test_features_of_incomplete_cycles_are_found(freq, n_steps, repeated):
    frequency = Frequency.of(freq)
    units = ordinals(np.array(["2020-01-01"], dtype="datetime64[s]"), frequency)
    found = repeated_features(units, np.array([n_steps]), frequency)
    assert list(found) == repeated
