"""Data with labelled anomalies: tables of ADBench and of classes, series of NAB.

`ALGOS_DATA` says where they are.

Arrays of different shapes travel flat: X one behind the other, and their shapes.
"""

from __future__ import annotations

import csv
import json
import os
from datetime import datetime
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.decomposition import PCA

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
                name = file.stem.split("_", 1)[1]
                parts.append((data["X"].astype(np.float64), data["y"].astype(np.int64), name))
    return packed(parts)


def novelties(divisor=1):
    """Return the same tables, each behind half of its ordinary rows, which are to be `learned`.

    `y` and `scored`, their numbers, are of the rows behind these.
    """
    everything, rng = tables(divisor), np.random.default_rng(0)
    parts, learned, begin = [], [], 0
    arrays = zip(unpacked(everything["X"], everything["shapes"]), everything["names"], strict=True)
    for X, name in arrays:
        y, begin = everything["y"][begin : begin + len(X)], begin + len(X)
        ordinary = rng.permutation(np.flatnonzero(y == 0))
        learned.append(len(ordinary) // 2)
        order = np.concatenate([ordinary, np.flatnonzero(y)])
        parts.append((X[order], y[order[learned[-1] :]], name))
    scored = np.array([len(y) for _, y, _ in parts])
    return packed(parts) | {"learned": np.array(learned), "scored": scored}


def classes(divisor=1):
    """Return tables of classes, of which one, or in digits all but one, is made rare.

    Defaults were not chosen by these. A smoke test takes irises alone.
    """
    rng = np.random.default_rng(1)
    if divisor > 1:
        return packed(list(_rare_classes(rng, "iris", *load_iris(return_X_y=True), range(3), 8)))
    cancer, wine, few = load_breast_cancer(), load_wine(), range(0, 10, 2)
    with np.load(digits_file()) as data:
        pixels, digit = data["X"].astype(np.float64), data["y"]
    components = PCA(20, random_state=0).fit_transform(pixels)
    return packed(
        [
            *_rare_classes(rng, "cancer", cancer.data, cancer.target, (0, 0), 25),
            *_rare_classes(rng, "wine", wine.data, wine.target, range(3), 8),
            *_rare_classes(rng, "digits", *load_digits(return_X_y=True), few, 60),
            *_rare_classes(rng, "one-digit", components, digit, few, 40, others=True),
            *_rare_classes(rng, "iris", *load_iris(return_X_y=True), range(3), 8),
        ]
    )


def _rare_classes(rng, name, X, of_class, rare, n_rare, others=False):
    """Yield a table for each class: of it, or of the `others`, only `n_rare` rows are left."""
    for one in rare:
        is_rare = (of_class == one) != others
        odd = rng.choice(np.flatnonzero(is_rare), n_rare, replace=False)
        rows = np.concatenate([np.flatnonzero(~is_rare), odd])
        yield X[rows], is_rare[rows].astype(np.int64), f"{name}-{one}"


def digits_file():
    place = Path(os.environ.get("ALGOS_DATA", ".")) / "digits" / "mnist5000.npz"
    if not place.exists():
        raise Unreachable("there is no digits/mnist5000.npz in ALGOS_DATA")
    return place


def packed(parts):
    """Return tables, their labels and names as arrays that travel flat."""
    return {
        "X": np.concatenate([X.ravel() for X, _, _ in parts]),
        "shapes": np.array([X.shape for X, _, _ in parts]),
        "y": np.concatenate([y for _, y, _ in parts]),
        "names": np.array([name for _, _, name in parts]),
    }


def unpacked(X, shapes):
    """Yield the tables that `packed` has packed."""
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
