"""svd_solver="full": singular values and vectors of the centred rows, without squaring."""

from __future__ import annotations

import numpy as np
from scipy import linalg

from algos._common.arrays import Float64Array, FloatArray
from algos._common.threads import one_thread_blas
from algos.pca.spectrum import Spectrum


def solve(X: FloatArray, mean: Float64Array) -> tuple[Spectrum, Float64Array | None]:
    """Return (spectrum, scatter of the rows); no scatter if there are more columns than rows.

    For tall data only R of a QR decomposition is kept, block by block (Golub et al. 1988,
    "Parallel block schemes for large-scale least-squares computations"), so that no copy
    of X is made. Everything is computed in double.
    """
    n, d = X.shape
    with one_thread_blas():
        R = _triangle(X, mean) if n >= d else X.astype(np.float64) - mean
        _, singular, components = linalg.svd(R, full_matrices=False, check_finite=False)
        scatter = R.T @ R if n >= d else None
    variances = singular**2 / (n - 1)
    return Spectrum(variances, components, float(variances.sum())), scatter


def _triangle(X: FloatArray, mean: Float64Array) -> Float64Array:
    n, d = X.shape
    step = max(1024, 2 * d)
    R = np.empty((0, d))
    for start in range(0, n, step):
        rows = np.concatenate([R, X[start : start + step] - mean])
        (R,) = linalg.qr(rows, mode="r", overwrite_a=True, check_finite=False)
        R = R[:d]
    return R
