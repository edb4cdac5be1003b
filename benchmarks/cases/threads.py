"""The thread pool: one region of 64 small tasks, under three conditions."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.cases import laws
from benchmarks.workload import Workload


def region(divisor, spin, n, k):
    """A region's tasks, and rows whose labels cost OpenMP about as much."""
    X = laws.overlapping_groups(n, 16, k)
    return {"n_tasks": 64, "spin": spin, "X": X, "init": laws.distinct_rows(X, k)}


def all_visited(outcome, arrays):
    """1 if every task ran once (`visits` is left out by the peer that has other tasks)."""
    if "visits" not in outcome:
        return {}
    return {"right": float(np.all(outcome["visits"] == 1))}


LENGTHS = {
    "long": ("about 2 ms on one thread", 20_000, 20_000, 50),
    "short": ("about 0.3 ms on one thread", 3_000, 3_000, 50),
}
CONDITIONS = {
    "idle": "nothing else in the process",
    "busy": "beside a Python thread that computes",
    "forked": "in a forked child, after use in the parent",
}

WORKLOADS = [
    Workload(
        f"{condition}-{length}",
        f"64 tasks, {duration}, {circumstances}",
        "region",
        partial(region, spin=spin, n=n, k=k),
        all_visited,
        repeat=50,
        condition=condition,
        memory=False,
        quick=length == "short" and condition == "idle",
    )
    for condition, circumstances in CONDITIONS.items()
    for length, (duration, spin, n, k) in LENGTHS.items()
]
