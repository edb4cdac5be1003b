"""The rows of PCA."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import issparse
from scipy.sparse.linalg import LinearOperator, eigsh

from benchmarks.cases import laws
from benchmarks.workload import Workload


def true_variances(X, count, chunk=65_536):
    """The largest eigenvalues of the covariance of X, in float64 and in two passes."""
    n, d = X.shape
    if issparse(X):
        return sparse_variances(X, count)
    mean = X.mean(axis=0, dtype=np.float64)
    if n < d:
        rows = X - mean
        gram = rows @ rows.T
    else:
        gram = np.zeros((d, d))
        for begin in range(0, n, chunk):
            rows = X[begin : begin + chunk] - mean
            gram += rows.T @ rows
    size = len(gram)
    values = eigh(gram / (n - 1), eigvals_only=True, subset_by_index=[size - count, size - 1])
    return values[::-1]


def sparse_variances(X, count):
    """The same by Lanczos, of rows that are centred in each product alone."""
    X, n = X.astype(np.float64), X.shape[0]
    mean = np.asarray(X.mean(axis=0)).ravel()

    def covariance(vector):
        away = X @ vector - mean @ vector
        return (X.T @ away - mean * away.sum()) / (n - 1)

    operator = LinearOperator((X.shape[1],) * 2, matvec=covariance, dtype=np.float64)
    start = np.random.default_rng(0).normal(size=X.shape[1])
    return np.sort(eigsh(operator, count, v0=start, return_eigenvectors=False))[::-1]


def variance_error(outcome, arrays):
    """The largest relative error of an eigenvalue, and the variance along the components."""
    true = arrays["variances"]
    return {
        "eigenvalue error": np.max(abs(outcome["variances"] - true) / true),
        "captured": captured(arrays["X"], outcome["components"]) / true.sum(),
    }


def captured(X, components, chunk=65_536):
    """The variance of X along the span of some components, in float64."""
    basis = np.linalg.qr(np.asarray(components, dtype=np.float64).T)[0]
    mean = np.asarray(X.mean(axis=0, dtype=np.float64)).ravel() @ basis
    parts = (X[begin : begin + chunk] for begin in range(0, X.shape[0], chunk))
    return sum(np.sum((part @ basis - mean) ** 2) for part in parts) / (X.shape[0] - 1)


def projection_error(outcome, arrays):
    """The largest error of a projection, relative to the largest projection."""
    if "projections" not in outcome:
        return {}
    components = outcome["components"].astype(np.float64)
    true = (arrays["rows"] - outcome["mean"].astype(np.float64)) @ components.T
    return {"error": np.max(abs(outcome["projections"] - true)) / abs(true).max()}


def columns(divisor, n, d, k, offset=0.0, least=0):
    X = laws.falling_variances(laws.n_rows(n, divisor, max(least, 2 * d)), d)
    X += np.float32(offset)
    return {"X": X, "variances": true_variances(X, k)}


def wide(divisor):
    X = laws.low_rank(laws.n_rows(2000, divisor, 200), 50_000, 100)
    return {"X": X, "variances": true_variances(X, 20)}


def sparse_columns(divisor):
    X = laws.sparse_groups(laws.n_rows(100_000, divisor, 2000), 10_000, 70, 200)
    return {"X": X, "variances": true_variances(X, 50)}


def few_rows(divisor, count):
    X = laws.falling_variances(laws.n_rows(100_000, divisor, 2000), 50)
    return {"X": X, "rows": X[:count].copy()}


SHAPES = {
    "a": ("1M × 50", 1_000_000, 50, 10),
    "b": ("200k × 300", 200_000, 300, 50),
    "c": ("20k × 2000", 20_000, 2000, 20),
}


def shape_data(name):
    _, n, d, k = SHAPES[name]
    return partial(columns, n=n, d=d, k=k)


FITS = [
    Workload(
        f"fit-{name}",
        f"{shape}, {k} components: fit with defaults",
        "pca_fit",
        shape_data(name),
        variance_error,
        {"n_components": k},
        user=name in "ab",
        quick=name == "a",
    )
    for name, (shape, _, _, k) in SHAPES.items()
]

OTHER_SHAPES = [
    Workload(
        "sparse",
        "CSR, 100k × 10k, about 65 values a row, 50 components: fit with defaults",
        "pca_fit",
        sparse_columns,
        variance_error,
        {"n_components": 50},
        repeat=3,
    ),
    Workload(
        "wide",
        "2k × 50k, 20 components: fit with defaults",
        "pca_fit",
        wide,
        variance_error,
        {"n_components": 20},
        repeat=3,
    ),
    Workload(
        "small",
        "2k × 20, 5 components: fit with defaults",
        "pca_fit",
        partial(columns, n=2000, d=20, k=5, least=2000),
        variance_error,
        {"n_components": 5},
        memory=False,
        user=True,
    ),
]

STREAMS = [
    Workload(
        f"stream-{name}",
        f"{SHAPES[name][0]}, {SHAPES[name][3]} components: one pass over batches of 10k rows",
        "pca_stream",
        shape_data(name),
        variance_error,
        {"n_components": SHAPES[name][3], "batch_size": 10_000},
        repeat=3,
        quick=name == "a",
    )
    for name in "ab"
]

SKETCHES = [
    Workload(
        name,
        f"{SHAPES[shape][0]}, {SHAPES[shape][3]} components: random projections, {power}",
        "pca_sketch",
        shape_data(shape),
        variance_error,
        {"n_components": SHAPES[shape][3], "n_power": n_power},
        repeat=3,
        quick=False,
    )
    for name, shape, n_power, power in (
        ("sketch", "b", 0, "without power iterations"),
        ("sketch-wide", "c", 0, "without power iterations"),
        ("sketch-close", "c", 3, "with the power iterations that 5 % of the eigenvalues take"),
    )
]

OFFSETS = [
    Workload(
        f"offset-{offset:g}",
        f"100k × 50, 10 components, all columns + {offset:g}, float32",
        "pca_fit",
        partial(columns, n=100_000, d=50, k=10, offset=offset, least=100_000),
        variance_error,
        {"n_components": 10},
        memory=False,
        quick=False,
    )
    for offset in (0.0, 1e2, 1e3, 1e4)
]

CALLS = [
    Workload(
        f"transform-{count}",
        f"transform of {'one row' if count == 1 else f'{count} rows'}, 50 columns, 10 components",
        "pca_transform",
        partial(few_rows, count=count),
        projection_error,
        {"n_components": 10},
        memory=False,
        user=count == 1,
        quick=count == 1,
    )
    for count in (1, 100, 1000)
]

WORKLOADS = [*FITS, *OTHER_SHAPES, *STREAMS, *SKETCHES, *OFFSETS, *CALLS]
