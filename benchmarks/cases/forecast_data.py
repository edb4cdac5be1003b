"""Panels of series with what came next: real ones where `ALGOS_DATA` has them, and a generated one.

A panel is a dict: `X` (n_series, n_times) is what is learned, NaN behind the end of shorter
series; `truth` (n_series, horizon) comes next. `start` is the time of the first column, `freq` the
step between columns, `season` the period of the naive forecast. `dynamic_real` (n_series,
n_features, n_times + horizon) is known ahead, and is brought to mean 0 and deviation 1.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path

import numpy as np

from benchmarks.cases import laws
from benchmarks.workload import Unreachable

LEAST = 8  # series of a smoke test


def file_of(name):
    """Return where a file of series is."""
    place = Path(os.environ.get("ALGOS_DATA", ".")) / "deepar" / name
    if not place.exists():
        raise Unreachable(f"there is no deepar/{name} in ALGOS_DATA")
    return place


def m4_hourly():
    """Return 414 series of 700 to 960 hours, and the 48 hours behind them."""
    train, test = (_short_rows(f"m4_hourly_{part}.csv.gz") for part in ("train", "test"))
    return _panel(train, np.array(test), "2015-01-01T00", "h", 24)


def los_speed():
    """Return a week of the speed at 207 places of Los Angeles' roads, every five minutes."""
    with gzip.open(file_of("los_speed.csv.gz"), "rt") as lines:
        values = np.loadtxt(lines, delimiter=",", skiprows=1).T
    return _split(values, 24, "2012-03-01T00:00", "5min", 288)


def exchange_rate():
    """Return eight currencies' daily rates of 26 years."""
    with gzip.open(file_of("exchange_rate.txt.gz"), "rt") as lines:
        values = np.loadtxt(lines, delimiter=",").T
    return _split(values, 30, "1990-01-01", "B", 5)


def m3(period):
    """Return the M3 competition's monthly or quarterly series."""
    with gzip.open(file_of("m3_data.json.gz"), "rt") as file:
        found = [one for one in json.load(file).values() if one["period"][0] == period]
    freq, season = {"MONTHLY": ("M", 12), "QUARTERLY": ("Q", 4)}[period]
    truth = np.array([one["xx"] for one in found], dtype=np.float64)
    return _panel([one["x"] for one in found], truth, "1980-01-01", freq, season)


def tourism():
    """Return quarterly trips within Australia, by region, state and purpose."""
    rows = _table("tourism_australia_long.csv.gz")
    places = {}
    for row in rows:
        key = row["Region"], row["State"], row["Purpose"]
        places.setdefault(key, []).append(float(row["Trips"]))
    panel = _split(np.array(list(places.values())), 8, "1998-01-01", "Q", 4)
    columns = [np.unique(names, return_inverse=True)[1] for names in zip(*places, strict=True)]
    return panel | {"static_categorical": np.stack(columns, axis=1)}


def prices():
    """Return the hourly price of electricity in four markets, with forecasts of load and wind."""
    return _long("electricity_short_with_ex_vars.csv.gz", ["Exogenous1", "Exogenous2"], 24, "h", 24)


def sales():
    """Return daily sales of eight foods in one state, with price and events: counts."""
    events = [f"event_type_{kind}" for kind in ("Cultural", "National", "Religious", "Sporting")]
    panel = _long("m5_sales_exog_small.csv.gz", ["sell_price", *events], 28, "D", 7)
    return panel | {"likelihood": "negative_binomial"}


def planted(n_series=200, n_times=700, horizon=24):
    """Return hourly series of a known law, and the quantiles of what comes.

    Each series is of one of four kinds, whose days and weeks are alike, times a level of its own;
    its noise is Gaussian. Some blocks are missing.
    """
    rng = np.random.default_rng([laws.SEED, n_series, n_times, horizon, 31])
    kinds = rng.integers(4, size=n_series)
    level = np.exp(rng.normal(3.0, 1.0, size=(n_series, 1)))
    time = np.arange(n_times + horizon)
    day = 1 + 0.6 * np.sin(2 * np.pi * (time / 24 - kinds[:, None] / 4))
    week = np.where(time // 24 % 7 < 5, 1.0, 0.7)
    noise = 0.1 * rng.standard_normal((n_series, n_times + horizon))
    series = level * (day * week + noise)
    panel = _split(series, horizon, "2024-01-01T00", "h", 24)
    for row in panel["X"][::3]:
        begin = rng.integers(n_times - 100)
        row[begin : begin + 40] = np.nan
    mean = (level * day * week)[:, -horizon:]
    return panel | {"mean": mean, "deviation": 0.1 * level, "static_categorical": kinds[:, None]}


PANELS = {
    "m4-hourly": m4_hourly,
    "los-speed": los_speed,
    "exchange-rate": exchange_rate,
    "m3-monthly": lambda: m3("MONTHLY"),
    "m3-quarterly": lambda: m3("QUARTERLY"),
    "tourism": tourism,
    "prices": prices,
    "sales": sales,
    "planted": planted,
}


def panel(divisor, name):
    """Return a panel; a smoke test takes some of its series, and learns hardly anything."""
    found = PANELS[name]()
    n = len(found["X"])
    keep = laws.n_rows(n, divisor, LEAST)
    few = {name: value[:keep] if np.ndim(value) else value for name, value in found.items()}
    return few | {"short": int(divisor > 1)}


def windows(divisor, name, n_windows):
    """Return a panel of which so many windows come, one behind the other: `later` has them all.

    `truth` has the series of the first window, then those of the next. A horizon of a handful
    of series is a few days' luck; the mean over windows is less of it.
    """
    found = panel(divisor, name)
    horizon = found["truth"].shape[1]
    whole = np.concatenate([found["X"], found["truth"]], axis=1)
    cut = whole.shape[1] - n_windows * horizon
    later = whole[:, cut:]
    truth = np.concatenate(np.split(later, n_windows, axis=1))
    return found | {"X": whole[:, :cut].copy(), "later": later.copy(), "truth": truth}


def hours(divisor):
    """Return M4's hourly panel, or one of its size where it is not at hand."""
    try:
        return panel(divisor, "m4-hourly")
    except Unreachable:
        n = laws.n_rows(414, divisor, LEAST)
        return planted(n, 960, 48) | {
            "short": int(divisor > 1),
            "source": "generated (no deepar/m4_hourly_train.csv.gz in ALGOS_DATA)",
        }


def _panel(series, truth, start, freq, season):
    """Return ragged series as rows, NaN behind their ends."""
    X = np.full((len(series), max(map(len, series))), np.nan)
    for row, values in zip(X, series, strict=True):
        row[: len(values)] = values
    return {
        "X": X,
        "truth": truth,
        "start": np.datetime64(start),
        "freq": freq,
        "season": season,
        "likelihood": "student_t",
    }


def _split(values, horizon, start, freq, season):
    """Return a panel whose last steps come next."""
    return _panel(values[:, :-horizon].copy(), values[:, -horizon:], start, freq, season)


def _short_rows(name):
    """Return the numbers of each row of a table, behind its name; empty cells end a row."""
    with gzip.open(file_of(name), "rt", newline="") as lines:
        _, *rows = csv.reader(lines)
    return [[float(cell) for cell in row[1:] if cell] for row in rows]


def _table(name):
    with gzip.open(file_of(name), "rt", newline="") as lines:
        return list(csv.DictReader(lines))


def _long(name, covariates, horizon, freq, season):
    """Return a panel of a long table; its series are of one length and may start on other days."""
    series = {}
    for row in _table(name):
        series.setdefault(row["unique_id"], []).append(row)
    values = np.array([[float(row["y"]) for row in rows] for rows in series.values()])
    known = np.array(
        [
            [[float(row[key] or "nan") for row in rows] for key in covariates]
            for rows in series.values()
        ]
    )
    learned = known[:, :, :-horizon]
    center = np.nanmean(learned, axis=(0, 2), keepdims=True)
    width = np.nanstd(learned, axis=(0, 2), keepdims=True)
    known = np.nan_to_num((known - center) / np.where(width > 0, width, 1.0))  # missing: the mean
    found = _split(values, horizon, "1970-01-01", freq, season)
    starts = [np.datetime64(rows[0]["ds"].replace(" ", "T"), "s") for rows in series.values()]
    return found | {"start": np.array(starts), "dynamic_real": known}
