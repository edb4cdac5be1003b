"""The rows of PCA."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.linalg import eigh

from benchmarks.cases import laws
from benchmarks.workload import Workload


def true_variances(X, count, chunk=65_536):
    """The largest eigenvalues of the covariance of X, in float64 and in two passes."""
    mean = X.mean(axis=0, dtype=np.float64)
    gram = np.zeros((X.shape[1], X.shape[1]))
    for begin in range(0, len(X), chunk):
        rows = X[begin : begin + chunk] - mean
        gram += rows.T @ rows
    d = len(gram)
    values = eigh(gram / (len(X) - 1), eigvals_only=True, subset_by_index=[d - count, d - 1])
    return values[::-1]


def variance_error(outcome, arrays):
    """The largest relative error of an eigenvalue against float64."""
    true = arrays["variances"]
    return {"eigenvalue error": np.max(abs(outcome["variances"] - true) / true)}


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


def one_row(divisor):
    X = laws.falling_variances(laws.n_rows(100_000, divisor, 1000), 50)
    return {"X": X, "rows": X[:1].copy()}


SHAPES = (
    ("a", "1M × 50", 1_000_000, 50, 10),
    ("b", "200k × 300", 200_000, 300, 50),
    ("c", "20k × 2000", 20_000, 2000, 20),
)

WORKLOADS = [
    *(
        Workload(
            f"fit-{name}",
            f"{shape}, {k} components: fit with defaults",
            "pca_fit",
            partial(columns, n=n, d=d, k=k),
            variance_error,
            {"n_components": k},
            quick=name != "c",
        )
        for name, shape, n, d, k in SHAPES
    ),
    *(
        Workload(
            f"offset-{offset:g}",
            f"100k × 50, 10 components, all columns + {offset:g}, float32",
            "pca_fit",
            partial(columns, n=100_000, d=50, k=10, offset=offset, least=100_000),
            variance_error,
            {"n_components": 10},
            memory=False,
        )
        for offset in (0.0, 1e2, 1e3, 1e4)
    ),
    Workload(
        "transform-one",
        "transform of one row, 50 columns, 10 components",
        "pca_transform",
        one_row,
        projection_error,
        {"n_components": 10},
        memory=False,
    ),
]
