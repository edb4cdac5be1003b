"""The rows of the random cut forest: streams, batches, and how well anomalies are found."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks import anomalies
from benchmarks.cases import anomaly_data, laws
from benchmarks.workload import Workload

HALF_HOURS = 2 * 24 * 61  # of two months
STREAM_ROWS = 40_000
N_SEEDS = 8  # of detectors whose alarms are judged


def stream_rows(divisor, d):
    """A stream long enough for some runs, one column or more."""
    n = laws.n_rows(STREAM_ROWS, divisor, 4000)
    X, y = laws.pulse(n) if d == 1 else laws.outlying_groups(n, d)
    return {"X": X, "y": y}


def first_rows(divisor, n, d):
    """The rows of a new forest; few of them warm up, lest a full forest's memory be there."""
    X, y = laws.outlying_groups(laws.n_rows(n, divisor, 64), d)
    return {"X": X, "y": y}


def batch_rows(divisor, n):
    X, y = laws.outlying_groups(laws.n_rows(n, divisor, 1000), 10)
    return {"X": X, "y": y}


def of_planted(outcome, arrays):
    """How well the planted rows are found among those scored, if there are enough of them."""
    if "scores" not in outcome:
        return {}
    begin, scores = outcome["begin"], outcome["scores"]
    y = arrays["y"][begin : begin + len(scores)]
    return anomalies.ranking(y, scores) if y.sum() >= 5 else {}


def of_tables(outcome, arrays):
    """Means over tables; the deviation is that of these means over seeds."""
    ends = np.cumsum(arrays.get("scored", arrays["shapes"][:, 0]))[:-1]
    of_seeds = []
    for scores in outcome["scores"]:
        pairs = zip(np.split(arrays["y"], ends), np.split(scores, ends), strict=True)
        of_seeds.append(anomalies.with_spread([anomalies.ranking(*pair) for pair in pairs]))
    names = ("ROC-AUC", "AP")
    return anomalies.with_spread([{name: one[name] for name in names} for one in of_seeds])


def of_series(outcome, arrays):
    """NAB's scores."""
    lengths, windows = arrays["lengths"], arrays["windows"]
    return anomalies.with_spread(
        [anomalies.nab_scores(scores, lengths, windows) for scores in outcome["scores"]]
    )


def of_taxi(outcome, arrays, label):
    """Rankings of the rows behind the probation, and delays, by the windows or the days."""
    begin = anomalies.probation(len(arrays["X"]))
    y, found = arrays[label][begin:], []
    for scores in outcome["scores"]:
        scores = scores[begin:]
        alarms = scores >= anomalies.best_threshold(y, scores)
        events = anomalies.stretches(y)
        hits = np.mean([alarms[first:behind].any() for first, behind in events])
        delay = anomalies.delay(y, alarms)
        found.append(anomalies.ranking(y, scores) | {"delay": delay, "found": hits})
    return anomalies.with_spread(found)


STREAMS = [
    Workload(
        f"stream-{name}-{n_trees}",
        f"{words}, {n_trees} trees of 256: scores and updates, calls of thousands of rows",
        "forest_stream",
        partial(stream_rows, d=d),
        of_planted,
        {"shingle_size": shingle, "n_trees": n_trees, "sample_size": 256},
        memory=False,
        user=name == "10" and n_trees == 50,
        quick=name != "32" and n_trees == 50,
    )
    for n_trees in (50, 100)
    for name, words, d, shingle in (
        ("shingle8", "1 column, shingles of 8", 1, 8),
        ("10", "10 columns", 10, 1),
        ("32", "32 columns", 32, 1),
    )
]

ROW_BY_ROW = [
    Workload(
        f"row-{name}",
        f"{words}, 50 trees of 256: scores and updates, a call for each row",
        "forest_stream",
        partial(stream_rows, d=d),
        of_planted,
        {"shingle_size": shingle, "n_trees": 50, "sample_size": 256, "one_by_one": True},
        memory=False,
        quick=name == "10",
    )
    for name, words, d, shingle in (
        ("shingle8", "1 column, shingles of 8", 1, 8),
        ("10", "10 columns", 10, 1),
        ("32", "32 columns", 32, 1),
    )
]

MEMORY = [
    Workload(
        f"memory-{d}{suffix}",
        f"{d} columns, 50 trees of 256: a new forest and its first {words}",
        "forest_grow",
        partial(first_rows, n=n, d=d),
        lambda outcome, arrays: {},
        {"shingle_size": 1, "n_trees": 50, "sample_size": 256} | options,
        repeat=1,
        quick=d == 10 and not suffix,
    )
    for suffix, words, n, options in (
        ("", "3000 rows", 3000, {}),
        ("-late", "30k rows, decay 1e-5", 30_000, {"decay": 1e-5, "late": True}),
    )
    for d in (10, 32)
]

BATCHES = [
    Workload(
        f"{task}-{short}",
        f"{words} × 10, 100 trees of 256: {does}",
        f"forest_{task}",
        partial(batch_rows, n=n),
        of_planted,
        {"n_trees": 100, "sample_size": 256},
        repeat=3 if n > 100_000 else 5,
        memory=task == "score",
        user=n == 100_000,
        quick=n == 100_000,
    )
    for task, does in (("fit", "fit"), ("score", "scores of all rows"))
    for short, words, n in (("100k", "100k", 100_000), ("1m", "1M", 1_000_000))
]

TABLES = [
    Workload(
        name,
        f"{words}, 100 trees of 256: means over them, {N_SEEDS} seeds",
        "detect_in_tables",
        data,
        of_tables,
        {"n_trees": 100, "sample_size": 256, "n_seeds": N_SEEDS},
        repeat=1,
        memory=False,
    )
    for name, words, data in (
        ("tables", "nine tables of ADBench", anomaly_data.tables),
        ("novelties", "nine tables, half of their ordinary rows learned", anomaly_data.novelties),
        ("classes", "18 tables in which a class is made rare", anomaly_data.classes),
    )
]

NAB = Workload(
    "nab",
    "13 of NAB's 58 series (known causes and artificial anomalies), one by one, 100 trees of 256, "
    f"{N_SEEDS} seeds: NAB's scores",
    "detect_in_series",
    anomaly_data.series,
    of_series,
    {"shingle_size": 1, "n_trees": 100, "sample_size": 256, "n_seeds": N_SEEDS},
    repeat=1,
    memory=False,
)

TAXI = [
    Workload(
        f"taxi-{label}-{size}",
        f"New York's taxi rides, shingles of 48, {n_trees} trees of {size}, "
        f"{N_SEEDS} seeds; {words}",
        "detect_in_series",
        anomaly_data.taxi,
        partial(of_taxi, label=label),
        {"shingle_size": 48, "n_trees": n_trees, "sample_size": size, "n_seeds": N_SEEDS} | decay,
        repeat=1,
        memory=False,
        quick=False,
    )
    for label, words, n_trees, sizes, decay in (
        ("inside", "rows inside NAB's windows", 100, (256, 1024), {}),
        (
            "days",
            "the paper's days (the first is in the probation), decay of two months",
            200,
            (256, 512, 1024),
            {"decay": 1 / HALF_HOURS},
        ),
    )
    for size in sizes
]

WORKLOADS = [*STREAMS, *ROW_BY_ROW, *MEMORY, *BATCHES, *TABLES, NAB, *TAXI]
