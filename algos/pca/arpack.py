"""svd_solver="arpack": implicitly restarted Lanczos on the scatter of the centred rows."""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.sparse.linalg import LinearOperator, eigsh

from algos._common.random import Key, stream
from algos._common.threads import one_thread_blas
from algos.pca.rows import CenteredRows
from algos.pca.spectrum import Spectrum, completed


def solve(rows: CenteredRows, count: int, key: Key, *, tol: float) -> Spectrum:
    """Return the `count` leading directions; `tol` is that of the singular values."""
    n, d = rows.X.shape
    if rows.total == 0:
        return Spectrum(np.zeros(count), completed(np.empty((0, d)), count), 0.0)
    start = stream(key).uniform(-1, 1, size=d)
    with one_thread_blas():
        vectors = _leading_vectors(rows, count, start, tol)
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


def _leading_vectors(rows: CenteredRows, count: int, start: np.ndarray, tol: float) -> np.ndarray:
    d = len(start)
    dtype = rows.X.dtype
    unit = rows.total  # keeps single precision inside its range

    def matvec(v: np.ndarray) -> np.ndarray:
        v = np.asarray(v, dtype=np.float64).reshape(1, -1)
        return (rows.scatter_times(v)[0] / unit).astype(dtype)

    operator = LinearOperator((d, d), matvec=matvec, dtype=dtype)
    # eigsh measures eigenvalues, which are the squares of the singular values.
    _, vectors = eigsh(operator, k=count, v0=start.astype(dtype), tol=tol**2)
    return vectors[:, ::-1].T.astype(np.float64)
