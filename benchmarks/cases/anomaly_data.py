"""Data with labelled anomalies: tables of ADBench, series of NAB; `ALGOS_DATA` says where.

Arrays of different shapes travel flat: X one behind the other, and their shapes.
"""

from __future__ import annotations

import csv
import json
import os
from datetime import datetime
from pathlib import Path

import numpy as np

from benchmarks.workload import Unreachable

TAXI = "realKnownCause/nyc_taxi.csv"
# What the paper counts as anomalous (Guha et al., ICML 2016, section 4): Independence Day,
# Labor Day, its parade, the marathon, Thanksgiving, Christmas, New Year, the blizzard.
TAXI_DAYS = (
    *("2014-07-04", "2014-09-01", "2014-09-06", "2014-11-02", "2014-11-27", "2014-12-25"),
    *("2015-01-01", "2015-01-26", "2015-01-27"),
)


def folder(name):
    place = Path(os.environ.get("ALGOS_DATA", ".")) / "random_cut_forest" / name
    if not place.exists():
        raise Unreachable(f"there is no random_cut_forest/{name} in ALGOS_DATA")
    return place


def tables(divisor=1):
    """Return ADBench's tables with 0/1 labels; a smoke test takes the small ones."""
    parts = []
    for file in sorted(folder("adbench").glob("*.npz")):
        with np.load(file) as data:
            if divisor == 1 or len(data["y"]) < 1000:
                parts.append((data["X"].astype(np.float64), data["y"].astype(np.int64), file.stem))
    return {
        "X": np.concatenate([X.ravel() for X, _, _ in parts]),
        "shapes": np.array([X.shape for X, _, _ in parts]),
        "y": np.concatenate([y for _, y, _ in parts]),
        "names": np.array([name.split("_", 1)[1] for _, _, name in parts]),
    }


def unpacked(X, shapes):
    """Yield the tables that `tables` has packed."""
    begin = 0
    for n, d in shapes:
        yield X[begin : begin + n * d].reshape(n, d)
        begin += n * d


def series(divisor=1, least=0):
    """Return NAB's series that are here, and the windows of their anomalies.

    A smoke test takes the shortest one.
    """
    place = folder("nab")
    names = sorted(f"{file.parent.name}/{file.name}" for file in place.glob("*/*.csv"))
    labels = json.loads((place / "labels" / "combined_windows.json").read_text())
    read = {name: _read(place / name) for name in names}
    if divisor > 1:
        names = [min(names, key=lambda name: len(read[name][1]))]
    windows = [
        [number, *(read[name][0].index(_time(end)) for end in window)]
        for number, name in enumerate(names)
        for window in labels[name]
    ]
    return {
        "X": np.concatenate([read[name][1] for name in names]),
        "lengths": np.array([len(read[name][1]) for name in names]),
        "windows": np.array(windows),
        "names": np.array(names),
    }


def taxi(divisor=1):
    """Return the taxi rides of New York, NAB's windows of them, and the paper's days."""
    everything = series()
    number = list(everything["names"]).index(TAXI)
    times, values = _read(folder("nab") / TAXI)
    windows = everything["windows"]
    own = windows[windows[:, 0] == number, 1:]
    rows = np.arange(len(values))
    days = np.isin([time.date().isoformat() for time in times], TAXI_DAYS)
    keep = len(values) if divisor == 1 else 4000
    return {
        "X": values[:keep],
        "lengths": np.array([keep]),
        "inside": ((rows[:, None] >= own[:, 0]) & (rows[:, None] <= own[:, 1])).any(axis=1)[:keep],
        "windows": own[own[:, 1] < keep],
        "days": days[:keep],
    }


def _time(text):
    return datetime.fromisoformat(text)


def _read(file):
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [_time(row["timestamp"]) for row in rows], np.array([float(r["value"]) for r in rows])
