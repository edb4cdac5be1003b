"""The rows of k-means."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.cases import laws
from benchmarks.workload import Workload


def inertia(X, centers, chunk=8192):
    """The sum of squared distances, in float64 whatever X is, and by differences."""
    shift = X[:chunk].mean(axis=0, dtype=np.float64)
    centers = np.asarray(centers, dtype=np.float64) - shift
    norms = np.einsum("kd,kd->k", centers, centers)
    total = 0.0
    for begin in range(0, len(X), chunk):
        rows = X[begin : begin + chunk] - shift
        nearest = np.argmin(norms - 2 * rows @ centers.T, axis=1)
        total += np.sum((rows - centers[nearest]) ** 2)
    return float(total)


def clustering_quality(outcome, arrays):
    """True inertia per row of the returned centres, and how wrong the reported one is."""
    true = inertia(arrays["X"], outcome["centers"])
    quality = {"inertia/row": true / len(arrays["X"])}
    if "inertia" in outcome:
        quality["inertia error"] = abs(outcome["inertia"] - true) / true
    if "iterations" in outcome:
        quality["iterations"] = outcome["iterations"]
    return quality


def against_optimum(outcome, arrays):
    """Inertia, true and reported, in units of the optimum's in float64."""
    true = inertia(arrays["X"], outcome["centers"])
    return {
        "true / optimum": true / arrays["optimum"],
        "reported / optimum": outcome["inertia"] / arrays["optimum"],
    }


def right_labels(outcome, arrays):
    """The share of labels that are those of the nearest centre in float64."""
    away = arrays["rows"][:, None].astype(np.float64) - outcome.get("centers", arrays["init"])
    nearest = np.argmin(np.sum(away**2, axis=2), axis=1)
    return {"right": np.mean(outcome["labels"] == nearest)} if "labels" in outcome else {}


def right_distances(outcome, arrays):
    """The largest error of a distance, relative to the largest distance."""
    if "distances" not in outcome:
        return {}
    away = arrays["rows"][:, None].astype(np.float64) - outcome["centers"]
    true = np.sqrt(np.sum(away**2, axis=2))
    return {"error": np.max(abs(outcome["distances"] - true)) / true.max()}


def groups(divisor, n, d, k):
    X = laws.overlapping_groups(laws.n_rows(n, divisor, 4 * k), d, 2 * k)
    return {"X": X, "init": laws.distinct_rows(X, k)}


def shifted_digits(divisor):
    X, source = laws.digits(laws.n_rows(60_000, divisor, 500))
    return {"X": X, "init": laws.distinct_rows(X, 10), "source": source}


def one_row(divisor):
    X = laws.overlapping_groups(laws.n_rows(100_000, divisor, 1000), 50, 40)
    return {"X": X, "init": laws.distinct_rows(X, 20), "rows": X[:1].copy()}


def far_from_zero(divisor, offset):
    """Separate groups moved by `offset`, in float32; the optimum is found in float64."""
    X, init = laws.separate_groups(laws.n_rows(20_000, divisor, 20_000), 16, 10)  # never fewer
    X, init = (X + offset).astype(np.float32), (init + offset).astype(np.float32)
    centers = init.astype(np.float64)
    for _ in range(20):
        rows = X - np.float64(offset)
        away = ((rows[:, None] - (centers - offset)) ** 2).sum(axis=2)
        labels = away.argmin(axis=1)
        centers = offset + np.array([rows[labels == j].mean(axis=0) for j in range(10)])
    return {"X": X, "init": init, "optimum": inertia(X, centers)}


SHAPES = {
    "a": ("1M × 32, k=100", partial(groups, n=1_000_000, d=32, k=100), 100, 20),
    "b": ("200k × 128, k=1000", partial(groups, n=200_000, d=128, k=1000), 1000, 10),
    "c": ("60k × 784 digits, k=10", shifted_digits, 10, 20),
    "d": ("100k × 8, k=50", partial(groups, n=100_000, d=8, k=50), 50, 20),
}

WORKLOADS = [
    *(
        Workload(
            f"iterations-{name}",
            f"{shape}: at most {count} iterations (tol=0) from the same centres",
            "kmeans_iterations",
            data,
            clustering_quality,
            {"max_iter": count},
            quick=name in "cd",
        )
        for name, (shape, data, _, count) in SHAPES.items()
    ),
    *(
        Workload(
            f"seeding-{name}",
            f"{shape}: greedy k-means++ alone",
            "kmeans_seed",
            data,
            clustering_quality,
            {"n_clusters": k},
            repeat=3,
            quick=name == "d",
        )
        for name, (shape, data, k, _) in SHAPES.items()
    ),
    *(
        Workload(
            f"fit-{name}",
            f"{shape}: fit with defaults, to convergence",
            "kmeans_fit",
            data,
            clustering_quality,
            {"n_clusters": k},
            repeat=3,
            quick=name == "d",
        )
        for name, (shape, data, k, _) in SHAPES.items()
    ),
    Workload(
        "predict-one",
        "predict of one row, 50 columns, k=20",
        "kmeans_predict",
        one_row,
        right_labels,
        memory=False,
    ),
    Workload(
        "transform-one",
        "transform of one row, 50 columns, k=20",
        "kmeans_transform",
        one_row,
        right_distances,
        memory=False,
    ),
    *(
        Workload(
            f"offset-{offset:g}",
            f"20k × 16, k=10, all columns + {offset:g}, float32",
            "kmeans_iterations",
            partial(far_from_zero, offset=offset),
            against_optimum,
            {"max_iter": 20},
            memory=False,
        )
        for offset in (0.0, 1e3, 1e4)
    ),
]
