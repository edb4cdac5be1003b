"""The rows of k-means."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from scipy.sparse import issparse
from sklearn.preprocessing import normalize

from benchmarks.cases import laws
from benchmarks.workload import Workload


def inertia(X, centers, chunk=8192):
    """The sum of squared distances, in float64 whatever X is, and by differences if dense."""
    if issparse(X):
        return sparse_inertia(X, np.asarray(centers, dtype=np.float64), chunk)
    shift = X[:chunk].mean(axis=0, dtype=np.float64)
    centers = np.asarray(centers, dtype=np.float64) - shift
    norms = np.einsum("kd,kd->k", centers, centers)
    total = 0.0
    for begin in range(0, len(X), chunk):
        rows = X[begin : begin + chunk] - shift
        nearest = np.argmin(norms - 2 * rows @ centers.T, axis=1)
        total += np.sum((rows - centers[nearest]) ** 2)
    return float(total)


def sparse_inertia(X, centers, chunk):
    """The same of CSR rows, which have no offset that differences would have to save."""
    total, norms = float(np.sum(X.data.astype(np.float64) ** 2)), np.sum(centers**2, axis=1)
    for begin in range(0, X.shape[0], chunk):
        rows = X[begin : begin + chunk].astype(np.float64)
        total += np.sum(np.min(norms - 2 * (rows @ centers.T), axis=1))
    return total


def mean_cosine(outcome, arrays):
    """The mean cosine of the rows to the nearest of the returned centres."""
    cosines = normalize(arrays["X"].astype(np.float64)) @ normalize(outcome["centers"]).T
    return {"cosine": cosines.max(axis=1).mean(), "iterations": outcome["iterations"]}


def clustering_quality(outcome, arrays):
    """True inertia per row of the returned centres, and how wrong the reported one is."""
    true = inertia(arrays["X"], outcome["centers"])
    quality = {"inertia/row": true / arrays["X"].shape[0]}
    if "inertia" in outcome:
        quality["inertia error"] = abs(outcome["inertia"] - true) / true
    if "iterations" in outcome:
        quality["iterations"] = outcome["iterations"]
    return quality


def against_optimum(outcome, arrays):
    """Inertia, true and reported, in units of the optimum's in float64."""
    true = inertia(arrays["X"], outcome["centers"])
    quality = {"true / optimum": true / arrays["optimum"]}
    if "inertia" in outcome:
        quality["reported / optimum"] = outcome["inertia"] / arrays["optimum"]
    return quality


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


def groups(divisor, n, d, k, whole=False):
    X = laws.overlapping_groups(laws.n_rows(n, divisor, n if whole else 4 * k), d, 2 * k)
    return {"X": X, "init": laws.distinct_rows(X, k)}


def shifted_digits(divisor):
    X, source = laws.digits(laws.n_rows(60_000, divisor, 500))
    return {"X": X, "init": laws.distinct_rows(X, 10), "source": source}


def sparse_rows(divisor):
    X = laws.sparse_groups(laws.n_rows(100_000, divisor, 2000), 10_000, 70, 200)
    return {"X": X, "init": laws.distinct_rows(X, 100)}


def few_rows(divisor, count):
    X = laws.overlapping_groups(laws.n_rows(100_000, divisor, 2000), 50, 40)
    return {"X": X, "init": laws.distinct_rows(X, 20), "rows": X[:count].copy()}


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

ITERATIONS = [
    Workload(
        f"iterations-{name}",
        f"{shape}: at most {count} iterations (tol=0) from the same centres",
        "kmeans_iterations",
        data,
        clustering_quality,
        {"max_iter": count},
        user=name in "ad",
        quick=name == "d",
    )
    for name, (shape, data, _, count) in SHAPES.items()
]

SPARSE = Workload(
    "iterations-sparse",
    "CSR, 100k × 10k, about 65 values a row, k=100: at most 5 iterations (tol=0)",
    "kmeans_iterations",
    sparse_rows,
    clustering_quality,
    {"max_iter": 5},
    repeat=3,
    quick=False,
)

SEEDING = [
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
]

FITS = [
    Workload(
        f"fit-{name}",
        f"{shape}: fit with defaults, to convergence, median over seeds",
        "kmeans_fit",
        data,
        clustering_quality,
        {"n_clusters": k},
        repeat=3 if name in "ab" else 5,
        seeded=True,
        user=name == "d",
        quick=False,
    )
    for name, (shape, data, k, _) in SHAPES.items()
]

SMALL = [
    Workload(
        f"small-{n}",
        f"{n} × {d}, k={k}: fit with defaults, median over seeds",
        "kmeans_fit",
        partial(groups, n=n, d=d, k=k, whole=True),
        clustering_quality,
        {"n_clusters": k},
        seeded=True,
        user=True,
        memory=False,
        quick=False,
    )
    for n, d, k in ((150, 4, 3), (2000, 20, 10))
]

CALLS = [
    Workload(
        f"{task}-{count}",
        f"{task} of {count} rows, 50 columns, k=20"
        if count > 1
        else f"{task} of one row, 50 columns, k=20",
        f"kmeans_{task}",
        partial(few_rows, count=count),
        quality,
        memory=False,
        user=count == 1,
        quick=count == 1 and task == "predict",
    )
    for task, quality in (("predict", right_labels), ("transform", right_distances))
    for count in (1, 100, 1000)
]

STREAM = Workload(
    "stream-a",
    "1M × 32, k=100: one pass over batches of 10k rows",
    "kmeans_stream",
    SHAPES["a"][1],
    clustering_quality,
    {"n_clusters": 100, "batch_size": 10_000},
    repeat=3,
)

# The same with fewer centres, which still give less inertia than the peers reach.
STREAM_OF_FEW = replace(
    STREAM,
    name="stream-few",
    caption=STREAM.caption + "; of ours with 4 centres a cluster instead of 10",
    options={**STREAM.options, "extra_center_factor": 4},
    quick=False,
)

COSINE = Workload(
    "cosine",
    "200k × 64, k=100, cosine distance: at most 10 iterations (tol=0) from the same centres",
    "kmeans_cosine",
    partial(groups, n=200_000, d=64, k=100),
    mean_cosine,
    {"max_iter": 10},
    repeat=3,
)

OFFSETS = [
    Workload(
        f"offset-{offset:g}",
        f"20k × 16, k=10, all columns + {offset:g}, float32",
        "kmeans_iterations",
        partial(far_from_zero, offset=offset),
        against_optimum,
        {"max_iter": 20},
        memory=False,
        quick=False,
    )
    for offset in (0.0, 1e3, 1e4)
]

WORKLOADS = [
    *ITERATIONS,
    SPARSE,
    *SEEDING,
    *FITS,
    *SMALL,
    *CALLS,
    STREAM,
    STREAM_OF_FEW,
    COSINE,
    *OFFSETS,
]
