"""svd_solver="arpack": implicitly restarted Lanczos on the scatter matrix."""

from __future__ import annotations

from inspect import signature

import numpy as np
from scipy import linalg
from scipy.sparse.linalg import LinearOperator, eigsh

from algos._common.arrays import Float64Array
from algos._common.random import Key, stream
from algos._common.threads import one_thread_blas
from algos.pca.rows import CenteredRows, Rows
from algos.pca.spectrum import Spectrum, completed


def solve(rows: Rows, count: int, key: Key, *, tol: float) -> Spectrum:
    """Return the `count` leading directions; `tol` refers to the singular values."""
    n, d = rows.X.shape
    with one_thread_blas():
        if rows.total == 0:
            return Spectrum(np.zeros(count), completed(np.empty((0, d)), count), 0.0)
        vectors = _leading_vectors(rows, count, key, tol)
        # One more pass makes the values second-order accurate in the vectors' errors.
        basis = rows.rounded(vectors)
        image = rows.scatter_times(basis)
        small, overlap = basis @ image.T, basis @ basis.T
        values, mix = linalg.eigh(
            (small + small.T) / 2, (overlap + overlap.T) / 2, check_finite=False
        )
        components = mix[:, ::-1].T @ basis
    variances = np.maximum(values[::-1], 0) / (n - 1)
    return Spectrum(variances, components, rows.total / (n - 1))


def _leading_vectors(rows: Rows, count: int, key: Key, tol: float) -> Float64Array:
    d = rows.X.shape[1]
    # The dtype of the same accuracy as the products.
    dtype = rows.X.dtype if isinstance(rows, CenteredRows) else np.dtype(np.float64)
    unit = rows.total  # keeps single precision inside its range
    random = stream(key)
    start = np.asarray(random.uniform(-1, 1, size=d), dtype=dtype)

    def matvec(v: Float64Array) -> Float64Array:
        image = rows.scatter_times(np.asarray(v, dtype=np.float64).reshape(1, -1))
        return np.asarray(image[0] / unit, dtype=dtype)

    operator = LinearOperator((d, d), matvec=matvec, dtype=dtype)
    # eigsh measures eigenvalues, which are the squares of the singular values.
    restarts = {"rng": random} if "rng" in signature(eigsh).parameters else {}  # SciPy 1.17
    _, vectors = eigsh(operator, k=count, v0=start, tol=tol**2, **restarts)
    leading: Float64Array = vectors[:, ::-1].T.astype(np.float64)
    return leading
